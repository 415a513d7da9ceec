/* Lists over the rooms of a user. Spec: MSC4186, "Lists and subscriptions". */
#include "homeserver/protocol/sliding_window.h"

#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"

static bool has_text(const struct sliding_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++) {
        const char *item = texts->items[i];
        if (item == text || (item != NULL && text != NULL && strcmp(item, text) == 0))
            return true;
    }
    return false;
}

static bool has_any(const struct sliding_texts *texts, const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (has_text(texts, items[i]))
            return true;
    }
    return false;
}

static bool agrees(enum sliding_choice choice, bool fact)
{
    return choice == SLIDING_ANY || (choice == SLIDING_YES) == fact;
}

static bool passes(const struct sliding_filter *filter, const struct sliding_room *room)
{
    if (!agrees(filter->is_dm, room->is_dm) || !agrees(filter->is_encrypted, room->is_encrypted) ||
        !agrees(filter->is_invited, room->membership == SLIDING_INVITED))
        return false;
    if (filter->spaces.is_present && !has_any(&filter->spaces, room->spaces, room->space_count))
        return false;
    if (filter->room_types.is_present && !has_text(&filter->room_types, room->room_type))
        return false;
    if (filter->not_room_types.is_present && has_text(&filter->not_room_types, room->room_type))
        return false;
    if (filter->tags.is_present && !has_any(&filter->tags, room->tags, room->tag_count))
        return false;
    return !filter->not_tags.is_present || !has_any(&filter->not_tags, room->tags, room->tag_count);
}

static bool in_range(const struct sliding_list *list, int64_t index)
{
    for (size_t i = 0; i < list->range_count; i++) {
        if (index >= list->ranges[i].first && index <= list->ranges[i].last)
            return true;
    }
    return !list->has_ranges;
}

static int compare_activity(const void *left, const void *right)
{
    const struct sliding_room *a = left, *b = right;

    if (a->activity != b->activity)
        return a->activity > b->activity ? -1 : 1;
    return a->room_nid > b->room_nid ? -1 : a->room_nid < b->room_nid;
}

/* Lists, and one subscription. */
static void add_config(struct arena *arena, const struct sliding_request *request,
                       struct sliding_match *match, const struct sliding_config *config)
{
    if (match->wanted == NULL)
        match->wanted = ARENA_ARRAY(arena, request->list_count + 1, const struct required_state *);
    match->wanted[match->wanted_count++] = &config->state;
    if (config->timeline_limit > match->timeline_limit)
        match->timeline_limit = config->timeline_limit;
}

static void apply_list(struct arena *arena, const struct sliding_request *request,
                       const struct sliding_list *list, struct sliding_window *window,
                       int64_t *count)
{
    for (size_t i = 0; i < window->match_count; i++) {
        struct sliding_match *match = &window->matches[i];
        if (!match->room->is_listed || !passes(&list->filter, match->room))
            continue;
        if (in_range(list, (*count)++)) {
            add_config(arena, request, match, &list->config);
            if (match->lists == NULL)
                match->lists = ARENA_ARRAY(arena, request->list_count, const char *);
            match->lists[match->list_count++] = list->key;
        }
    }
}

static void apply_subscription(struct arena *arena, const struct sliding_request *request,
                               const struct sliding_subscription *subscription,
                               struct sliding_window *window)
{
    for (size_t i = 0; i < window->match_count; i++) {
        struct sliding_match *match = &window->matches[i];
        if (strcmp(match->room->room_id, subscription->room_id) == 0)
            add_config(arena, request, match, &subscription->config);
    }
}

void sliding_window_compute(struct arena *arena, const struct sliding_request *request,
                            struct sliding_room *rooms, size_t count, struct sliding_window *out)
{
    int64_t *counts = ARENA_ARRAY(arena, request->list_count, int64_t);
    size_t kept = 0;

    if (count > 1)
        qsort(rooms, count, sizeof(*rooms), compare_activity);
    *out = (struct sliding_window){
        .matches = ARENA_ARRAY(arena, count, struct sliding_match),
        .match_count = count,
        .counts = counts,
    };
    for (size_t i = 0; i < count; i++)
        out->matches[i].room = &rooms[i];
    for (size_t i = 0; i < request->list_count; i++)
        apply_list(arena, request, &request->lists[i], out, &counts[i]);
    for (size_t i = 0; i < request->subscription_count; i++)
        apply_subscription(arena, request, &request->subscriptions[i], out);
    for (size_t i = 0; i < count; i++) {
        if (out->matches[i].wanted_count > 0)
            out->matches[kept++] = out->matches[i];
    }
    out->match_count = kept;
}

static bool is_subscribed(const struct sliding_request *request, const char *room_id)
{
    for (size_t i = 0; i < request->subscription_count; i++) {
        if (strcmp(request->subscriptions[i].room_id, room_id) == 0)
            return true;
    }
    return false;
}

bool sliding_extension_covers(const struct sliding_extension *extension,
                              const struct sliding_request *request,
                              const struct sliding_match *match)
{
    const struct sliding_texts *lists = &extension->lists, *rooms = &extension->rooms;

    if (!extension->is_enabled)
        return false;
    if (match->list_count > 0 && (!lists->is_present || has_text(lists, "*") ||
                                  has_any(lists, match->lists, match->list_count)))
        return true;
    return is_subscribed(request, match->room->room_id) &&
           (!rooms->is_present || has_text(rooms, "*") || has_text(rooms, match->room->room_id));
}

static json_t *patterns_to_json(const struct state_pattern *patterns, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        if (patterns[i].type != NULL)
            json_object_set_new(item, "type", json_string(patterns[i].type));
        if (patterns[i].state_key != NULL)
            json_object_set_new(item, "state_key", json_string(patterns[i].state_key));
        json_array_append_new(array, item);
    }
    return array;
}

/* Lists often want the same: it is written once. */
static void append_new(json_t *array, json_t *item_owned)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (json_equal(json_array_get(array, i), item_owned)) {
            json_decref(item_owned);
            return;
        }
    }
    json_array_append_new(array, item_owned);
}

const char *sliding_wanted_format(struct arena *arena, const struct sliding_match *match)
{
    json_t *array = json_array();

    for (size_t i = 0; i < match->wanted_count; i++) {
        const struct required_state *state = match->wanted[i];
        append_new(array,
                   json_pack("{s:o, s:o, s:b}", "include",
                             patterns_to_json(state->include, state->include_count), "exclude",
                             patterns_to_json(state->exclude, state->exclude_count), "lazy_members",
                             state->lazy_members));
    }
    char *text = json_dumps(array, JSON_COMPACT | JSON_SORT_KEYS);
    const char *copy = arena_strdup(arena, text != NULL ? text : "[]");
    free(text);
    json_decref(array);
    return copy;
}

bool sliding_wanted_selects(const struct required_state *const *wanted, size_t count,
                            const struct state_pattern *key, const char *me)
{
    for (size_t i = 0; i < count; i++) {
        if (required_state_selects(wanted[i], key, me))
            return true;
    }
    return false;
}
