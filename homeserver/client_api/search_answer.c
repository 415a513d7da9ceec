/* From hits to the answer of a search. */
#include "homeserver/client_api/search_answer.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/room_state.h"
#include "storage/rooms.h"

struct answering {
    struct request *req;
    const struct search_found *found;
    struct map *readers; /* room ID -> struct room_reader; NULL: the room may not be read */
    json_t *results;
    json_t *groups_of_rooms;
    json_t *groups_of_senders;
};

/* Events of one room as client events. */
static enum errcode events_json(struct answering *a, const struct room_reader *reader,
                                const struct stored_event *events, size_t count, json_t **out)
{
    const struct client_events how = {
        .reader = reader, .with_room_id = true, .with_relations = true};
    const char **texts;
    json_t *event;

    *out = json_on_arena(a->req->call.arena, json_array());
    TRY(client_events_texts(&a->req->call, &how, events, count, &texts));
    for (size_t i = 0; i < count; i++) {
        TRY(json_parse(a->req->call.arena, texts[i], strlen(texts[i]), &a->req->error, &event));
        json_array_append(*out, event);
    }
    return OK;
}

static enum errcode find_reader(struct answering *a, int64_t room_nid,
                                const struct room_reader **out)
{
    struct call *call = &a->req->call;
    struct room_reader *reader;
    struct room *room;

    *out = NULL;
    enum errcode opened = room_open_by_nid(call, room_nid, &room);
    if (opened == M_NOT_FOUND)
        return OK;
    TRY(opened);
    if (!map_contains(a->readers, room_id(room))) {
        reader = ARENA_NEW(call->arena, struct room_reader);
        enum errcode made = room_reader_make(call, room_id(room), &a->req->requester, reader);
        if (made != OK && made != M_FORBIDDEN)
            return made;
        map_set(a->readers, room_id(room), made == OK ? reader : NULL);
    }
    *out = map_get(a->readers, room_id(room));
    return OK;
}

/* One side of the context, nearest first. */
static enum errcode load_side(struct answering *a, const struct room_reader *reader,
                              const struct stored_event *event, bool backwards,
                              struct stored_event **out, size_t *count_out)
{
    const struct search_style *style = a->found->style;
    const struct event_range range = {
        .room_nid = event->room_nid,
        .after = backwards ? INT64_MIN : event->position,
        .until = backwards ? event->position - 1 : reader->until,
        .limit = backwards ? style->before_limit : style->after_limit,
        .backwards = backwards,
    };

    TRY(events_in_range(a->req->call.db, a->req->call.arena, &range, out, count_out));
    return visibility_filter(&a->req->call, reader, *out, count_out);
}

/* Adds the name and the picture that the senders of these events had at `event`. */
static enum errcode add_profiles(struct answering *a, const struct room_reader *reader,
                                 const struct stored_event *event, const json_t *events,
                                 json_t *profiles)
{
    struct call *call = &a->req->call;
    struct state_map *state;
    json_t *one;
    size_t i;

    TRY(room_state_after(call, reader->room, event, &state));
    json_array_foreach (events, i, one) {
        const struct state_key key = {"m.room.member", json_get_string(one, "sender")};
        const struct event *member;
        if (json_object_get(profiles, key.state_key) != NULL)
            continue;
        TRY(room_state_event(call, reader->room, state, &key, &member));
        if (member == NULL)
            continue;
        json_object_set_new(profiles, key.state_key,
                            json_pack("{ss*, ss*}", "displayname",
                                      json_get_string(member->content, "displayname"), "avatar_url",
                                      json_get_string(member->content, "avatar_url")));
    }
    return OK;
}

static enum errcode add_context(struct answering *a, const struct room_reader *reader,
                                const struct stored_event *event, json_t *result)
{
    struct stored_event *before, *after;
    size_t before_count, after_count;
    json_t *events_before, *events_after, *context;
    struct arena *arena = a->req->call.arena;

    if (!a->found->style->with_context)
        return OK;
    TRY(load_side(a, reader, event, true, &before, &before_count));
    TRY(load_side(a, reader, event, false, &after, &after_count));
    TRY(events_json(a, reader, before, before_count, &events_before));
    TRY(events_json(a, reader, after, after_count, &events_after));
    int64_t start = before_count > 0 ? before[before_count - 1].position : event->position;
    int64_t end = after_count > 0 ? after[after_count - 1].position : event->position;
    context = json_on_arena(arena, json_pack("{sO, sO, ss, ss}", "events_before", events_before,
                                             "events_after", events_after, "start",
                                             page_token_format(arena, start - 1), "end",
                                             page_token_format(arena, end)));
    json_object_set(result, "context", context);
    if (!a->found->style->with_profiles)
        return OK;
    json_t *profiles = json_on_arena(arena, json_object());
    json_t *own = json_on_arena(arena, json_pack("[O]", json_object_get(result, "result")));
    TRY(add_profiles(a, reader, event, own, profiles));
    TRY(add_profiles(a, reader, event, events_before, profiles));
    TRY(add_profiles(a, reader, event, events_after, profiles));
    json_object_set(context, "profile_info", profiles);
    return OK;
}

static void add_to_group(json_t *groups, const char *name, const char *event_id)
{
    json_t *group = json_object_get(groups, name);

    if (group == NULL) {
        json_object_set_new(
            groups, name,
            json_pack("{s:[], sI}", "results", "order", (json_int_t)json_object_size(groups) + 1));
        group = json_object_get(groups, name);
    }
    json_array_append_new(json_object_get(group, "results"), json_string(event_id));
}

static enum errcode add_result(struct answering *a, const struct search_hit *hit,
                               struct stored_event *event)
{
    const struct room_reader *reader;
    json_t *events, *result;
    size_t count = 1;

    TRY(find_reader(a, hit->room_nid, &reader));
    if (reader == NULL)
        return OK;
    TRY(visibility_filter(&a->req->call, reader, event, &count));
    if (count > 0)
        TRY(events_filter(&a->req->call, a->found->filter, room_id(reader->room), event, &count,
                          NULL));
    if (count == 0)
        return OK;
    TRY(events_json(a, reader, event, 1, &events));
    result = json_on_arena(a->req->call.arena, json_pack("{sf, sO}", "rank", hit->rank, "result",
                                                         json_array_get(events, 0)));
    json_array_append(a->results, result);
    add_to_group(a->groups_of_rooms, room_id(reader->room), event->event_id);
    add_to_group(a->groups_of_senders, json_get_string(json_array_get(events, 0), "sender"),
                 event->event_id);
    return add_context(a, reader, event, result);
}

/* The state of every room in the results. */
static enum errcode add_state(struct answering *a, json_t *answer)
{
    struct call *call = &a->req->call;
    json_t *states = json_object(), *events;

    json_object_set_new(answer, "state", states);
    for (const struct map_entry *e = map_first(a->readers); e != NULL; e = map_next(e)) {
        const struct room_reader *reader = e->value;
        struct stored_event *loaded;
        struct state_map *state;
        size_t count;
        if (reader == NULL || json_object_get(a->groups_of_rooms, e->key) == NULL)
            continue;
        TRY(room_reader_state(call, reader, &state));
        count = state_map_count(state);
        TRY(events_load(call->db, call->arena, state_map_values(state, call->arena), count, &loaded,
                        &count));
        TRY(events_json(a, reader, loaded, count, &events));
        json_object_set(states, e->key, events);
    }
    return OK;
}

static enum errcode add_results(struct answering *a)
{
    const struct search_found *found = a->found;
    struct call *call = &a->req->call;
    int64_t *nids = ARENA_ARRAY(call->arena, found->hit_count, int64_t);
    struct stored_event *events;
    size_t count;

    for (size_t i = 0; i < found->hit_count; i++)
        nids[i] = found->hits[i].event_nid;
    TRY(events_load(call->db, call->arena, nids, found->hit_count, &events, &count));
    for (size_t i = 0; i < found->hit_count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (events[j].event_nid == nids[i])
                TRY(add_result(a, &found->hits[i], &events[j]));
        }
    }
    return OK;
}

static void add_groups(const struct answering *a, json_t *answer)
{
    const struct search_style *style = a->found->style;
    json_t *groups;

    if (!style->group_by_room && !style->group_by_sender)
        return;
    groups = json_object();
    if (style->group_by_room)
        json_object_set(groups, "room_id", a->groups_of_rooms);
    if (style->group_by_sender)
        json_object_set(groups, "sender", a->groups_of_senders);
    json_object_set_new(answer, "groups", groups);
}

enum errcode search_answer_make(struct request *req, const struct search_found *found, json_t **out)
{
    struct arena *arena = req->call.arena;
    struct answering a = {
        .req = req,
        .found = found,
        .readers = map_create(arena),
        .results = json_on_arena(arena, json_array()),
        .groups_of_rooms = json_on_arena(arena, json_object()),
        .groups_of_senders = json_on_arena(arena, json_object()),
    };
    json_t *words = json_array();

    for (size_t i = 0; i < found->word_count; i++)
        json_array_append_new(words, json_string(found->words[i]));
    *out = json_on_arena(arena, json_pack("{sI, so, sO}", "count", (json_int_t)found->total,
                                          "highlights", words, "results", a.results));
    TRY(add_results(&a));
    add_groups(&a, *out);
    if (found->style->with_state)
        TRY(add_state(&a, *out));
    if (found->next_batch != NULL)
        json_object_set_new(*out, "next_batch", json_string(found->next_batch));
    return OK;
}
