/* Changes of the threads that users follow. */
#include "homeserver/sync/thread_changes.h"

#include "homeserver/protocol/json.h"
#include "storage/thread_subscriptions.h"

/* `{section: {room: {root: change}}}` */
static void add(json_t *answer, const struct thread_subscription *row, json_t *change_owned)
{
    const char *section = row->is_subscribed ? "subscribed" : "unsubscribed";
    json_t *rooms = json_object_get(answer, section), *threads;

    if (rooms == NULL) {
        rooms = json_object();
        json_object_set_new(answer, section, rooms);
    }
    threads = json_object_get(rooms, row->room_id);
    if (threads == NULL) {
        threads = json_object();
        json_object_set_new(rooms, row->room_id, threads);
    }
    json_object_set_new(threads, row->root_event_id, change_owned);
}

enum errcode thread_changes(struct call *call, int64_t user_nid, struct position_range range,
                            json_t **out, int64_t *older_out)
{
    json_t *answer = json_on_arena(call->arena, json_object());
    struct thread_subscription *rows;
    size_t count;

    if (range.limit <= 0)
        range.limit = THREAD_CHANGES_DEFAULT;
    if (range.limit > THREAD_CHANGES_MAX)
        range.limit = THREAD_CHANGES_MAX;
    const size_t limit = (size_t)range.limit++; /* one more tells whether there are more */
    TRY(thread_subscriptions_changed(call->db, call->arena, user_nid, range, &rows, &count));
    for (size_t i = 0; i < count && i < limit; i++) {
        json_t *change = json_pack("{s:I}", "bump_stamp", (json_int_t)rows[i].position);
        if (rows[i].is_subscribed)
            json_object_set_new(change, "automatic", json_boolean(rows[i].is_automatic));
        if (rows[i].is_subscribed || range.since > 0)
            add(answer, &rows[i], change);
        else
            json_decref(change);
    }
    *out = answer;
    *older_out = count > limit ? rows[limit].position : 0;
    return OK;
}
