/* Presence: from changes in presence_users to rows, journal entries and wake-ups. */
#include "homeserver/presence/presence.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/presence/presence_users.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/memberships.h"

enum {
    TICK_BATCH = 200,
    HEARTBEAT_MS = 30 * 1000,
    NODE_DEAD_MS = 3 * 60 * 1000,
    /* People in more rooms than that are known to be there anyway. */
    WOKEN_ROOMS_MAX = 500,
};

struct presence {
    int64_t node; /* not 0 */
    struct presence_users *users;
    atomic_int_least64_t next_heartbeat_ms;
};

struct presence *presence_create(void)
{
    struct presence *presence = calloc(1, sizeof(*presence));

    if (presence == NULL)
        abort();
    random_bytes(&presence->node, sizeof(presence->node));
    presence->node = (presence->node & INT64_MAX) | 1;
    presence->users = presence_users_create();
    return presence;
}

void presence_destroy(struct presence *presence)
{
    if (presence == NULL)
        return;
    presence_users_destroy(presence->users);
    free(presence);
}

/* Wakes those who may see the user: who shares a room with them. */
static enum errcode wake_observers(struct call *call, struct journal_entry *entry, int64_t user_nid)
{
    struct membership_row *rows;
    size_t count;
    size_t woken = 0;

    TRY(memberships_of_user(call->db, call->arena, user_nid, false, &rows, &count));
    for (size_t i = 0; i < count && woken < WOKEN_ROOMS_MAX; i++) {
        if (rows[i].membership != STORED_JOIN)
            continue;
        journal_entry_wake_room(entry, rows[i].room_nid);
        woken++;
    }
    journal_entry_wake_user(entry, user_nid);
    return OK;
}

static struct presence_row row_of(const struct presence_view *view, int64_t node)
{
    return (struct presence_row){
        .user_nid = view->user_nid,
        .state = view->state,
        .last_active_ts = clock_wall_ms() - view->active_ago_ms,
        .currently_active = view->state == PRESENCE_ONLINE,
        .node = node,
    };
}

typedef void (*add_row)(struct journal_entry *entry, const struct presence_row *row);

static enum errcode write_row(struct call *call, const struct presence_row *row, add_row add)
{
    struct journal_entry *entry = journal_entry_create();
    enum errcode outcome = wake_observers(call, entry, row->user_nid);

    if (outcome != OK) {
        journal_entry_destroy(entry);
        return outcome;
    }
    add(entry, row);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode presence_receive(struct call *call, const struct presence_row *row)
{
    return write_row(call, row, presence_set_in);
}

static enum errcode write_view(struct call *call, const struct presence_view *view)
{
    struct presence *presence = call->services->presence;
    struct presence_row row = row_of(view, presence->node);
    enum errcode written = write_row(call, &row, presence_set_state_in);

    if (written != OK)
        presence_users_untold(presence->users, view->user_nid);
    return written;
}

enum errcode presence_synced(struct call *call, const struct presence_report *report)
{
    struct presence_view view;

    /* `offline` asks not to be noticed. */
    if (report->state == PRESENCE_OFFLINE)
        return OK;
    if (!presence_users_report(call->services->presence->users, report, clock_monotonic_ms(),
                               &view))
        return OK;
    return write_view(call, &view);
}

enum errcode presence_set(struct call *call, const struct presence_report *report,
                          const char *status_msg)
{
    struct presence *presence = call->services->presence;
    struct presence_view view;

    /* Even an equal state is written: the message may be another one. */
    (void)presence_users_report(presence->users, report, clock_monotonic_ms(), &view);
    struct presence_row row = row_of(&view, presence->node);
    row.status_msg = status_msg;
    return write_row(call, &row, presence_set_in);
}

enum errcode presence_active(struct call *call, int64_t user_nid)
{
    struct presence_view view;

    if (!presence_users_active(call->services->presence->users, user_nid, clock_monotonic_ms(),
                               &view))
        return OK;
    return write_view(call, &view);
}

static enum errcode time_out_own_users(struct call *call)
{
    struct presence *presence = call->services->presence;
    struct presence_view *views = ARENA_ARRAY(call->arena, TICK_BATCH, struct presence_view);
    size_t count;

    do {
        count = presence_users_expire(presence->users, clock_monotonic_ms(), views, TICK_BATCH);
        for (size_t i = 0; i < count; i++) {
            struct presence_row row = row_of(&views[i], presence->node);
            TRY(write_row(call, &row, presence_time_out_in));
        }
    } while (count == TICK_BATCH);
    return OK;
}

/* Nobody hears from the users of a process that died, so they are offline until they sync here. */
static enum errcode relieve_dead_nodes(struct call *call)
{
    struct presence_row *rows;
    size_t count;

    TRY(presence_orphans(call->db, call->arena, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        rows[i].state = PRESENCE_OFFLINE;
        rows[i].currently_active = false;
        TRY(write_row(call, &rows[i], presence_time_out_in));
    }
    return OK;
}

enum errcode presence_tick(struct call *call)
{
    struct presence *presence = call->services->presence;
    int64_t now_ms = clock_monotonic_ms();

    TRY(time_out_own_users(call));
    if (now_ms < atomic_load(&presence->next_heartbeat_ms))
        return OK;
    TRY(presence_node_seen(call->db, presence->node, clock_wall_ms(),
                           clock_wall_ms() - NODE_DEAD_MS));
    TRY(relieve_dead_nodes(call));
    atomic_store(&presence->next_heartbeat_ms, now_ms + HEARTBEAT_MS);
    return OK;
}

json_t *presence_content(const struct presence_row *row, int64_t now_ms)
{
    json_t *content = json_pack("{s:s}", "presence", presence_state_text(row->state));

    if (row->last_active_ts > 0 && row->last_active_ts <= now_ms)
        json_object_set_new(content, "last_active_ago", json_integer(now_ms - row->last_active_ts));
    if (row->state == PRESENCE_ONLINE)
        json_object_set_new(content, "currently_active", json_boolean(row->currently_active));
    if (row->status_msg != NULL)
        json_object_set_new(content, "status_msg", json_string(row->status_msg));
    return content;
}
