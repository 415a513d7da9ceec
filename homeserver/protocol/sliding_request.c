/* Reading the body of a sliding sync request. Spec: MSC4186, "Request Body". */
#include "homeserver/protocol/sliding_request.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"

/* What is being read, for the message. */
struct reader {
    struct arena *arena;
    struct error *error;
};

static enum errcode wrong(const struct reader *reader, const char *name)
{
    return fail(reader->error, M_INVALID_PARAM, "%s does not have the expected form.", name);
}

/* A text of bounded length; `*out` stays as it is when there is none. */
static enum errcode read_text(const struct reader *reader, json_t *value, const char *name,
                              const char **out)
{
    const char *text = json_text(value);

    if (value == NULL || json_is_null(value))
        return OK;
    if (text == NULL || strlen(text) > SLIDING_KEY_BYTES_MAX)
        return wrong(reader, name);
    *out = text;
    return OK;
}

static enum errcode read_array(const struct reader *reader, json_t *value, const char *name,
                               size_t max)
{
    if (value != NULL && !json_is_null(value) &&
        (!json_is_array(value) || json_array_size(value) > max))
        return wrong(reader, name);
    return OK;
}

static enum errcode read_texts(const struct reader *reader, json_t *object, const char *name,
                               struct sliding_texts *out)
{
    json_t *value = json_object_get(object, name);

    TRY(read_array(reader, value, name, SLIDING_ITEMS_MAX));
    if (!json_is_array(value))
        return OK;
    out->is_present = true;
    out->count = json_array_size(value);
    out->items = ARENA_ARRAY(reader->arena, out->count, const char *);
    for (size_t i = 0; i < out->count; i++)
        TRY(read_text(reader, json_array_get(value, i), name, &out->items[i]));
    return OK;
}

static enum errcode read_choice(const struct reader *reader, json_t *object, const char *name,
                                enum sliding_choice *out)
{
    json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return OK;
    if (!json_is_boolean(value))
        return wrong(reader, name);
    *out = json_is_true(value) ? SLIDING_YES : SLIDING_NO;
    return OK;
}

static enum errcode read_filter(const struct reader *reader, json_t *json,
                                struct sliding_filter *out)
{
    if (json == NULL || json_is_null(json))
        return OK;
    if (!json_is_object(json))
        return wrong(reader, "filters");
    TRY(read_choice(reader, json, "is_dm", &out->is_dm));
    TRY(read_choice(reader, json, "is_encrypted", &out->is_encrypted));
    TRY(read_choice(reader, json, "is_invite", &out->is_invited));
    TRY(read_choice(reader, json, "is_invited", &out->is_invited));
    TRY(read_texts(reader, json, "spaces", &out->spaces));
    TRY(read_texts(reader, json, "room_types", &out->room_types));
    TRY(read_texts(reader, json, "not_room_types", &out->not_room_types));
    TRY(read_texts(reader, json, "tags", &out->tags));
    return read_texts(reader, json, "not_tags", &out->not_tags);
}

/* ── required_state ──────────────────────────────────────────────────────────────────────────── */

/* A pair of the older form. `$LAZY` is no pattern but a switch. */
static enum errcode read_pair(const struct reader *reader, json_t *pair, struct required_state *out,
                              struct state_pattern *pattern, size_t *count)
{
    const char *type = NULL, *key = NULL;

    if (!json_is_array(pair) || json_array_size(pair) != 2)
        return wrong(reader, "required_state");
    TRY(read_text(reader, json_array_get(pair, 0), "required_state", &type));
    TRY(read_text(reader, json_array_get(pair, 1), "required_state", &key));
    if (type == NULL || key == NULL)
        return wrong(reader, "required_state");
    if (strcmp(key, "$LAZY") == 0) {
        out->lazy_members |= strcmp(type, "m.room.member") == 0;
        return OK;
    }
    *pattern = (struct state_pattern){strcmp(type, "*") == 0 ? NULL : type,
                                      strcmp(key, "*") == 0 ? NULL : key};
    (*count)++;
    return OK;
}

static enum errcode read_pairs(const struct reader *reader, json_t *pairs,
                               struct required_state *out)
{
    size_t size = json_array_size(pairs);
    struct state_pattern *patterns = ARENA_ARRAY(reader->arena, size, struct state_pattern);

    TRY(read_array(reader, pairs, "required_state", SLIDING_ITEMS_MAX));
    out->include = patterns;
    for (size_t i = 0; i < size; i++)
        TRY(read_pair(reader, json_array_get(pairs, i), out, &patterns[out->include_count],
                      &out->include_count));
    return OK;
}

static enum errcode read_patterns(const struct reader *reader, json_t *array,
                                  const struct state_pattern **out, size_t *count_out)
{
    size_t size = json_array_size(array);
    struct state_pattern *patterns = ARENA_ARRAY(reader->arena, size, struct state_pattern);

    TRY(read_array(reader, array, "required_state", SLIDING_ITEMS_MAX));
    for (size_t i = 0; i < size; i++) {
        json_t *item = json_array_get(array, i);
        if (!json_is_object(item))
            return wrong(reader, "required_state");
        TRY(read_text(reader, json_object_get(item, "type"), "type", &patterns[i].type));
        TRY(read_text(reader, json_object_get(item, "state_key"), "state_key",
                      &patterns[i].state_key));
    }
    *out = patterns;
    *count_out = size;
    return OK;
}

enum errcode required_state_parse(struct arena *arena, json_t *json, struct error *error,
                                  struct required_state *out)
{
    const struct reader reader = {arena, error};

    *out = (struct required_state){0};
    if (json == NULL || json_is_null(json))
        return OK;
    if (json_is_array(json))
        return read_pairs(&reader, json, out);
    if (!json_is_object(json))
        return wrong(&reader, "required_state");
    out->lazy_members = json_get_bool(json, "lazy_members", false);
    TRY(read_patterns(&reader, json_object_get(json, "include"), &out->include,
                      &out->include_count));
    return read_patterns(&reader, json_object_get(json, "exclude"), &out->exclude,
                         &out->exclude_count);
}

static bool matches(const struct state_pattern *pattern, const struct state_pattern *key,
                    const char *me)
{
    const char *wanted = pattern->state_key;

    if (wanted != NULL && strcmp(wanted, "$ME") == 0)
        wanted = me;
    return (pattern->type == NULL || strcmp(pattern->type, key->type) == 0) &&
           (wanted == NULL || strcmp(wanted, key->state_key) == 0);
}

bool required_state_selects(const struct required_state *wanted, const struct state_pattern *key,
                            const char *me)
{
    bool is_lazy = wanted->lazy_members && strcmp(key->type, "m.room.member") == 0;

    for (size_t i = 0; i < wanted->exclude_count; i++) {
        if (matches(&wanted->exclude[i], key, me))
            return false;
    }
    for (size_t i = 0; i < wanted->include_count; i++) {
        /* "Everything", with lazily loaded members, is everything but members. */
        if (is_lazy && wanted->include[i].type == NULL && wanted->include[i].state_key == NULL)
            continue;
        if (matches(&wanted->include[i], key, me))
            return true;
    }
    return false;
}

/* ── Lists, subscriptions, extensions ────────────────────────────────────────────────────────── */

static enum errcode read_config(const struct reader *reader, json_t *json,
                                struct sliding_config *out)
{
    json_t *limit = json_object_get(json, "timeline_limit");

    if (!json_is_object(json))
        return wrong(reader, "The configuration of a list or room");
    if (limit != NULL && (!json_is_integer(limit) || json_integer_value(limit) < 0))
        return wrong(reader, "timeline_limit");
    out->timeline_limit = json_integer_value(limit);
    if (out->timeline_limit > SLIDING_TIMELINE_LIMIT_MAX)
        out->timeline_limit = SLIDING_TIMELINE_LIMIT_MAX;
    return required_state_parse(reader->arena, json_object_get(json, "required_state"),
                                reader->error, &out->state);
}

static enum errcode read_range(const struct reader *reader, json_t *pair, struct sliding_range *out)
{
    json_t *first = json_array_get(pair, 0), *last = json_array_get(pair, 1);

    if (json_array_size(pair) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        json_integer_value(first) < 0 || json_integer_value(last) < json_integer_value(first))
        return wrong(reader, "range");
    *out = (struct sliding_range){json_integer_value(first), json_integer_value(last)};
    return OK;
}

static enum errcode read_ranges(const struct reader *reader, json_t *json, struct sliding_list *out)
{
    json_t *range = json_object_get(json, "range"), *ranges = json_object_get(json, "ranges");
    struct sliding_range *items;

    /* Clients made for the proposal before (MSC3575) want all rooms so; ranges do not count then.
     */
    if (json_is_true(json_object_get(json, "slow_get_all_rooms")))
        return OK;
    TRY(read_array(reader, ranges, "ranges", SLIDING_RANGES_MAX));
    if (json_is_array(range))
        out->range_count = 1;
    else if (json_is_array(ranges))
        out->range_count = json_array_size(ranges);
    else if (range != NULL && !json_is_null(range))
        return wrong(reader, "range");
    else
        return OK;
    out->has_ranges = true;
    items = ARENA_ARRAY(reader->arena, out->range_count, struct sliding_range);
    out->ranges = items;
    for (size_t i = 0; i < out->range_count; i++)
        TRY(read_range(reader, json_is_array(range) ? range : json_array_get(ranges, i),
                       &items[i]));
    return OK;
}

/* An object with bounded names and number of members; absent is empty. */
static enum errcode read_object(const struct reader *reader, json_t *body, const char *name,
                                size_t max, json_t **out)
{
    json_t *object = json_object_get(body, name), *member;
    const char *key;

    *out = NULL;
    if (object == NULL || json_is_null(object))
        return OK;
    if (!json_is_object(object) || json_object_size(object) > max)
        return wrong(reader, name);
    json_object_foreach (object, key, member) {
        if (strlen(key) > SLIDING_KEY_BYTES_MAX)
            return wrong(reader, name);
    }
    *out = object;
    return OK;
}

static enum errcode read_lists(const struct reader *reader, json_t *body,
                               struct sliding_request *out)
{
    struct sliding_list *lists;
    json_t *object, *json;
    const char *key;

    TRY(read_object(reader, body, "lists", SLIDING_LISTS_MAX, &object));
    lists = ARENA_ARRAY(reader->arena, json_object_size(object), struct sliding_list);
    out->lists = lists;
    json_object_foreach (object, key, json) {
        struct sliding_list *list = &lists[out->list_count++];
        list->key = key;
        TRY(read_config(reader, json, &list->config));
        TRY(read_ranges(reader, json, list));
        TRY(read_filter(reader, json_object_get(json, "filters"), &list->filter));
    }
    return OK;
}

static enum errcode read_subscriptions(const struct reader *reader, json_t *body,
                                       struct sliding_request *out)
{
    struct sliding_subscription *subscriptions;
    json_t *object, *json;
    const char *key;

    TRY(read_object(reader, body, "room_subscriptions", SLIDING_SUBSCRIPTIONS_MAX, &object));
    subscriptions =
        ARENA_ARRAY(reader->arena, json_object_size(object), struct sliding_subscription);
    out->subscriptions = subscriptions;
    json_object_foreach (object, key, json) {
        struct sliding_subscription *subscription = &subscriptions[out->subscription_count++];
        subscription->room_id = key;
        TRY(read_config(reader, json, &subscription->config));
    }
    return OK;
}

static enum errcode read_extension(const struct reader *reader, json_t *extensions,
                                   const char *name, struct sliding_extension *out)
{
    json_t *json = json_object_get(extensions, name), *limit = json_object_get(json, "limit");

    if (json == NULL || json_is_null(json))
        return OK;
    if (!json_is_object(json))
        return wrong(reader, name);
    if (limit != NULL && (!json_is_integer(limit) || json_integer_value(limit) < 0))
        return wrong(reader, "limit");
    out->is_enabled = json_get_bool(json, "enabled", false);
    out->limit = json_integer_value(limit);
    TRY(read_text(reader, json_object_get(json, "since"), "since", &out->since));
    TRY(read_texts(reader, json, "lists", &out->lists));
    return read_texts(reader, json, "rooms", &out->rooms);
}

static enum errcode read_extensions(const struct reader *reader, json_t *body,
                                    struct sliding_extensions *out)
{
    json_t *json = json_object_get(body, "extensions");

    if (json != NULL && !json_is_null(json) && !json_is_object(json))
        return wrong(reader, "extensions");
    TRY(read_extension(reader, json, "to_device", &out->to_device));
    TRY(read_extension(reader, json, "e2ee", &out->e2ee));
    TRY(read_extension(reader, json, "account_data", &out->account_data));
    TRY(read_extension(reader, json, "receipts", &out->receipts));
    TRY(read_extension(reader, json, "typing", &out->typing));
    return read_extension(reader, json, "io.element.msc4308.thread_subscriptions",
                          &out->thread_subscriptions);
}

enum errcode sliding_request_parse(struct arena *arena, json_t *body, struct error *error,
                                   struct sliding_request *out)
{
    const struct reader reader = {arena, error};

    *out = (struct sliding_request){.conn_id = ""};
    TRY(read_text(&reader, json_object_get(body, "conn_id"), "conn_id", &out->conn_id));
    TRY(read_lists(&reader, body, out));
    TRY(read_subscriptions(&reader, body, out));
    return read_extensions(&reader, body, &out->extensions);
}
