#ifndef HOMESERVER_PROTOCOL_PUSH_CONDITIONS_H
#define HOMESERVER_PROTOCOL_PUSH_CONDITIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/protocol/json.h"

struct arena;
struct event;
struct power_levels;

/*
 * The conditions of push rules (client-server API, "Conditions"). One we do not know, or that is
 * malformed, never matches.
 */
enum push_condition_kind {
    PUSH_CONDITION_UNKNOWN,
    PUSH_EVENT_MATCH,
    PUSH_EVENT_PROPERTY_IS,
    PUSH_EVENT_PROPERTY_CONTAINS,
    PUSH_CONTAINS_DISPLAY_NAME,
    PUSH_ROOM_MEMBER_COUNT,
    PUSH_SENDER_NOTIFICATION_PERMISSION,
    PUSH_THREAD_SUBSCRIPTION, /* MSC4306 */
};

enum push_value_type {
    PUSH_VALUE_NONE,
    PUSH_VALUE_STRING,
    PUSH_VALUE_INTEGER,
    PUSH_VALUE_BOOLEAN,
    PUSH_VALUE_NULL,
    PUSH_VALUE_OWN_USER_ID, /* predefined rules: the user the rule is evaluated for */
};

enum push_comparison { PUSH_EQUAL, PUSH_LESS, PUSH_GREATER, PUSH_LESS_EQUAL, PUSH_GREATER_EQUAL };

struct push_condition {
    enum push_condition_kind kind;
    struct json_path path; /* of the property that is looked at */
    const char *key;       /* of a notification permission */
    const char *pattern;   /* event_match; in folded case */
    enum push_value_type value_type;
    const char *string; /* value */
    int64_t number;     /* value, boolean value, member count, or: is subscribed */
    enum push_comparison comparison;
};

/* What one event is judged by, shared by all users it is evaluated for. Make it with
 * push_context_init(). */
struct push_context {
    struct arena *arena;
    const struct event *event;
    bool in_thread;                          /* … that people subscribe to */
    int64_t member_count;                    /* joined members of the room, remote ones too */
    const struct power_levels *power_levels; /* of the room; NULL: nobody may notify it */
    const char *body;                        /* content.body in folded case, NULL until asked for */
    size_t body_length;
};

/* The user an event is evaluated for; a zeroed one is "nobody in particular". */
struct push_person {
    const char *user_id;
    const char *display_name; /* in the room; NULL or "" never matches */
    bool is_subscribed;       /* to the event's thread */
    int64_t steps_left;       /* budget for pattern matching; PUSH_STEPS_MAX at first */
};

/* About two milliseconds of comparing: what one user's rules may cost for one event. */
enum { PUSH_STEPS_MAX = 2000000, PUSH_KEY_BYTES_MAX = 1024 };

void push_context_init(struct push_context *context, struct arena *arena,
                       const struct event *event);

/* Reads a condition as clients write it; it borrows strings from `json`. Never fails: what is not
 * understood becomes PUSH_CONDITION_UNKNOWN. */
struct push_condition push_condition_parse(struct arena *arena, json_t *json);

/* The condition as clients see it, for predefined rules. A new reference. */
json_t *push_condition_to_json(const struct push_condition *condition, const char *user_id);

bool push_condition_matches(const struct push_condition *condition, struct push_context *context,
                            struct push_person *person);

/* The pattern of a content rule: words of content.body. `pattern` is in folded case. */
bool push_content_matches(const char *pattern, struct push_context *context,
                          struct push_person *person);

#endif
