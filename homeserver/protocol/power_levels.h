#ifndef HOMESERVER_PROTOCOL_POWER_LEVELS_H
#define HOMESERVER_PROTOCOL_POWER_LEVELS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct event;
struct room_version;

/* What the creators of a v12 room have. No number in an event reaches it. */
#define POWER_LEVEL_INFINITE INT64_MAX

enum power_action { POWER_BAN, POWER_INVITE, POWER_KICK, POWER_REDACT };

/*
 * Who may do what in a room. A small value type: borrows from both events, costs nothing to make.
 * Spec: client-server API "m.room.power_levels"; room version pages for strings and floats.
 */
struct power_levels {
    const struct room_version *version;
    const struct event *create;
    const json_t *content; /* of the m.room.power_levels event; NULL when there is none */
};

/* `create` and `power_levels_event` may be NULL: without the event, the defaults hold. */
struct power_levels power_levels_of(const struct room_version *version, const struct event *create,
                                    const struct event *power_levels_event);

/* POWER_LEVEL_INFINITE for the creators of a v12 room. */
int64_t power_levels_user(const struct power_levels *levels, const char *user_id);

/* The level that sending an event of this type takes. */
int64_t power_levels_send(const struct power_levels *levels, const char *type, bool is_state);

int64_t power_levels_action(const struct power_levels *levels, enum power_action action);

/* The level that `@room` and other notifications take; `key` is "room". */
int64_t power_levels_notification(const struct power_levels *levels, const char *key);

/* A level as an event spells it: an integer; before v10 also a text such as " +050 "; before v6
 * also a float, which is truncated. False when it is none. What does not fit into 63 bits becomes
 * the nearest number that does. */
bool power_level_parse(const struct room_version *version, const json_t *value, int64_t *out);

/* Whether the user made the room: the sender of the create event and, in v12, the
 * `additional_creators`; before v11, `content.creator`. */
bool room_is_created_by(const struct room_version *version, const struct event *create,
                        const char *user_id);

/* Whether the content of m.room.power_levels gives a level to one whom v12 forbids to have one. */
bool power_levels_name_a_creator(const json_t *content, const struct event *create);

#endif
