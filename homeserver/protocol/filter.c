/*
 * Filters: parsing with limits, matching, and cutting events down to the wanted fields.
 * Spec: client-server API, "Filtering" (definitions/event_filter.yaml, room_event_filter.yaml,
 * sync_filter.yaml).
 */
#include "homeserver/protocol/filter.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/glob.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/json.h"

enum { EVENT_FIELDS_MAX = 100, EVENT_FIELD_BYTES_MAX = 1024 };

struct parser {
    struct arena *arena;
    struct error *error;
};

/* ── Parsing ─────────────────────────────────────────────────────────────────────────────────── */

static enum errcode wrong_type(struct parser *parser, const char *name, const char *wanted)
{
    return fail(parser->error, M_INVALID_PARAM, "`%s` of the filter must be %s.", name, wanted);
}

static enum errcode parse_bool(struct parser *parser, json_t *json, const char *name, bool *out)
{
    json_t *value = json_object_get(json, name);

    if (value == NULL)
        return OK;
    if (!json_is_boolean(value))
        return wrong_type(parser, name, "true or false");
    *out = json_is_true(value);
    return OK;
}

/* The list of strings called `name`, or NULL. `sigil` is what each must start with, or '\0'. */
static enum errcode check_list(struct parser *parser, json_t *json, const char *name, char sigil,
                               json_t **out)
{
    json_t *list = json_object_get(json, name);
    size_t i;
    json_t *item;

    *out = list;
    if (list == NULL)
        return OK;
    if (!json_is_array(list))
        return wrong_type(parser, name, "a list of strings");
    if (json_array_size(list) > FILTER_LIST_MAX)
        return fail(parser->error, M_TOO_LARGE, "`%s` of the filter has more than %d entries.",
                    name, FILTER_LIST_MAX);
    json_array_foreach (list, i, item) {
        if (!json_is_text(item))
            return wrong_type(parser, name, "a list of strings");
        if (sigil != '\0' && json_string_value(item)[0] != sigil)
            return wrong_type(parser, name,
                              sigil == '@' ? "a list of user IDs" : "a list of room IDs");
    }
    return OK;
}

static enum errcode parse_ids(struct parser *parser, json_t *json, const char *name, char sigil,
                              struct filter_ids *out)
{
    json_t *list;
    struct map *ids;
    size_t i;
    json_t *item;

    TRY(check_list(parser, json, name, sigil, &list));
    if (list == NULL)
        return OK;
    ids = map_create(parser->arena);
    json_array_foreach (list, i, item)
        map_set(ids, json_string_value(item), NULL);
    *out = (struct filter_ids){.present = true, .ids = ids};
    return OK;
}

static enum errcode parse_types(struct parser *parser, json_t *json, const char *name,
                                struct filter_types *out)
{
    json_t *list;
    size_t i;
    json_t *item;

    TRY(check_list(parser, json, name, '\0', &list));
    if (list == NULL)
        return OK;
    out->present = true;
    out->patterns = ARENA_ARRAY(parser->arena, json_array_size(list), const char *);
    json_array_foreach (list, i, item) {
        /* No event has a longer type, so a longer pattern could only cost time. */
        if (json_string_length(item) <= FILTER_TYPE_BYTES_MAX)
            out->patterns[out->count++] = json_string_value(item);
    }
    return OK;
}

static enum errcode parse_limit(struct parser *parser, json_t *json, struct event_filter *out)
{
    json_t *limit = json_object_get(json, "limit");

    if (limit == NULL)
        return OK;
    if (!json_is_integer(limit) || json_integer_value(limit) < 0)
        return wrong_type(parser, "limit", "a number");
    out->has_limit = true;
    out->limit = json_integer_value(limit);
    if (out->limit > FILTER_LIMIT_MAX)
        out->limit = FILTER_LIMIT_MAX;
    return OK;
}

static enum errcode parse_event_filter(struct parser *parser, json_t *json,
                                       struct event_filter *out)
{
    TRY(parse_limit(parser, json, out));
    TRY(parse_types(parser, json, "types", &out->types));
    TRY(parse_types(parser, json, "not_types", &out->not_types));
    TRY(parse_ids(parser, json, "senders", '@', &out->senders));
    TRY(parse_ids(parser, json, "not_senders", '@', &out->not_senders));
    TRY(parse_ids(parser, json, "rooms", '!', &out->rooms));
    TRY(parse_ids(parser, json, "not_rooms", '!', &out->not_rooms));
    TRY(parse_ids(parser, json, "org.matrix.msc3874.rel_types", '\0', &out->rel_types));
    TRY(parse_ids(parser, json, "org.matrix.msc3874.not_rel_types", '\0', &out->not_rel_types));
    out->has_contains_url = json_object_get(json, "contains_url") != NULL;
    TRY(parse_bool(parser, json, "contains_url", &out->contains_url));
    TRY(parse_bool(parser, json, "lazy_load_members", &out->lazy_load_members));
    TRY(parse_bool(parser, json, "include_redundant_members", &out->include_redundant_members));
    return parse_bool(parser, json, "unread_thread_notifications",
                      &out->unread_thread_notifications);
}

/* The object called `name`; `*out` NULL when absent. */
static enum errcode parse_object(struct parser *parser, json_t *json, const char *name,
                                 json_t **out)
{
    *out = json_object_get(json, name);
    if (*out != NULL && !json_is_object(*out))
        return wrong_type(parser, name, "an object");
    return OK;
}

static enum errcode parse_section(struct parser *parser, json_t *json, const char *name,
                                  struct event_filter *out)
{
    json_t *section;

    TRY(parse_object(parser, json, name, &section));
    return parse_event_filter(parser, section, out);
}

static enum errcode parse_room_filter(struct parser *parser, json_t *json, struct filter *out)
{
    json_t *room;

    TRY(parse_object(parser, json, "room", &room));
    TRY(parse_ids(parser, room, "rooms", '!', &out->rooms));
    TRY(parse_ids(parser, room, "not_rooms", '!', &out->not_rooms));
    TRY(parse_bool(parser, room, "include_leave", &out->include_leave));
    TRY(parse_section(parser, room, "ephemeral", &out->ephemeral));
    TRY(parse_section(parser, room, "state", &out->state));
    TRY(parse_section(parser, room, "timeline", &out->timeline));
    return parse_section(parser, room, "account_data", &out->room_account_data);
}

static enum errcode parse_event_fields(struct parser *parser, json_t *json, struct filter *out)
{
    json_t *list;
    size_t i;
    json_t *item;

    TRY(check_list(parser, json, "event_fields", '\0', &list));
    if (list == NULL)
        return OK;
    if (json_array_size(list) > EVENT_FIELDS_MAX)
        return fail(parser->error, M_TOO_LARGE, "`event_fields` has more than %d entries.",
                    EVENT_FIELDS_MAX);
    out->has_event_fields = true;
    out->event_fields = ARENA_ARRAY(parser->arena, json_array_size(list), struct json_path);
    json_array_foreach (list, i, item) {
        if (json_string_length(item) <= EVENT_FIELD_BYTES_MAX)
            out->event_fields[out->event_field_count++] =
                json_path_parse(parser->arena, json_string_value(item));
    }
    return OK;
}

static enum errcode parse_event_format(struct parser *parser, json_t *json, struct filter *out)
{
    json_t *format = json_object_get(json, "event_format");

    if (format == NULL)
        return OK;
    if (!json_is_string(format))
        return wrong_type(parser, "event_format", "`client` or `federation`");
    out->federation_format = strcmp(json_string_value(format), "federation") == 0;
    if (!out->federation_format && strcmp(json_string_value(format), "client") != 0)
        return wrong_type(parser, "event_format", "`client` or `federation`");
    return OK;
}

enum errcode filter_parse(struct arena *arena, json_t *json, struct error *error,
                          const struct filter **out)
{
    struct parser parser = {arena, error};
    struct filter *filter = ARENA_NEW(arena, struct filter);

    if (json != NULL && !json_is_object(json))
        return fail(error, M_INVALID_PARAM, "A filter must be a JSON object.");
    TRY(parse_event_fields(&parser, json, filter));
    TRY(parse_event_format(&parser, json, filter));
    TRY(parse_section(&parser, json, "presence", &filter->presence));
    TRY(parse_section(&parser, json, "account_data", &filter->account_data));
    TRY(parse_room_filter(&parser, json, filter));
    *out = filter;
    return OK;
}

enum errcode event_filter_parse(struct arena *arena, json_t *json, struct error *error,
                                const struct event_filter **out)
{
    struct parser parser = {arena, error};
    struct event_filter *filter = ARENA_NEW(arena, struct event_filter);

    if (json != NULL && !json_is_object(json))
        return fail(error, M_INVALID_PARAM, "A filter must be a JSON object.");
    TRY(parse_event_filter(&parser, json, filter));
    *out = filter;
    return OK;
}

/* ── Matching ────────────────────────────────────────────────────────────────────────────────── */

int64_t event_filter_limit(const struct event_filter *filter, int64_t fallback)
{
    return filter->has_limit ? filter->limit : fallback;
}

static bool ids_pass(const struct filter_ids *wanted, const struct filter_ids *unwanted,
                     const char *id)
{
    if (unwanted->present && id != NULL && map_contains(unwanted->ids, id))
        return false;
    return !wanted->present || (id != NULL && map_contains(wanted->ids, id));
}

/* Only `*` is a wildcard here, and glob_match() knows `?` too: no event type in use has one. */
static bool matches_any(const struct filter_types *types, const char *type)
{
    for (size_t i = 0; i < types->count; i++) {
        if (glob_match(types->patterns[i], type, false))
            return true;
    }
    return false;
}

static bool type_passes(const struct event_filter *filter, const char *type)
{
    if (filter->not_types.present && matches_any(&filter->not_types, type))
        return false;
    return !filter->types.present || matches_any(&filter->types, type);
}

bool event_filter_needs_content(const struct event_filter *filter)
{
    return filter->has_contains_url || filter->rel_types.present || filter->not_rel_types.present;
}

static bool content_passes(const struct event_filter *filter, json_t *content)
{
    const char *rel_type = json_get_string(json_get_object(content, "m.relates_to"), "rel_type");

    if (filter->has_contains_url &&
        filter->contains_url != json_is_string(json_object_get(content, "url")))
        return false;
    return ids_pass(&filter->rel_types, &filter->not_rel_types, rel_type);
}

bool event_filter_passes(const struct event_filter *filter, const struct filter_subject *subject)
{
    return ids_pass(&filter->rooms, &filter->not_rooms, subject->room_id) &&
           ids_pass(&filter->senders, &filter->not_senders, subject->sender) &&
           type_passes(filter, subject->type) &&
           (!event_filter_needs_content(filter) || content_passes(filter, subject->content));
}

static bool is_empty(const struct filter_ids *ids)
{
    return ids->present && map_count(ids->ids) == 0;
}

bool event_filter_can_pass(const struct event_filter *filter)
{
    return !(filter->types.present && filter->types.count == 0) && !is_empty(&filter->senders) &&
           !is_empty(&filter->rooms) && !is_empty(&filter->rel_types) &&
           !(filter->has_limit && filter->limit == 0);
}

bool filter_passes_room(const struct filter *filter, const char *room_id)
{
    return ids_pass(&filter->rooms, &filter->not_rooms, room_id);
}

/* ── Event fields ────────────────────────────────────────────────────────────────────────────── */

/* Puts the property at `path` of `event`, which exists, into `out`, with the objects around it. */
static void copy_property(json_t *event, json_t *out, struct json_path path)
{
    json_t *from = event;
    json_t *to = out;

    for (size_t i = 0; i + 1 < path.count; i++) {
        json_t *inner = json_object_get(to, path.names[i]);
        from = json_object_get(from, path.names[i]);
        if (inner == from)
            return; /* the whole object was asked for already */
        if (inner == NULL) {
            inner = json_object();
            json_object_set_new(to, path.names[i], inner);
        }
        to = inner;
    }
    json_object_set(to, path.names[path.count - 1],
                    json_object_get(from, path.names[path.count - 1]));
}

json_t *filter_event_fields(const struct filter *filter, json_t *event)
{
    json_t *out;

    if (!filter->has_event_fields)
        return json_incref(event);
    out = json_object();
    for (size_t i = 0; i < filter->event_field_count; i++) {
        if (json_path_get(event, filter->event_fields[i]) != NULL)
            copy_property(event, out, filter->event_fields[i]);
    }
    return out;
}
