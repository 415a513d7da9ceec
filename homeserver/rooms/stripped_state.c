/* Stripped state for invites and knocks. */
#include "homeserver/rooms/stripped_state.h"

#include <string.h>

#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_state.h"
#include "storage/events.h"

json_t *stripped_event(const struct event *event)
{
    return json_pack("{s:s, s:s, s:s, s:O}", "type", event->type, "state_key", event->state_key,
                     "sender", event->sender, "content", event->content);
}

json_t *dated_event(const struct event *event)
{
    json_t *json = stripped_event(event);

    json_object_set_new(json, "event_id", json_string(event->event_id));
    json_object_set_new(json, "origin_server_ts", json_integer(event->origin_server_ts));
    return json;
}

enum { TOLD_MAX = 100 };

/* MSC4311: of the create event clients may be told when it was sent. */
static json_t *date_of_create(const json_t *event)
{
    json_t *date = json_object_get(event, "origin_server_ts");

    return strcmp(json_get_string(event, "type"), "m.room.create") == 0 && json_is_integer(date)
               ? date
               : NULL;
}

json_t *stripped_state_clean(struct arena *arena, const json_t *told)
{
    json_t *clean = json_on_arena(arena, json_array()), *one;
    size_t i;

    json_array_foreach (told, i, one) {
        const char *type = json_get_string(one, "type"), *sender = json_get_string(one, "sender");
        const char *state_key = json_get_string(one, "state_key");
        json_t *content = json_get_object(one, "content");
        if (i >= TOLD_MAX || type == NULL || state_key == NULL || content == NULL ||
            !user_id_is_valid(sender))
            continue;
        json_array_append_new(clean, json_pack("{ss,ss,ss,sO,sO*}", "type", type, "state_key",
                                               state_key, "sender", sender, "content", content,
                                               "origin_server_ts", date_of_create(one)));
    }
    return clean;
}

/* What is shown; the last is the inviter's member event, if there is an inviter. */
enum { SHOWN_MAX = 8 };
static size_t list_shown(const char *inviter, struct state_key out[SHOWN_MAX])
{
    static const char *const types[] = {
        "m.room.create", "m.room.join_rules",      "m.room.name",       "m.room.topic",
        "m.room.avatar", "m.room.canonical_alias", "m.room.encryption",
    };
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(types); i++)
        out[count++] = (struct state_key){types[i], ""};
    if (inviter != NULL)
        out[count++] = (struct state_key){"m.room.member", inviter};
    return count;
}

enum errcode stripped_state_make(struct call *call, struct room *room, const struct room_head *head,
                                 const char *inviter, json_t **out)
{
    struct state_key shown[SHOWN_MAX];
    size_t count = list_shown(inviter, shown);
    json_t *events = json_on_arena(call->arena, json_array());

    for (size_t i = 0; i < count; i++) {
        const struct event *event;
        TRY(room_head_event(call, room, head, &shown[i], &event));
        if (event != NULL)
            json_array_append_new(events, i == 0 ? dated_event(event) : stripped_event(event));
    }
    *out = events;
    return OK;
}

enum errcode stripped_state_for_servers(struct call *call, const struct room_head *head,
                                        const char *inviter, json_t **out)
{
    struct state_key shown[SHOWN_MAX];
    size_t count = list_shown(inviter, shown), found;
    json_t *events = json_on_arena(call->arena, json_array()), *event;
    int64_t nids[SHOWN_MAX];
    struct stored_event *stored;

    for (size_t i = 0; i < count; i++)
        TRY(room_state_event_nid(call, head->state, &shown[i], &nids[i]));
    TRY(events_load(call->db, call->arena, nids, count, &stored, &found));
    for (size_t i = 0; i < found; i++) {
        TRY(json_parse_object(call->arena, stored[i].json, stored[i].json_size, call->error,
                              &event));
        json_array_append(events, event);
    }
    *out = events;
    return OK;
}
