#ifndef HOMESERVER_PROTOCOL_SLIDING_REQUEST_H
#define HOMESERVER_PROTOCOL_SLIDING_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;

/*
 * The body of a simplified sliding sync request (MSC4186), in the form of the proposal and in the
 * older one that clients in use send: `required_state` as pairs with `*`, `$ME` and `$LAZY`,
 * `ranges` instead of `range`, `is_invite` instead of `is_invited`.
 */
enum {
    SLIDING_LISTS_MAX = 100,
    SLIDING_SUBSCRIPTIONS_MAX = 100,
    SLIDING_RANGES_MAX = 20,         /* of one list */
    SLIDING_ITEMS_MAX = 500,         /* entries of one required_state, or of one filter */
    SLIDING_KEY_BYTES_MAX = 255,     /* names of lists and connections, event types, state keys */
    SLIDING_TIMELINE_LIMIT_MAX = 200 /* events; a larger limit is clamped */
};

/* NULL matches everything. The state key `$ME` is the user's own ID. */
struct state_pattern {
    const char *type;
    const char *state_key;
};

/* The state a client wants to know of a room. */
struct required_state {
    const struct state_pattern *include;
    size_t include_count;
    const struct state_pattern *exclude;
    size_t exclude_count;
    bool lazy_members; /* members only as far as the timeline shows them, or they change */
};

/* A list of texts of a filter; NULL in `items` stands for null. */
struct sliding_texts {
    bool is_present;
    const char **items;
    size_t count;
};

/* What a filter says of a yes-or-no question. */
enum sliding_choice { SLIDING_ANY, SLIDING_YES, SLIDING_NO };

struct sliding_filter {
    enum sliding_choice is_dm;
    enum sliding_choice is_encrypted;
    enum sliding_choice is_invited;
    struct sliding_texts spaces;
    struct sliding_texts room_types;
    struct sliding_texts not_room_types;
    struct sliding_texts tags;
    struct sliding_texts not_tags;
};

/* What is told of a room. */
struct sliding_config {
    int64_t timeline_limit;
    struct required_state state;
};

/* Inclusive, counted from 0. */
struct sliding_range {
    int64_t first;
    int64_t last;
};

struct sliding_list {
    const char *key;
    struct sliding_config config;
    bool has_ranges; /* false: all rooms */
    const struct sliding_range *ranges;
    size_t range_count;
    struct sliding_filter filter;
};

struct sliding_subscription {
    const char *room_id;
    struct sliding_config config;
};

/* `lists` and `rooms` restrict an extension to rooms of these lists and subscriptions; `*`, or
 * nothing said, is all of them. */
struct sliding_extension {
    bool is_enabled;
    const char *since; /* to_device alone; NULL: from the beginning */
    int64_t limit;     /* 0: nothing said */
    struct sliding_texts lists;
    struct sliding_texts rooms;
};

struct sliding_extensions {
    struct sliding_extension to_device;
    struct sliding_extension e2ee;
    struct sliding_extension account_data;
    struct sliding_extension receipts;
    struct sliding_extension typing;
    struct sliding_extension thread_subscriptions; /* io.element.msc4308.thread_subscriptions */
};

struct sliding_request {
    const char *conn_id; /* "" when none is given */
    const struct sliding_list *lists;
    size_t list_count;
    const struct sliding_subscription *subscriptions;
    size_t subscription_count;
    struct sliding_extensions extensions;
};

/* M_INVALID_PARAM when a member has the wrong type or something is too long; the text names it.
 * On `arena`; `body` is borrowed as long. */
enum errcode sliding_request_parse(struct arena *arena, json_t *body, struct error *error,
                                   struct sliding_request *out) MUST_CHECK;

/* One `required_state`, of either form. Errors as above. */
enum errcode required_state_parse(struct arena *arena, json_t *json, struct error *error,
                                  struct required_state *out) MUST_CHECK;

/* True when the client wants this piece of state whatever the timeline shows. `me` is the user's
 * ID. */
bool required_state_selects(const struct required_state *wanted, const struct state_pattern *key,
                            const char *me);

#endif
