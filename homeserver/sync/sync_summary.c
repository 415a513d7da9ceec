/* The summary of a room: how many members, and whom to name it after. */
#include "homeserver/base/arena.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/memberships.h"

enum { HEROES_MAX = 5 };

/* Heroes matter only where the room has neither a name nor a main alias. */
static enum errcode needs_heroes(struct sync *sync, const struct sync_room *room, bool *out)
{
    const struct state_key naming[] = {{"m.room.name", ""}, {"m.room.canonical_alias", ""}};
    const char *const members[] = {"name", "alias"};

    *out = true;
    for (size_t i = 0; i < COUNT_OF(naming); i++) {
        const struct event *event;
        TRY(room_head_event(sync->call, room->reader.room, room->reader.head, &naming[i], &event));
        const char *text =
            event != NULL ? json_string_value(json_object_get(event->content, members[i])) : NULL;
        if (text != NULL && *text != '\0')
            *out = false;
    }
    return OK;
}

static enum errcode find_unnamed(struct sync *sync, struct sync_room *room, bool *out)
{
    room->tells_summary = room->is_full || room->all_state || room->is_limited ||
                          sync_timeline_has_type(sync, room, "m.room.member");
    *out = false;
    return room->tells_summary ? needs_heroes(sync, room, out) : OK;
}

enum errcode sync_load_heroes(struct sync *sync, struct sync_room *rooms, size_t count)
{
    struct call *call = sync->call;
    struct sync_room **unnamed = ARENA_ARRAY(call->arena, count, struct sync_room *);
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);
    size_t unnamed_count = 0;

    for (size_t i = 0; i < count; i++) {
        bool is_unnamed;
        TRY(find_unnamed(sync, &rooms[i], &is_unnamed));
        if (is_unnamed) {
            nids[unnamed_count] = room_nid(rooms[i].reader.room);
            unnamed[unnamed_count++] = &rooms[i];
        }
    }
    if (unnamed_count == 0)
        return OK;
    struct room_heroes *heroes = ARENA_ARRAY(call->arena, unnamed_count, struct room_heroes);
    TRY(memberships_heroes(call->db, call->arena, (struct nid_list){nids, unnamed_count},
                           sync->request->requester->user_nid, HEROES_MAX, heroes));
    for (size_t i = 0; i < unnamed_count; i++) {
        unnamed[i]->heroes = heroes[i].user_ids;
        unnamed[i]->hero_count = heroes[i].count;
    }
    return OK;
}

static void write_heroes(const struct sync_room *room, struct strbuf *out)
{
    sync_begin_member(out, "m.heroes");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < room->hero_count; i++) {
        if (i > 0)
            strbuf_add_char(out, ',');
        strbuf_add_json_string(out, room->heroes[i], strlen(room->heroes[i]));
    }
    strbuf_add_char(out, ']');
}

void sync_write_summary(const struct sync_room *room, struct strbuf *out)
{
    const struct member_counts counts = room->reader.head->members;

    if (!room->tells_summary)
        return;
    sync_begin_member(out, "summary");
    strbuf_add_char(out, '{');
    sync_begin_member(out, "m.joined_member_count");
    strbuf_add_int(out, counts.joined);
    sync_begin_member(out, "m.invited_member_count");
    strbuf_add_int(out, counts.invited);
    if (room->heroes != NULL)
        write_heroes(room, out);
    strbuf_add_char(out, '}');
}
