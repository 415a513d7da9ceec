/* Stripped state for invites and knocks. */
#include "homeserver/rooms/stripped_state.h"

#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_state.h"

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

enum errcode stripped_state_make(struct call *call, struct room *room, const struct room_head *head,
                                 const char *inviter, json_t **out)
{
    const struct state_key shown[] = {
        {"m.room.create", ""},     {"m.room.join_rules", ""},  {"m.room.name", ""},
        {"m.room.topic", ""},      {"m.room.avatar", ""},      {"m.room.canonical_alias", ""},
        {"m.room.encryption", ""}, {"m.room.member", inviter},
    };
    json_t *events = json_on_arena(call->arena, json_array());

    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        const struct event *event;
        if (shown[i].state_key == NULL)
            continue;
        TRY(room_head_event(call, room, head, &shown[i], &event));
        if (event != NULL)
            json_array_append_new(events, i == 0 ? dated_event(event) : stripped_event(event));
    }
    *out = events;
    return OK;
}
