#ifndef HOMESERVER_PROTOCOL_FILTER_H
#define HOMESERVER_PROTOCOL_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/json.h"

struct arena;
struct map;

/*
 * Filters of /sync, /messages, /context and /search.
 * Spec: client-server API, "Filtering"; rel_types and not_rel_types: MSC3874.
 */
enum {
    FILTER_LIMIT_MAX = 1000,      /* events; a larger limit is clamped */
    FILTER_LIST_MAX = 1000,       /* entries of one list */
    FILTER_BYTES_MAX = 64 * 1024, /* JSON text of a filter */
    FILTER_TYPE_BYTES_MAX = 255,
};

/* A list of IDs; absent lists let everything pass, empty ones nothing. */
struct filter_ids {
    bool present;
    const struct map *ids;
};

/* A list of event types, which may hold `*`. */
struct filter_types {
    bool present;
    const char **patterns;
    size_t count;
};

/* EventFilter and RoomEventFilter. A zeroed one lets everything pass. */
struct event_filter {
    bool has_limit;
    int64_t limit; /* 0 … FILTER_LIMIT_MAX */
    struct filter_types types;
    struct filter_types not_types;
    struct filter_ids senders;
    struct filter_ids not_senders;
    struct filter_ids rooms;
    struct filter_ids not_rooms;
    struct filter_ids rel_types;
    struct filter_ids not_rel_types;
    bool has_contains_url;
    bool contains_url;
    bool lazy_load_members;
    bool include_redundant_members;
    bool unread_thread_notifications;
};

struct filter {
    bool has_event_fields; /* false: all fields */
    struct json_path *event_fields;
    size_t event_field_count;
    bool federation_format;
    struct event_filter presence;
    struct event_filter account_data;
    struct filter_ids rooms;
    struct filter_ids not_rooms;
    bool include_leave;
    struct event_filter ephemeral;
    struct event_filter state;
    struct event_filter timeline;
    struct event_filter room_account_data;
};

/* A whole filter, as POST /filter takes it. `json` NULL gives the filter that lets all pass.
 * M_INVALID_PARAM (something has the wrong type), M_TOO_LARGE (a list is too long); the text names
 * the member. On `arena`; `json` is borrowed as long. */
enum errcode filter_parse(struct arena *arena, json_t *json, struct error *error,
                          const struct filter **out) MUST_CHECK;

/* The `filter` of /messages, /context and /search: a RoomEventFilter alone. */
enum errcode event_filter_parse(struct arena *arena, json_t *json, struct error *error,
                                const struct event_filter **out) MUST_CHECK;

/* The limit, or `fallback` when the filter names none. */
int64_t event_filter_limit(const struct event_filter *filter, int64_t fallback);

/* What a filter looks at. NULL members are absent; `content` is needed only when
 * event_filter_needs_content() says so. */
struct filter_subject {
    const char *room_id;
    const char *sender;
    const char *type;
    json_t *content;
};

bool event_filter_needs_content(const struct event_filter *filter);
bool event_filter_passes(const struct event_filter *filter, const struct filter_subject *subject);

/* False when no event can pass (an empty `types`, say), so that nothing need be read. */
bool event_filter_can_pass(const struct event_filter *filter);

/* `rooms` and `not_rooms` of the room filter, which come before all others. */
bool filter_passes_room(const struct filter *filter, const char *room_id);

/* The event with the fields that `event_fields` asks for; the event itself when it asks for none in
 * particular. A new reference; shares what it keeps with `event`. */
json_t *filter_event_fields(const struct filter *filter, json_t *event);

#endif
