#ifndef HOMESERVER_PROTOCOL_EVENT_H
#define HOMESERVER_PROTOCOL_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct room_version;
struct strbuf;

enum {
    EVENT_BYTES_MAX = 65536, /* canonical JSON in federation format, signatures included */
    EVENT_ID_BYTES_MAX = 255,
    AUTH_EVENTS_MAX = 10,
    PREV_EVENTS_MAX = 20,
};

/*
 * A room event (PDU) after parsing: the fields the rules look at, and the JSON they came from.
 * Immutable. Strings and arrays are borrowed from the arena it was parsed on; `json` too (it holds
 * a reference there). All strings are free of NUL.
 *
 * Spec: server-server API "PDUs", room version pages "Event format".
 */
struct event {
    const struct room_version *version;
    const char *event_id; /* computed for v3+, carried for v1 and v2 */
    const char *room_id;  /* never NULL: for a v12 create event it is derived from the event ID */
    const char *type;
    const char *sender;
    const char *state_key;    /* NULL when the event is not a state event */
    json_t *content;          /* always an object */
    const char *redacts;      /* v1-v10 top level, v11+ content.redacts; NULL when there is none */
    int64_t origin_server_ts; /* ms */
    int64_t depth;
    const char *const *prev_events; /* event IDs */
    size_t prev_event_count;
    const char *const *auth_events;
    size_t auth_event_count;
    bool rejected; /* failed its own auth rules when it was received; set by storage */
    json_t *json;  /* the whole PDU, without `event_id` for v3+ */
};

/* Checks the shape and the sizes for the room version and fills `*out`, event ID included.
 * M_BAD_JSON (a field is missing or has another type) or M_TOO_LARGE; `error` says which field.
 * Does not verify signatures or hashes. */
enum errcode event_parse(struct arena *arena, const struct room_version *version, json_t *json,
                         struct error *error, const struct event **out) MUST_CHECK;

/*
 * The same for those who go on to check or store the event: the two texts that were made for it are
 * appended. `bytes` is limited to EVENT_BYTES_MAX and takes what event_write_bytes() writes,
 * `signed_bytes` what signatures cover (redaction_splice()).
 */
struct event_texts {
    struct strbuf *bytes;
    struct strbuf *signed_bytes;
};
enum errcode event_parse_with_texts(struct arena *arena, const struct room_version *version,
                                    json_t *json, struct error *error,
                                    const struct event_texts *texts,
                                    const struct event **out) MUST_CHECK;

/* The same from canonical bytes that storage holds and that were checked before they were stored:
 * trusts `event_id` and skips the size checks. */
enum errcode event_parse_stored(struct arena *arena, const struct room_version *version,
                                const char *event_id, const char *bytes, size_t size,
                                const struct event **out) MUST_CHECK;

/* Appends the canonical bytes in federation form, by the strictness of the version, without
 * `unsigned`: that is no part of the event, every server on the way puts its own there. M_TOO_LARGE
 * when `out`, limited to EVENT_BYTES_MAX, is full; M_BAD_JSON when the version forbids a number. */
enum errcode event_write_bytes(const struct room_version *version, const json_t *json,
                               struct strbuf *out, struct error *error) MUST_CHECK;

bool event_is_state(const struct event *event);
/* True for a state event with this type and state key. */
bool event_is(const struct event *event, const char *type, const char *state_key);
/* content.membership of a member event; NULL when absent or not a string. */
const char *event_membership(const struct event *event);

#endif
