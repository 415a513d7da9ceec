/* Unread counts. Spec: client-server API, "Receiving notifications". */
#include "homeserver/base/arena.h"
#include "homeserver/push/unread_memory.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/push_actions.h"
#include "storage/receipts.h"

static bool has_own_receipt(const struct sync *sync, const struct sync_room *room,
                            const struct receipt_list *receipts)
{
    for (size_t i = 0; i < receipts->count; i++) {
        if (receipts->items[i].room_nid == room_nid(room->reader.room) &&
            receipts->items[i].user_nid == sync->request->requester->user_nid)
            return true;
    }
    return false;
}

/* Since then nothing but new events has changed the counts. Receipts after `since` were read unless
 * nothing but messages came; the newest ones, when there are very many. */
static int64_t reliable_from(const struct sync_room *room, const struct receipt_list *receipts,
                             bool has_receipt)
{
    bool is_seen = !room->is_full && !room->all_state && !has_receipt &&
                   receipts->count < RECEIPTS_PER_ROOM_MAX &&
                   room->reader.membership.position <= room->since;

    return is_seen && room->since < room->other_change ? room->since : room->other_change;
}

/* Counts change with events and with the user's own receipts. */
enum errcode sync_load_unread(struct sync *sync, const struct sync_room *rooms, size_t count,
                              const struct receipt_list *receipts, struct unread_list *out)
{
    struct arena *arena = sync->call->arena;
    struct unread_question *questions = ARENA_ARRAY(arena, count, struct unread_question);
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);
    size_t wanted = 0;

    for (size_t i = 0; i < count; i++) {
        const struct sync_room *room = &rooms[i];
        bool has_receipt = has_own_receipt(sync, room, receipts);
        questions[i] = (struct unread_question){
            .user_nid = sync->request->requester->user_nid,
            .room_nid = room_nid(room->reader.room),
            .reliable_from = reliable_from(room, receipts, has_receipt),
            .is_wanted = has_receipt || room->is_full || room->all_state || room->event_count > 0 ||
                         room->is_limited,
        };
        if (questions[i].is_wanted)
            nids[wanted++] = questions[i].room_nid;
    }
    *out = (struct unread_list){.rooms = {nids, wanted}};
    return unread_recall(sync->call, questions, count, sync->until, &out->items, &out->count);
}

static bool was_counted(const struct unread_list *unread, int64_t nid)
{
    for (size_t i = 0; i < unread->rooms.count; i++) {
        if (unread->rooms.items[i] == nid)
            return true;
    }
    return false;
}

static void write_counts(int64_t notifications, int64_t highlights, struct strbuf *out)
{
    strbuf_add_string(out, "{\"notification_count\":");
    strbuf_add_int(out, notifications);
    strbuf_add_string(out, ",\"highlight_count\":");
    strbuf_add_int(out, highlights);
    strbuf_add_char(out, '}');
}

static bool is_main(const struct unread_count *counts)
{
    return strcmp(counts->thread, RECEIPT_MAIN) == 0;
}

/* All threads but the main timeline, each by its root. */
static void write_threads(const struct unread_list *unread, int64_t nid, struct strbuf *out)
{
    size_t start = out->length;
    bool any = false;

    sync_begin_member(out, "unread_thread_notifications");
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < unread->count; i++) {
        const struct unread_count *counts = &unread->items[i];
        if (counts->room_nid != nid || is_main(counts))
            continue;
        sync_begin_member(out, counts->thread);
        write_counts(counts->notifications, counts->highlights, out);
        any = true;
    }
    strbuf_add_char(out, '}');
    if (!any)
        strbuf_truncate(out, start);
}

bool sync_unread_totals(const struct unread_list *unread, int64_t room_nid, int64_t *notifications,
                        int64_t *highlights)
{
    *notifications = *highlights = 0;
    for (size_t i = 0; i < unread->count; i++) {
        if (unread->items[i].room_nid != room_nid)
            continue;
        *notifications += unread->items[i].notifications;
        *highlights += unread->items[i].highlights;
    }
    return was_counted(unread, room_nid);
}

void sync_write_unread(const struct sync *sync, const struct sync_room *room,
                       const struct unread_list *unread, struct strbuf *out)
{
    bool by_thread = sync->request->filter->timeline.unread_thread_notifications;
    int64_t nid = room_nid(room->reader.room);
    int64_t notifications = 0, highlights = 0;

    if (!was_counted(unread, nid))
        return;
    for (size_t i = 0; i < unread->count; i++) {
        const struct unread_count *counts = &unread->items[i];
        if (counts->room_nid != nid || (by_thread && !is_main(counts)))
            continue;
        notifications += counts->notifications;
        highlights += counts->highlights;
    }
    sync_begin_member(out, "unread_notifications");
    write_counts(notifications, highlights, out);
    if (by_thread)
        write_threads(unread, nid, out);
}
