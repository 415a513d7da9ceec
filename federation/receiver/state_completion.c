/* The threads, the servers, the fetching. */
#include "federation/receiver/state_completion.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "federation/receiver/outliers.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/thread_pool.h"
#include "homeserver/protocol/event.h"
#include "homeserver/rooms/complete_state.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/partial_state_rooms.h"

enum {
    THREADS = 4,
    ROOMS_WAITING_MAX = 10000,
    SERVERS_ASKED_MAX = 10, /* in one attempt */
    ATTEMPTS_MAX = 3,       /* when another node writes to the room at the same time */
    RETRY_FIRST_MS = 1000,
    RETRY_DOUBLINGS_MAX = 9,      /* up to 8.5 minutes */
    FAILURES_BEFORE_LESS_DOES = 4 /* then what nobody can give is left out */
};

struct working_room {
    int64_t room_nid;
    struct state_completion *completion;
    UT_hash_handle hh;
};

struct state_completion {
    const struct services *services;
    char *conninfo;
    struct thread_pool *pool;
    pthread_mutex_t lock; /* protects the list */
    struct working_room *rooms;
    bool is_stopping;
};

/* ── One room ────────────────────────────────────────────────────────────────────────────────── */

struct fetching {
    struct call *call;
    struct room *room;
    struct partial_state_room partial;
    const struct event *join;
};

static enum errcode load_join(struct fetching *f)
{
    struct stored_event stored;

    TRY(event_load(f->call->db, f->call->arena, f->partial.join_nid, &stored));
    return stored_event_parse(f->call->arena, room_version_of(f->room), &stored, &f->join);
}

static enum errcode count_missing(struct fetching *f, const char *const *ids, size_t count,
                                  size_t *out)
{
    int64_t *nids = ARENA_ARRAY(f->call->arena, count, int64_t);

    TRY(event_nids_find(f->call->db, f->call->arena, room_nid(f->room), ids, count, nids));
    *out = 0;
    for (size_t i = 0; i < count; i++)
        *out += nids[i] == 0 ? 1 : 0;
    return OK;
}

/* What does not hold is stored by nobody, so some may be missing for good; but a server that tells
 * the list and not the events must not leave us with half a room. */
static enum errcode check_events(struct fetching *f, const char *server_name,
                                 const struct room_completion *told)
{
    size_t missing;

    TRY(count_missing(f, told->state_ids, told->state_count, &missing));
    if (missing == 0)
        return OK;
    log_info(LOG_FEDERATION,
             "%zu of %zu events of the state of %s that %s named are not to be had.", missing,
             told->state_count, room_id(f->room), server_name);
    return f->partial.failures >= FAILURES_BEFORE_LESS_DOES ? OK : M_NOT_FOUND;
}

/* The state before the join, as another server has it. */
static enum errcode fetch_before(struct fetching *f, const char *server_name, const char *event_id,
                                 struct room_completion *told)
{
    const struct outlier_request request = {
        .room = f->room,
        .server_name = server_name,
        .for_event_id = event_id,
    };

    return outliers_fetch_state(f->call, &request, &told->state_ids, &told->state_count);
}

/* The state after the event that the join was built on, where it is one: others than the server
 * that took the join may not have that yet. Where history is hidden from us it is not told. */
static enum errcode fetch_after_prev(struct fetching *f, const char *server_name,
                                     struct room_completion *told)
{
    const struct outlier_request request = {
        .room = f->room,
        .server_name = server_name,
        .event_ids = f->join->prev_events,
        .count = 1,
        .for_event_id = f->join->prev_events[0],
    };
    size_t missing;

    TRY(fetch_before(f, server_name, request.for_event_id, told));
    if (told->state_ids == NULL)
        return OK;
    TRY(outliers_fetch(f->call, &request));
    TRY(count_missing(f, request.event_ids, 1, &missing));
    told->upon_id = request.for_event_id;
    if (missing > 0)
        told->state_ids = NULL;
    return OK;
}

static enum errcode fetch_from(struct fetching *f, const char *server_name,
                               struct room_completion *told)
{
    if (f->join->prev_event_count == 1)
        TRY(fetch_after_prev(f, server_name, told));
    if (told->state_ids == NULL) {
        told->upon_id = NULL;
        TRY(fetch_before(f, server_name, f->join->event_id, told));
    }
    return told->state_ids != NULL ? check_events(f, server_name, told) : M_NOT_FOUND;
}

static enum errcode complete(struct fetching *f, const struct room_completion *told)
{
    enum errcode outcome = E_CONFLICT;

    for (int attempt = 0; outcome == E_CONFLICT && attempt < ATTEMPTS_MAX; attempt++)
        outcome = room_complete_state(f->call, told);
    return outcome;
}

static enum errcode ask_servers(struct fetching *f)
{
    enum errcode outcome = M_NOT_FOUND;
    size_t count = f->partial.server_count;
    /* The first is the one that took the join; later attempts begin with others. */
    size_t first = count > 0 ? (size_t)f->partial.failures * SERVERS_ASKED_MAX % count : 0;

    for (size_t i = 0; i < count && i < SERVERS_ASKED_MAX; i++) {
        struct room_completion told = {.room = f->room, .join_nid = f->partial.join_nid};
        outcome = fetch_from(f, f->partial.servers[(first + i) % count], &told);
        if (outcome == OK)
            outcome = complete(f, &told);
        if (outcome == OK || errcode_is_internal(outcome))
            return outcome;
    }
    return outcome;
}

static enum errcode work_locked(struct call *call, int64_t nid, bool *is_over_out)
{
    struct fetching f = {.call = call};
    struct nid_list ours;

    *is_over_out = true;
    enum errcode loaded = partial_state_load(call->db, call->arena, nid, &f.partial);
    if (loaded == M_NOT_FOUND)
        return OK; /* another process was quicker */
    TRY(loaded);
    TRY(room_open_by_nid(call, nid, &f.room));
    TRY(memberships_of_room(call->db, call->arena, nid, STORED_JOIN, true, &ours));
    if (ours.count == 0)
        return room_abandon_state(call, f.room);
    TRY(load_join(&f));
    enum errcode outcome = ask_servers(&f);
    *is_over_out = outcome == OK;
    if (outcome == OK || outcome == E_SHUTDOWN)
        return outcome;
    int64_t doublings =
        f.partial.failures < RETRY_DOUBLINGS_MAX ? f.partial.failures : RETRY_DOUBLINGS_MAX;
    int64_t wait_ms = (int64_t)RETRY_FIRST_MS << doublings;
    log_warn(LOG_FEDERATION,
             "The members of %s could not be had from any of %zu servers; again in %" PRId64
             " seconds.",
             room_id(f.room), f.partial.server_count, wait_ms / 1000);
    return partial_state_failed(call->db, nid, clock_wall_ms() + wait_ms);
}

static void work(struct state_completion *completion, struct db *db, int64_t nid)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call call = {
        .services = completion->services,
        .db = db,
        .arena = arena,
        .error = &error,
        .commits = commit_group_create(),
    };
    bool is_ours = false, is_over;

    enum errcode outcome = partial_state_lock(db, arena, nid, &is_ours);
    if (outcome == OK && is_ours) {
        outcome = work_locked(&call, nid, &is_over);
        enum errcode unlocked = partial_state_unlock(db, nid);
        outcome = outcome != OK ? outcome : unlocked;
    }
    commit_group_release(call.commits);
    if (errcode_is_internal(outcome) && outcome != E_SHUTDOWN)
        log_warn(LOG_FEDERATION, "A room's state has to wait: %s",
                 error.text[0] != '\0' ? error.text : errcode_default_text(outcome));
}

/* ── The threads ─────────────────────────────────────────────────────────────────────────────── */

static void *open_database(void *context)
{
    const struct state_completion *completion = context;

    return db_create(completion->conninfo);
}

static void close_database(void *db)
{
    db_destroy(db);
}

static void run(void *db, void *argument)
{
    struct working_room *room = argument;
    struct state_completion *completion = room->completion;

    pthread_mutex_lock(&completion->lock);
    bool is_stopping = completion->is_stopping;
    pthread_mutex_unlock(&completion->lock);
    if (!is_stopping)
        work(completion, db, room->room_nid);
    pthread_mutex_lock(&completion->lock);
    HASH_DEL(completion->rooms, room);
    pthread_mutex_unlock(&completion->lock);
    free(room);
}

void state_completion_wake(struct state_completion *completion, int64_t room_nid)
{
    struct working_room *room;

    pthread_mutex_lock(&completion->lock);
    HASH_FIND(hh, completion->rooms, &room_nid, sizeof(room_nid), room);
    if (room == NULL && !completion->is_stopping) {
        room = calloc(1, sizeof(*room));
        if (room == NULL)
            abort();
        room->room_nid = room_nid;
        room->completion = completion;
        HASH_ADD(hh, completion->rooms, room_nid, sizeof(room->room_nid), room);
        if (!thread_pool_submit(completion->pool, run, room)) {
            HASH_DEL(completion->rooms, room); /* the job comes back to it */
            free(room);
        }
    }
    pthread_mutex_unlock(&completion->lock);
}

struct state_completion *state_completion_create(const struct services *services,
                                                 const char *conninfo)
{
    struct state_completion *completion = calloc(1, sizeof(*completion));

    if (completion == NULL)
        abort();
    completion->services = services;
    completion->conninfo = strdup(conninfo);
    pthread_mutex_init(&completion->lock, NULL);
    const struct thread_pool_options options = {
        .name = "room-state",
        .threads = THREADS,
        .queue_max = ROOMS_WAITING_MAX,
        .thread_start = open_database,
        .thread_stop = close_database,
        .context = completion,
    };
    completion->pool = thread_pool_create(&options);
    if (completion->pool == NULL || completion->conninfo == NULL)
        abort();
    return completion;
}

void state_completion_destroy(struct state_completion *completion)
{
    if (completion == NULL)
        return;
    pthread_mutex_lock(&completion->lock);
    completion->is_stopping = true;
    pthread_mutex_unlock(&completion->lock);
    thread_pool_destroy(completion->pool);
    pthread_mutex_destroy(&completion->lock);
    free(completion->conninfo);
    free(completion);
}

enum errcode state_completion_resume(struct call *call)
{
    struct nid_list rooms;

    TRY(partial_state_due(call->db, call->arena, clock_wall_ms(), ROOMS_WAITING_MAX, &rooms));
    for (size_t i = 0; i < rooms.count; i++)
        state_completion_wake(call->services->state_completion, rooms.items[i]);
    return OK;
}
