/* What list_public_rooms.c, room_summary.c and space_hierarchy.c show of a room. */
#include "homeserver/rooms/room_summary_json.h"

#include <string.h>

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, name, json_string(text));
}

json_t *public_room_json(const struct room_summary *summary)
{
    json_t *json = json_object();

    set_text(json, "room_id", summary->room_id);
    json_object_set_new(json, "num_joined_members", json_integer(summary->joined_members));
    json_object_set_new(json, "world_readable",
                        json_boolean(is(summary->history_visibility, "world_readable")));
    json_object_set_new(json, "guest_can_join",
                        json_boolean(is(summary->guest_access, "can_join")));
    /* A reader takes a missing rule for "public". */
    set_text(json, "join_rule", summary->join_rule != NULL ? summary->join_rule : "invite");
    set_text(json, "name", summary->name);
    set_text(json, "topic", summary->topic);
    set_text(json, "canonical_alias", summary->canonical_alias);
    set_text(json, "avatar_url", summary->avatar_url);
    set_text(json, "room_type", summary->room_type);
    return json;
}

json_t *room_summary_json(const struct room_summary *summary)
{
    json_t *json = public_room_json(summary);

    set_text(json, "room_version", summary->room_version);
    set_text(json, "encryption", summary->encryption);
    if (is(summary->join_rule, "restricted") || is(summary->join_rule, "knock_restricted")) {
        json_t *rooms = json_array();
        for (size_t i = 0; i < summary->allowed_room_count; i++)
            json_array_append_new(rooms, json_string(summary->allowed_rooms[i]));
        json_object_set_new(json, "allowed_room_ids", rooms);
    }
    return json;
}
