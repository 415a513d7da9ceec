#ifndef HOMESERVER_PROTOCOL_ROOM_VERSION_H
#define HOMESERVER_PROTOCOL_ROOM_VERSION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Room versions 1 to 12 as one table of switches. Code asks `version->restricted_join`, never
 * `version >= 8`. Spec: "Room Versions" and its pages. After them those of proposals, named as
 * their proposals say.
 */
enum event_id_format {
    EVENT_ID_CARRIED,      /* v1, v2: in the PDU */
    EVENT_ID_HASH,         /* v3: reference hash, standard base64 */
    EVENT_ID_HASH_URLSAFE, /* v4+: URL-safe base64 */
};

enum state_resolution_algorithm { STATE_RESOLUTION_V1, STATE_RESOLUTION_V2, STATE_RESOLUTION_V2_1 };

enum redaction_rules {
    REDACTION_V1,  /* v1-v5: m.room.aliases keeps aliases */
    REDACTION_V6,  /* v6-v7 */
    REDACTION_V8,  /* join_rules keeps allow */
    REDACTION_V9,  /* member keeps join_authorised_via_users_server */
    REDACTION_V11, /* v11+ */
};

struct room_version {
    const char *id; /* "1" … "12", "org.matrix.msc3757.10", … */
    enum event_id_format event_id_format;
    enum state_resolution_algorithm state_resolution;
    enum redaction_rules redaction;
    bool strict_canonical_json;         /* v6+ */
    bool strict_depth;                  /* v6+: depth <= 2^53-1 */
    bool enforce_key_validity;          /* v5+ */
    bool aliases_auth_rule;             /* v1-v5 */
    bool redaction_auth_rule;           /* v1-v2 */
    bool notifications_in_power_levels; /* v6+ */
    bool knock;                         /* v7+ */
    bool restricted_join;               /* v8+ */
    bool knock_restricted;              /* v10+ */
    bool integer_power_levels;          /* v10+: no strings */
    bool float_power_levels;            /* v1-v5: floats are truncated */
    bool creator_in_content;            /* v1-v10: content.creator of the create event */
    bool redacts_in_content;            /* v11+ */
    bool sizes_in_bytes;                /* v11+: of type, state_key and so on; before, characters */
    bool room_id_is_create_hash;        /* v12: create has no room_id, is no auth event */
    bool privileged_creators;           /* v12: infinite power, additional_creators */
    bool owned_state;                   /* MSC3757: "@user:domain_suffix" is the user's */
    bool is_unstable;                   /* of a proposal: told to be so, never the default */
};

extern const struct room_version room_versions[];
extern const size_t room_version_count;

/* Default for new rooms when the configuration says nothing. */
#define ROOM_VERSION_DEFAULT "12"

/* NULL when the version is unknown (or `id` is NULL). */
const struct room_version *room_version_find(const char *id);

#endif
