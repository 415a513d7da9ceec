/*
 * What passes: who types, who has read what.
 * Spec: client-server API, "m.typing", "m.receipt".
 */
#include "homeserver/base/arena.h"
#include "homeserver/presence/typing.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/receipts.h"
#include "homeserver/services.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/position_range.h"

bool sync_typing_changed(const struct sync *sync, int64_t room_nid)
{
    struct typing *typing = sync->call->services->typing;
    const struct sync_token *since = sync->request->since;

    /* A counter of another process says nothing: then only what is typed now is told. */
    return since != NULL &&
           typing_changed(typing, room_nid,
                          since->typing_epoch == typing_epoch(typing) ? since->typing : 0);
}

static bool passes(const struct sync *sync, const struct sync_room *room, const char *type)
{
    const struct filter_subject subject = {.room_id = room_id(room->reader.room), .type = type};

    return event_filter_passes(&sync->request->filter->ephemeral, &subject);
}

enum errcode sync_load_receipts(struct sync *sync, const struct sync_room *rooms, size_t count,
                                struct receipt_list *out)
{
    int64_t *nids = ARENA_ARRAY(sync->call->arena, count, int64_t);
    struct receipt_query query = {
        .room_nids = {nids, 0},
        .viewer_nid = sync->request->requester->user_nid,
        .range = {.since = sync->since, .until = sync->until},
    };

    *out = (struct receipt_list){0};
    /* A room that is new to the client needs all of its receipts, not only the new ones. */
    for (size_t i = 0; i < count; i++) {
        if (rooms[i].only_messages)
            continue;
        nids[query.room_nids.count++] = room_nid(rooms[i].reader.room);
        int64_t since = rooms[i].is_full ? 0 : rooms[i].since;
        if (since < query.range.since)
            query.range.since = since;
    }
    if (query.room_nids.count == 0)
        return OK;
    return receipts_changed(sync->call->db, sync->call->arena, &query, &out->items, &out->count);
}

bool sync_write_receipts(struct sync *sync, const struct sync_room *room,
                         const struct receipt_list *receipts, struct strbuf *out)
{
    json_auto_t *content = json_object();

    if (!passes(sync, room, "m.receipt"))
        return false;
    for (size_t i = 0; i < receipts->count; i++) {
        const struct receipt *receipt = &receipts->items[i];
        if (receipt->room_nid == room_nid(room->reader.room) &&
            (room->is_full || receipt->position > room->since))
            receipt_add_to_content(content, receipt);
    }
    if (json_object_size(content) == 0)
        return false;
    char *text = json_dumps(content, JSON_COMPACT);
    if (text != NULL)
        strbuf_printf(out, "{\"type\":\"m.receipt\",\"content\":%s}", text);
    free(text);
    return text != NULL;
}

void sync_write_typing(struct sync *sync, int64_t room_nid, struct strbuf *out)
{
    struct call *call = sync->call;
    size_t count;
    const char **users = typing_users(call->services->typing, call->arena, room_nid, &count);

    strbuf_add_string(out, "{\"type\":\"m.typing\",\"content\":{\"user_ids\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_add_char(out, ',');
        strbuf_add_json_string(out, users[i], strlen(users[i]));
    }
    strbuf_add_string(out, "]}}");
}

/* A room that is new to the client is told of only when somebody types. */
static bool tells_typing(const struct sync *sync, const struct sync_room *room)
{
    struct call *call = sync->call;
    int64_t nid = room_nid(room->reader.room);
    size_t count;

    if (!passes(sync, room, "m.typing"))
        return false;
    if (sync_typing_changed(sync, nid) || !room->is_full)
        return sync_typing_changed(sync, nid);
    typing_users(call->services->typing, call->arena, nid, &count);
    return count > 0;
}

enum errcode sync_write_ephemeral(struct sync *sync, const struct sync_room *room,
                                  const struct receipt_list *receipts, struct strbuf *out)
{
    size_t start = out->length;
    bool any;

    sync_begin_member(out, "ephemeral");
    strbuf_add_string(out, "{\"events\":[");
    any = sync_write_receipts(sync, room, receipts, out);
    if (tells_typing(sync, room)) {
        if (any)
            strbuf_add_char(out, ',');
        sync_write_typing(sync, room_nid(room->reader.room), out);
        any = true;
    }
    strbuf_add_string(out, "]}");
    if (!any && !room->is_full)
        strbuf_truncate(out, start);
    return OK;
}
