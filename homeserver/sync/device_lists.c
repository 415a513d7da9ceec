#include "homeserver/sync/device_lists.h"

#include "homeserver/base/arena.h"

enum errcode device_lists_between(struct call *call, int64_t user_nid, const struct user_view *view,
                                  struct position_range range, struct device_list_change **out,
                                  size_t *count_out)
{
    int64_t *room_nids = ARENA_ARRAY(call->arena, view->room_count, int64_t);
    struct device_list_query query = {
        .viewer_nid = user_nid, .range = range, .room_nids = room_nids};

    *count_out = 0;
    for (size_t i = 0; i < view->room_count; i++) {
        if (view->rooms[i].last_other_change > range.since)
            room_nids[query.room_count++] = view->rooms[i].membership.room_nid;
    }
    /* What concerns a user wakes the user or a room of theirs. */
    if (query.room_count == 0 && view->last_change <= range.since)
        return OK;
    return device_list_changes_load(call->db, call->arena, &query, out, count_out);
}
