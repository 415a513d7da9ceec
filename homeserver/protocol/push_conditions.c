/*
 * Conditions of push rules.
 * Spec: client-server API, "Push rules", "Conditions".
 */
#include "homeserver/protocol/push_conditions.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/base/utf8.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/power_levels.h"
#include "homeserver/protocol/push_pattern.h"

enum { MEMBER_COUNT_DIGITS_MAX = 15 };

static const char *const body_names[] = {"content", "body"};
static const struct json_path body_path = {body_names, COUNT_OF(body_names)};

static const char *const kind_names[] = {
    [PUSH_CONDITION_UNKNOWN] = "",
    [PUSH_EVENT_MATCH] = "event_match",
    [PUSH_EVENT_PROPERTY_IS] = "event_property_is",
    [PUSH_EVENT_PROPERTY_CONTAINS] = "event_property_contains",
    [PUSH_CONTAINS_DISPLAY_NAME] = "contains_display_name",
    [PUSH_ROOM_MEMBER_COUNT] = "room_member_count",
    [PUSH_SENDER_NOTIFICATION_PERMISSION] = "sender_notification_permission",
    [PUSH_THREAD_SUBSCRIPTION] = "io.element.msc4306.thread_subscription",
};

/* The longer operators first, so that `<=` is not read as `<`. */
static const struct {
    const char *text;
    enum push_comparison comparison;
} operators[] = {
    {"==", PUSH_EQUAL}, {"<=", PUSH_LESS_EQUAL}, {">=", PUSH_GREATER_EQUAL},
    {"<", PUSH_LESS},   {">", PUSH_GREATER},
};

/* ── Reading ─────────────────────────────────────────────────────────────────────────────────── */

static bool parse_member_count(const char *text, struct push_condition *condition)
{
    if (text == NULL)
        return false;
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        size_t length = strlen(operators[i].text);
        if (strncmp(text, operators[i].text, length) == 0) {
            condition->comparison = operators[i].comparison;
            text += length;
            break;
        }
    }
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > MEMBER_COUNT_DIGITS_MAX || text[digits] != '\0')
        return false;
    condition->number = strtoll(text, NULL, 10);
    return true;
}

static bool parse_value(json_t *value, struct push_condition *condition)
{
    if (json_is_text(value)) {
        condition->value_type = PUSH_VALUE_STRING;
        condition->string = json_string_value(value);
    } else if (json_is_integer(value)) {
        condition->value_type = PUSH_VALUE_INTEGER;
        condition->number = json_integer_value(value);
    } else if (json_is_boolean(value)) {
        condition->value_type = PUSH_VALUE_BOOLEAN;
        condition->number = json_is_true(value);
    } else if (json_is_null(value)) {
        condition->value_type = PUSH_VALUE_NULL;
    } else {
        return false;
    }
    return true;
}

static enum push_condition_kind kind_of(const char *name)
{
    for (size_t i = 1; name != NULL && i < COUNT_OF(kind_names); i++) {
        if (strcmp(name, kind_names[i]) == 0)
            return (enum push_condition_kind)i;
    }
    return PUSH_CONDITION_UNKNOWN;
}

static bool parse_parameters(struct arena *arena, json_t *json, struct push_condition *condition)
{
    size_t folded_length;

    switch (condition->kind) {
    case PUSH_EVENT_MATCH:
        condition->pattern = json_get_string(json, "pattern");
        if (condition->pattern == NULL || condition->path.count == 0)
            return false;
        condition->pattern =
            utf8_casefold(arena, condition->pattern, strlen(condition->pattern), &folded_length);
        return true;
    case PUSH_EVENT_PROPERTY_IS:
    case PUSH_EVENT_PROPERTY_CONTAINS:
        return condition->path.count > 0 && parse_value(json_object_get(json, "value"), condition);
    case PUSH_ROOM_MEMBER_COUNT:
        return parse_member_count(json_get_string(json, "is"), condition);
    case PUSH_SENDER_NOTIFICATION_PERMISSION:
        return condition->key != NULL;
    case PUSH_THREAD_SUBSCRIPTION:
        condition->number = json_is_true(json_object_get(json, "subscribed"));
        return json_is_boolean(json_object_get(json, "subscribed"));
    case PUSH_CONTAINS_DISPLAY_NAME:
        return true;
    case PUSH_CONDITION_UNKNOWN:
    default:
        return false;
    }
}

struct push_condition push_condition_parse(struct arena *arena, json_t *json)
{
    struct push_condition condition = {
        .kind = kind_of(json_get_string(json, "kind")),
        .key = json_get_string(json, "key"),
    };

    if (condition.key != NULL && strlen(condition.key) <= PUSH_KEY_BYTES_MAX)
        condition.path = json_path_parse(arena, condition.key);
    if (!parse_parameters(arena, json, &condition))
        condition.kind = PUSH_CONDITION_UNKNOWN;
    return condition;
}

/* ── Writing ─────────────────────────────────────────────────────────────────────────────────── */

static json_t *value_to_json(const struct push_condition *condition, const char *user_id)
{
    switch (condition->value_type) {
    case PUSH_VALUE_STRING:
        return json_string(condition->string);
    case PUSH_VALUE_OWN_USER_ID:
        return json_string(user_id);
    case PUSH_VALUE_INTEGER:
        return json_integer(condition->number);
    case PUSH_VALUE_BOOLEAN:
        return json_boolean(condition->number);
    case PUSH_VALUE_NULL:
    case PUSH_VALUE_NONE:
    default:
        return json_null();
    }
}

static json_t *member_count_to_json(const struct push_condition *condition)
{
    const char *operator= "";

    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        if (operators[i].comparison == condition->comparison && condition->comparison != PUSH_EQUAL)
            operator= operators[i].text;
    }
    return json_sprintf("%s%lld", operator,(long long) condition->number);
}

/* The dotted text of a path. */
static json_t *path_to_json(struct json_path path)
{
    struct strbuf text;
    json_t *json;

    strbuf_init(&text, 0);
    for (size_t i = 0; i < path.count; i++) {
        if (i > 0)
            strbuf_add_char(&text, '.');
        for (const char *c = path.names[i]; *c != '\0'; c++) {
            if (*c == '.' || *c == '\\')
                strbuf_add_char(&text, '\\');
            strbuf_add_char(&text, *c);
        }
    }
    json = json_string(text.data);
    strbuf_finish(&text);
    return json;
}

json_t *push_condition_to_json(const struct push_condition *condition, const char *user_id)
{
    json_t *json = json_pack("{s:s}", "kind", kind_names[condition->kind]);

    if (condition->path.count > 0)
        json_object_set_new(json, "key", path_to_json(condition->path));
    switch (condition->kind) {
    case PUSH_EVENT_MATCH:
        json_object_set_new(json, "pattern",
                            condition->pattern != NULL ? json_string(condition->pattern)
                                                       : value_to_json(condition, user_id));
        break;
    case PUSH_EVENT_PROPERTY_IS:
    case PUSH_EVENT_PROPERTY_CONTAINS:
        json_object_set_new(json, "value", value_to_json(condition, user_id));
        break;
    case PUSH_ROOM_MEMBER_COUNT:
        json_object_set_new(json, "is", member_count_to_json(condition));
        break;
    case PUSH_SENDER_NOTIFICATION_PERMISSION:
        json_object_set_new(json, "key", json_string(condition->key));
        break;
    case PUSH_THREAD_SUBSCRIPTION:
        json_object_set_new(json, "subscribed", json_boolean(condition->number));
        break;
    case PUSH_CONTAINS_DISPLAY_NAME:
    case PUSH_CONDITION_UNKNOWN:
    default:
        break;
    }
    return json;
}

/* ── Matching ────────────────────────────────────────────────────────────────────────────────── */

void push_context_init(struct push_context *context, struct arena *arena, const struct event *event)
{
    *context = (struct push_context){.arena = arena, .event = event};
}

static json_t *property(const struct push_context *context, struct json_path path)
{
    return json_path_get(context->event->json, path);
}

/* Most messages are judged by no word at all, so the body is folded when it is first needed. */
static bool fold_body(struct push_context *context)
{
    json_t *body;

    if (context->body != NULL)
        return true;
    body = property(context, body_path);
    if (!json_is_string(body))
        return false;
    context->body = utf8_casefold(context->arena, json_string_value(body), json_string_length(body),
                                  &context->body_length);
    return true;
}

bool push_content_matches(const char *pattern, struct push_context *context,
                          struct push_person *person)
{
    return fold_body(context) &&
           push_pattern_matches_words(pattern, context->body, context->body_length,
                                      &person->steps_left);
}

static bool string_is(json_t *value, const char *expected)
{
    return expected != NULL && json_is_string(value) &&
           json_string_length(value) == strlen(expected) &&
           memcmp(json_string_value(value), expected, json_string_length(value)) == 0;
}

static bool is_body(struct json_path path)
{
    return path.count == 2 && strcmp(path.names[0], body_names[0]) == 0 &&
           strcmp(path.names[1], body_names[1]) == 0;
}

static bool event_match(const struct push_condition *condition, struct push_context *context,
                        struct push_person *person)
{
    json_t *value;
    const char *text;
    size_t length;

    if (is_body(condition->path))
        return push_content_matches(condition->pattern, context, person);

    value = property(context, condition->path);
    if (condition->value_type == PUSH_VALUE_OWN_USER_ID)
        return string_is(value, person->user_id);
    if (!json_is_string(value))
        return false;
    person->steps_left -= (int64_t)json_string_length(value);
    text =
        utf8_casefold(context->arena, json_string_value(value), json_string_length(value), &length);
    return push_pattern_matches_all(condition->pattern, text, length, &person->steps_left);
}

static bool value_is(const struct push_condition *condition, json_t *value,
                     const struct push_person *person)
{
    switch (condition->value_type) {
    case PUSH_VALUE_STRING:
        return string_is(value, condition->string);
    case PUSH_VALUE_OWN_USER_ID:
        return string_is(value, person->user_id);
    case PUSH_VALUE_INTEGER:
        return json_is_integer(value) && json_integer_value(value) == condition->number;
    case PUSH_VALUE_BOOLEAN:
        return json_is_boolean(value) && json_is_true(value) == (condition->number != 0);
    case PUSH_VALUE_NULL:
        return json_is_null(value);
    case PUSH_VALUE_NONE:
    default:
        return false;
    }
}

static bool property_contains(const struct push_condition *condition, json_t *array,
                              struct push_person *person)
{
    size_t i;
    json_t *item;

    if (!json_is_array(array))
        return false;
    person->steps_left -= (int64_t)json_array_size(array);
    json_array_foreach (array, i, item) {
        if (value_is(condition, item, person))
            return true;
    }
    return false;
}

/* The name is text, not a pattern. A `?` in it matches itself among other characters, which is near
 * enough for this deprecated condition; a `*` would match anything, so it becomes a `?`. */
static bool contains_display_name(struct push_context *context, struct push_person *person)
{
    char *pattern;
    size_t length;

    if (person->display_name == NULL || person->display_name[0] == '\0' || !fold_body(context))
        return false;
    pattern =
        utf8_casefold(context->arena, person->display_name, strlen(person->display_name), &length);
    for (char *c = pattern; *c != '\0'; c++) {
        if (*c == '*')
            *c = '?';
    }
    return push_content_matches(pattern, context, person);
}

static bool compare(int64_t count, enum push_comparison comparison, int64_t number)
{
    switch (comparison) {
    case PUSH_LESS:
        return count < number;
    case PUSH_GREATER:
        return count > number;
    case PUSH_LESS_EQUAL:
        return count <= number;
    case PUSH_GREATER_EQUAL:
        return count >= number;
    case PUSH_EQUAL:
    default:
        return count == number;
    }
}

static bool sender_may_notify(const struct push_context *context, const char *key)
{
    const struct power_levels *levels = context->power_levels;

    return levels != NULL && power_levels_user(levels, context->event->sender) >=
                                 power_levels_notification(levels, key);
}

bool push_condition_matches(const struct push_condition *condition, struct push_context *context,
                            struct push_person *person)
{
    if (person->steps_left <= 0)
        return false;
    person->steps_left--;
    switch (condition->kind) {
    case PUSH_EVENT_MATCH:
        return event_match(condition, context, person);
    case PUSH_EVENT_PROPERTY_IS:
        return value_is(condition, property(context, condition->path), person);
    case PUSH_EVENT_PROPERTY_CONTAINS:
        return property_contains(condition, property(context, condition->path), person);
    case PUSH_CONTAINS_DISPLAY_NAME:
        return contains_display_name(context, person);
    case PUSH_ROOM_MEMBER_COUNT:
        return compare(context->member_count, condition->comparison, condition->number);
    case PUSH_SENDER_NOTIFICATION_PERMISSION:
        return sender_may_notify(context, condition->key);
    case PUSH_THREAD_SUBSCRIPTION:
        return context->in_thread && person->is_subscribed == (condition->number != 0);
    case PUSH_CONDITION_UNKNOWN:
    default:
        return false;
    }
}
