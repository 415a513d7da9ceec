/*
 * Threads that empty the inbox, room by room. A room is in the list while it waits or is worked on;
 * news meanwhile are remembered, so that nothing is left lying. A room gives way to the others
 * after a few events. What needs another server to be judged goes on with threads of its own: rooms
 * that wait for slow servers, be they ever so many, hold up only each other.
 */
#include "federation/receiver/receiver.h"

#include <pthread.h>
#include <uthash.h>

#include "federation/receiver/room_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/metrics.h"
#include "homeserver/base/thread_pool.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/federation_inbox.h"
#include "storage/journal.h"

enum { THREADS = 4, OUTWARD_THREADS = 4, ROOMS_WAITING_MAX = 10000 };

static const int64_t TRANSACTIONS_KEPT_MS = INT64_C(7) * 24 * 60 * 60 * 1000;

struct waiting_room {
    char *room_id;
    struct federation_receiver *receiver;
    bool has_news;
    bool goes_outward; /* its next event needs other servers; of the room's own run alone */
    UT_hash_handle hh;
};

struct federation_receiver {
    const struct services *services;
    char *conninfo;
    struct thread_pool *pool, *outward;
    pthread_mutex_t lock; /* protects the list */
    struct waiting_room *rooms;
    bool is_stopping;
};

static void *open_database(void *context)
{
    const struct federation_receiver *receiver = context;

    return db_create(receiver->conninfo);
}

static void close_database(void *db)
{
    db_destroy(db);
}

static enum errcode work_on_room(struct federation_receiver *receiver, struct db *db,
                                 const struct waiting_room *room, bool *has_more_out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call call = {
        .services = receiver->services,
        .db = db,
        .arena = arena,
        .error = &error,
        .commits = commit_group_create(),
        .must_not_wait = !room->goes_outward,
    };

    enum errcode outcome = room_intake_run(&call, room->room_id, has_more_out);
    commit_group_release(call.commits);
    if (errcode_is_internal(outcome) && outcome != E_OUTWARD)
        log_warn(LOG_FEDERATION, "Events of %s have to wait: %s", room->room_id,
                 error.text[0] != '\0' ? error.text : errcode_default_text(outcome));
    return outcome;
}

/* Rooms with work under way or waiting for a thread; others that are in the inbox have to wait for
 * something, and the job comes back to them. */
static void count_room(const struct waiting_room *room, int by)
{
    metric_change(metrics_gauge("beffroi_federation_receiving_rooms",
                                "Rooms whose received events are worked on, by who is needed.",
                                room->goes_outward ? "needs=\"others\"" : "needs=\"nobody\""),
                  by);
}

static void forget(struct federation_receiver *receiver, struct waiting_room *room)
{
    count_room(room, -1);
    HASH_DEL(receiver->rooms, room);
    free(room->room_id);
    free(room);
}

static void run(void *db, void *argument)
{
    struct waiting_room *room = argument;
    struct federation_receiver *receiver = room->receiver;
    bool has_more = false;

    pthread_mutex_lock(&receiver->lock);
    room->has_news = false;
    bool is_stopping = receiver->is_stopping;
    pthread_mutex_unlock(&receiver->lock);
    enum errcode outcome = is_stopping ? E_SHUTDOWN : work_on_room(receiver, db, room, &has_more);

    pthread_mutex_lock(&receiver->lock);
    count_room(room, -1);
    room->goes_outward = outcome == E_OUTWARD;
    count_room(room, 1);
    struct thread_pool *next = room->goes_outward ? receiver->outward : receiver->pool;
    /* What has to wait may be had with what came meanwhile: a policy server that is back, say. */
    bool has_work = room->goes_outward || (outcome == OK && has_more) ||
                    ((outcome == OK || outcome == E_UNAVAILABLE) && room->has_news);
    bool again = has_work && !receiver->is_stopping;
    if (!again)
        forget(receiver, room);
    pthread_mutex_unlock(&receiver->lock);
    if (again)
        thread_pool_continue(next, run, room);
}

void federation_receiver_wake(struct federation_receiver *receiver, const char *room_id)
{
    struct waiting_room *room;

    pthread_mutex_lock(&receiver->lock);
    HASH_FIND_STR(receiver->rooms, room_id, room);
    if (room != NULL)
        room->has_news = true;
    bool is_new = room == NULL && !receiver->is_stopping;
    if (is_new) {
        room = calloc(1, sizeof(*room));
        if (room == NULL)
            abort();
        room->room_id = strdup(room_id);
        room->receiver = receiver;
        HASH_ADD_KEYPTR(hh, receiver->rooms, room->room_id, strlen(room->room_id), room);
        count_room(room, 1);
        if (!thread_pool_submit(receiver->pool, run, room))
            forget(receiver, room); /* the job comes back to it */
    }
    pthread_mutex_unlock(&receiver->lock);
}

static void start_from_inbox(void *db, void *argument)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct federation_receiver *receiver = argument;
    const char **rooms;
    size_t count;

    if (inbox_rooms(db, arena, &rooms, &count) != OK)
        return; /* the job does it again */
    for (size_t i = 0; i < count; i++)
        federation_receiver_wake(receiver, rooms[i]);
}

struct federation_receiver *federation_receiver_create(const struct services *services,
                                                       const char *conninfo)
{
    struct federation_receiver *receiver = calloc(1, sizeof(*receiver));

    if (receiver == NULL)
        abort();
    receiver->services = services;
    receiver->conninfo = strdup(conninfo);
    pthread_mutex_init(&receiver->lock, NULL);
    struct thread_pool_options options = {
        .name = "receiver",
        .threads = THREADS,
        .queue_max = ROOMS_WAITING_MAX,
        .thread_start = open_database,
        .thread_stop = close_database,
        .context = receiver,
    };
    receiver->pool = thread_pool_create(&options);
    options.name = "receiver-out";
    options.threads = OUTWARD_THREADS;
    receiver->outward = thread_pool_create(&options);
    if (receiver->pool == NULL || receiver->outward == NULL || receiver->conninfo == NULL)
        abort();
    thread_pool_continue(receiver->pool, start_from_inbox, receiver);
    return receiver;
}

void federation_receiver_destroy(struct federation_receiver *receiver)
{
    if (receiver == NULL)
        return;
    pthread_mutex_lock(&receiver->lock);
    receiver->is_stopping = true;
    pthread_mutex_unlock(&receiver->lock);
    thread_pool_destroy(receiver->pool);
    thread_pool_destroy(receiver->outward);
    pthread_mutex_destroy(&receiver->lock);
    free(receiver->conninfo);
    free(receiver);
}

enum errcode federation_receiver_resume(struct call *call)
{
    const char **rooms;
    size_t count;

    TRY(inbox_rooms(call->db, call->arena, &rooms, &count));
    for (size_t i = 0; i < count; i++)
        federation_receiver_wake(call->services->receiver, rooms[i]);
    return inbox_expire_transactions(call->db, clock_wall_ms() - TRANSACTIONS_KEPT_MS);
}
