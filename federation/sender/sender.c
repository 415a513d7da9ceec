/* The thread that tells other servers what concerns them; see the header. */
#include "federation/sender/sender.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "federation/client/federation_metrics.h"
#include "federation/client/signed_request.h"
#include "federation/client/transactions.h"
#include "federation/sender/queue.h"
#include "federation/sender/typing_out.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/thread.h"
#include "homeserver/base/thread_pool.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/journal.h"

enum {
    IN_FLIGHT_MAX = 100, /* transactions at once */
    ROUTE_THREADS = 4,   /* looking for servers blocks */
    ROUTES_WAITING_MAX = 1000,
    CLAIM_EVERY_MS = 10 * 1000,
    TROUBLE_PAUSE_MS = 1000, /* after the database failed */
    SCAN_EVERY_MS = 10,      /* in the long run: what comes meanwhile is found by one look */
    SCANS_SAVED_UP = 4,
    SAVE_EVERY_POSITIONS = 10000,
    TYPING_ROOMS_MAX = 1000,
};

/* What came of a transaction, or of the search for a route. */
struct completion {
    struct completion *next;
    struct federation_sender *sender;
    char *origin, *server_name;
    enum errcode outcome;
    int status;
    bool is_route;
    char why[256];
};

struct federation_sender {
    const struct services *services;
    struct db *db;
    struct thread_pool *route_finders;
    pthread_t thread;
    int64_t started_ts;
    pthread_mutex_t lock; /* protects what follows */
    pthread_cond_t news;
    bool stop, is_awake;
    struct completion *completions;
    int64_t typing_rooms[TYPING_ROOMS_MAX];
    size_t typing_room_count;
    /* Of the thread alone. */
    struct sender_queues queues;
    struct typing_out *typing;
    bool is_claimed;
    int64_t claim_again_ms; /* monotonic */
    int64_t scanned_position;
    int64_t saved_position; /* after a crash the look goes on from there */
    int64_t scan_again_ms;  /* monotonic */
    size_t in_flight;
};

static void wake_locked(struct federation_sender *sender)
{
    sender->is_awake = true;
    pthread_cond_signal(&sender->news);
}

static void wake(struct federation_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    wake_locked(sender);
    pthread_mutex_unlock(&sender->lock);
}

/* ── Answers ─────────────────────────────────────────────────────────────────────────────────── */

static struct completion *completion_create(struct federation_sender *sender,
                                            const struct sender_queue *queue)
{
    struct completion *completion = calloc(1, sizeof(*completion));

    if (completion == NULL)
        abort();
    completion->sender = sender;
    completion->origin = strdup(queue->state.origin);
    completion->server_name = strdup(queue->state.server_name);
    return completion;
}

static void completion_free(struct completion *completion)
{
    free(completion->origin);
    free(completion->server_name);
    free(completion);
}

static void complete(struct completion *completion)
{
    struct federation_sender *sender = completion->sender;

    pthread_mutex_lock(&sender->lock);
    completion->next = sender->completions;
    sender->completions = completion;
    wake_locked(sender);
    pthread_mutex_unlock(&sender->lock);
}

/* On the HTTP client's thread. */
static void transaction_done(void *context, enum errcode outcome, const struct http_answer *answer,
                             const char *why)
{
    struct completion *completion = context;

    completion->outcome = outcome;
    completion->status = answer->status;
    if (outcome != OK)
        snprintf(completion->why, sizeof(completion->why), "%s", why);
    else if (answer->status != 200)
        snprintf(completion->why, sizeof(completion->why), "HTTP status %d: %.160s", answer->status,
                 answer->body);
    complete(completion);
}

/* On a thread of the pool. */
static void find_route(void *thread_state, void *argument)
{
    struct completion *completion = argument;
    struct error error = {0};

    (void)thread_state;
    completion->is_route = true;
    completion->outcome = federation_find_route(completion->sender->services->federation,
                                                completion->server_name, &error);
    snprintf(completion->why, sizeof(completion->why), "%s", error.text);
    complete(completion);
}

static enum errcode move_on(struct federation_sender *sender, struct sender_queue *queue,
                            const struct federation_progress *progress)
{
    TRY(federation_queue_sent(sender->db, &queue->state, progress));
    queue->state.sent_position = progress->position;
    return OK;
}

static enum errcode delivered(struct federation_sender *sender, struct sender_queue *queue)
{
    const struct services *services = sender->services;

    queue->pdu_limit = TRANSACTION_PDUS_MAX;
    TRY(federation_note_health(services->federation, sender->db, queue->state.server_name, NULL));
    return move_on(sender, queue,
                   &(struct federation_progress){.position = queue->busy_until_position,
                                                 .taken_ts = clock_wall_ms(),
                                                 .newest_ts = queue->busy_newest_ts});
}

/* The other server is there and does not take what we send: first one event at a time, then without
 * the one that it chokes on. */
static enum errcode refused(struct federation_sender *sender, struct sender_queue *queue,
                            const struct completion *completion)
{
    if (queue->busy_pdus > 1) {
        queue->pdu_limit = 1;
        return OK;
    }
    log_error(LOG_FEDERATION, "%s refuses what stands at position %lld; it is left out. %s",
              queue->state.server_name, (long long)queue->busy_until_position, completion->why);
    federation_count(FEDERATION_LEFT_OUT, 1);
    return delivered(sender, queue);
}

static enum errcode not_delivered(struct federation_sender *sender, struct sender_queue *queue,
                                  const struct completion *completion)
{
    if (completion->outcome == E_SHUTDOWN)
        return OK;
    log_info(LOG_FEDERATION, "A transaction for %s failed: %s", queue->state.server_name,
             completion->why);
    if (!completion->is_route)
        federation_count(FEDERATION_TRANSACTION_OUT_FAILED, 1);
    return federation_note_health(sender->services->federation, sender->db,
                                  queue->state.server_name, completion->why);
}

static enum errcode take_completion(struct federation_sender *sender,
                                    const struct completion *completion)
{
    struct sender_queue *queue =
        sender_queue_obtain(&sender->queues, completion->origin, completion->server_name);

    queue->is_busy = false;
    sender->in_flight--;
    if (completion->is_route)
        return completion->outcome == OK ? OK : not_delivered(sender, queue, completion);
    if (completion->outcome == OK && completion->status == 200) {
        federation_count(FEDERATION_TRANSACTION_OUT_TAKEN, 1);
        federation_count(FEDERATION_EVENT_OUT, queue->busy_pdus);
        federation_count(FEDERATION_EDU_OUT, queue->busy_edus);
        return delivered(sender, queue);
    }
    if (completion->outcome == OK && (completion->status == 400 || completion->status == 413))
        return refused(sender, queue, completion);
    return not_delivered(sender, queue, completion);
}

/* All are taken, also when the database fails at one: that one's transaction is sent again. */
static enum errcode take_completions(struct federation_sender *sender)
{
    struct completion *completion, *next;
    enum errcode outcome = OK;

    pthread_mutex_lock(&sender->lock);
    completion = sender->completions;
    sender->completions = NULL;
    pthread_mutex_unlock(&sender->lock);
    for (; completion != NULL; completion = next) {
        next = completion->next;
        enum errcode taken = take_completion(sender, completion);
        outcome = outcome == OK ? taken : outcome;
        completion_free(completion);
    }
    return outcome;
}

/* ── News ────────────────────────────────────────────────────────────────────────────────────── */

static void add_queues(struct federation_sender *sender, const struct federation_queue *rows,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        sender_queue_update(
            sender_queue_obtain(&sender->queues, rows[i].origin, rows[i].server_name), &rows[i]);
}

static enum errcode scan(struct federation_sender *sender, struct call *call)
{
    const struct config *config = config_current(call->services->config);
    const char **hosted = ARENA_ARRAY(call->arena, config->domain_count, const char *);
    struct federation_scan what = {.after = sender->scanned_position,
                                   .until = journal_position(call->services->journal),
                                   .hosted = hosted,
                                   .hosted_count = config->domain_count,
                                   .now_ms = clock_wall_ms()};
    struct federation_queue *rows;
    size_t count;

    if (what.until <= sender->scanned_position || clock_monotonic_ms() < sender->scan_again_ms)
        return OK;
    /* What comes after a while is found at once, and what follows on it within it: a few looks are
     * saved up, and only who never rests waits for each. */
    const int64_t saved_up_ms = clock_monotonic_ms() - SCANS_SAVED_UP * SCAN_EVERY_MS;
    sender->scan_again_ms =
        (sender->scan_again_ms > saved_up_ms ? sender->scan_again_ms : saved_up_ms) + SCAN_EVERY_MS;
    for (size_t i = 0; i < config->domain_count; i++)
        hosted[i] = config->domains[i].name;
    what.is_saved = what.until - sender->saved_position >= SAVE_EVERY_POSITIONS;
    TRY(federation_queues_scan(call->db, call->arena, &what, &rows, &count));
    sender->scanned_position = what.until;
    if (what.is_saved || count > 0)
        sender->saved_position = what.until;
    add_queues(sender, rows, count);
    return OK;
}

static enum errcode follow_typing(struct federation_sender *sender, struct call *call)
{
    int64_t *rooms = ARENA_ARRAY(call->arena, TYPING_ROOMS_MAX, int64_t);
    size_t count;

    pthread_mutex_lock(&sender->lock);
    count = sender->typing_room_count;
    memcpy(rooms, sender->typing_rooms, count * sizeof(*rooms));
    sender->typing_room_count = 0;
    pthread_mutex_unlock(&sender->lock);
    for (size_t i = 0; i < count; i++)
        TRY(typing_out_follow(sender->typing, call, rooms[i], &sender->queues));
    return OK;
}

/* ── Sending ─────────────────────────────────────────────────────────────────────────────────── */

static void look_for_route(struct federation_sender *sender, struct sender_queue *queue)
{
    struct completion *completion = completion_create(sender, queue);

    queue->is_busy = true;
    sender->in_flight++;
    if (thread_pool_submit(sender->route_finders, find_route, completion))
        return;
    /* Others are before it: their completions wake us. */
    queue->is_busy = false;
    sender->in_flight--;
    completion_free(completion);
}

static enum errcode give_up_all(struct federation_sender *sender, struct sender_queue *queue,
                                const char *why)
{
    log_info(LOG_FEDERATION, "Nothing is sent to %s: %s", queue->state.server_name, why);
    sender_queue_drop_edus(queue);
    return move_on(sender, queue,
                   &(struct federation_progress){.position = queue->state.wanted_position});
}

static enum errcode start_transaction(struct federation_sender *sender, struct call *call,
                                      struct sender_queue *queue,
                                      const struct planned_transaction *planned)
{
    const struct outgoing_transaction transaction = {
        .origin = queue->state.origin,
        .destination = queue->state.server_name,
        .txn_id = arena_printf(call->arena, "%lld.%lld.%lld", (long long)sender->started_ts,
                               (long long)queue->state.sent_position, (long long)clock_wall_ms()),
        .content = planned->content,
    };
    struct completion *completion = completion_create(sender, queue);

    enum errcode started = federation_send_transaction_start(
        call->services->federation, &transaction, call->error, transaction_done, completion);
    if (started == OK) {
        queue->is_busy = true;
        queue->busy_until_position = planned->until;
        queue->busy_pdus = planned->pdu_count;
        queue->busy_edus = planned->edu_count;
        /* Events that are passed on have their own server's time. */
        queue->busy_newest_ts =
            planned->newest_ts < clock_wall_ms() ? planned->newest_ts : clock_wall_ms();
        sender->in_flight++;
        sender_queue_drop_edus(queue);
        return OK;
    }
    completion_free(completion);
    if (started == E_UNAVAILABLE) {
        look_for_route(sender, queue);
        return OK;
    }
    if (started == M_FORBIDDEN || started == M_INVALID_PARAM)
        return give_up_all(sender, queue, call->error->text);
    return started;
}

static enum errcode serve_queue(struct federation_sender *sender, struct call *call,
                                struct sender_queue *queue)
{
    struct transaction_plan plan = {.queue = &queue->state};
    struct planned_transaction planned = {0};

    TRY(federation_retry_ts(call->services->federation, call->db, queue->state.server_name,
                            &queue->not_before_ts));
    if (queue->not_before_ts > clock_wall_ms())
        return OK;
    while (planned.content == NULL && sender_queue_has_work(queue)) {
        plan.pdu_limit = queue->pdu_limit;
        plan.edus = queue->edus;
        plan.edu_count = queue->edu_count;
        TRY(transaction_plan(call->db, call->arena, &plan, &planned));
        if (planned.content != NULL)
            return start_transaction(sender, call, queue, &planned);
        TRY(move_on(sender, queue, &(struct federation_progress){.position = planned.until}));
    }
    return OK;
}

static enum errcode serve_queues(struct federation_sender *sender, struct call *call)
{
    struct sender_queue *queue, *next;

    HASH_ITER (hh, sender->queues.table, queue, next) {
        if (queue->is_busy || sender->in_flight >= IN_FLIGHT_MAX)
            continue;
        if (sender_queue_has_work(queue))
            TRY(serve_queue(sender, call, queue));
        else if (queue->pdu_limit == TRANSACTION_PDUS_MAX)
            sender_queue_forget(&sender->queues, queue);
    }
    return OK;
}

/* ── The loop ────────────────────────────────────────────────────────────────────────────────── */

/* One process sends; the lock is asked for again now and then, because it goes with a lost
 * connection. */
static enum errcode claim(struct federation_sender *sender, struct call *call)
{
    bool was_claimed = sender->is_claimed;
    struct federation_queue *rows;
    size_t count;

    if (clock_monotonic_ms() < sender->claim_again_ms)
        return OK;
    sender->claim_again_ms = clock_monotonic_ms() + CLAIM_EVERY_MS;
    TRY(federation_sender_lock(call->db, call->arena, &sender->is_claimed));
    if (!sender->is_claimed)
        return OK;
    TRY(federation_heed_retries(call));
    if (was_claimed)
        return OK;
    TRY(federation_scan_position(call->db, call->arena, &sender->scanned_position));
    sender->saved_position = sender->scanned_position;
    TRY(federation_queues_waiting(call->db, call->arena, &rows, &count));
    add_queues(sender, rows, count);
    return OK;
}

static enum errcode work_once(struct federation_sender *sender, struct call *call)
{
    TRY(take_completions(sender));
    TRY(claim(sender, call));
    if (!sender->is_claimed)
        return OK;
    TRY(scan(sender, call));
    TRY(follow_typing(sender, call));
    return serve_queues(sender, call);
}

static void work_and_report(struct federation_sender *sender)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call call = {
        .services = sender->services,
        .db = sender->db,
        .arena = arena,
        .error = &error,
        .commits = commit_group_create(),
    };

    enum errcode outcome = work_once(sender, &call);
    commit_group_release(call.commits);
    if (outcome == OK)
        return;
    log_warn(LOG_FEDERATION, "The federation sender pauses: %s",
             error.text[0] != '\0' ? error.text : errcode_default_text(outcome));
    sender->is_claimed = false;
    sender->claim_again_ms = clock_monotonic_ms() + TROUBLE_PAUSE_MS;
}

/* How long nothing happens by itself. */
static int64_t pause_ms(const struct federation_sender *sender)
{
    const int64_t now_ms = clock_wall_ms();
    int64_t pause = sender->claim_again_ms - clock_monotonic_ms();

    if (!sender->is_claimed)
        return pause;
    if (journal_position(sender->services->journal) > sender->scanned_position &&
        sender->scan_again_ms - clock_monotonic_ms() < pause)
        pause = sender->scan_again_ms - clock_monotonic_ms();
    for (const struct sender_queue *queue = sender->queues.table; queue != NULL;
         queue = queue->hh.next) {
        if (!queue->is_busy && sender_queue_has_work(queue) && queue->not_before_ts > now_ms &&
            queue->not_before_ts - now_ms < pause)
            pause = queue->not_before_ts - now_ms;
    }
    return pause;
}

static bool wait_for_news(struct federation_sender *sender)
{
    int64_t due_ms = clock_monotonic_ms() + pause_ms(sender);
    const struct timespec deadline = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};
    bool stop;

    pthread_mutex_lock(&sender->lock);
    while (!sender->stop && !sender->is_awake && clock_monotonic_ms() < due_ms)
        pthread_cond_timedwait(&sender->news, &sender->lock, &deadline);
    sender->is_awake = false;
    stop = sender->stop;
    pthread_mutex_unlock(&sender->lock);
    return !stop;
}

static void *work(void *context)
{
    struct federation_sender *sender = context;

    do {
        work_and_report(sender);
    } while (wait_for_news(sender));
    return NULL;
}

struct federation_sender *federation_sender_create(const struct services *services,
                                                   const char *conninfo)
{
    struct federation_sender *sender = calloc(1, sizeof(*sender));
    const struct thread_pool_options routes = {
        .name = "fed-routes",
        .threads = ROUTE_THREADS,
        .queue_max = ROUTES_WAITING_MAX,
    };
    pthread_condattr_t attributes;

    if (sender == NULL)
        abort();
    sender->services = services;
    sender->db = db_create(conninfo);
    /* What a crash makes us forget is done once more: the other server knows it by its ID. */
    db_set_session(sender->db, "SET synchronous_commit = off;" DB_PLANS_BY_VALUES);
    sender->started_ts = clock_wall_ms();
    sender->typing = typing_out_create();
    sender->route_finders = thread_pool_create(&routes);
    pthread_mutex_init(&sender->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sender->news, &attributes);
    pthread_condattr_destroy(&attributes);
    if (sender->route_finders == NULL || !thread_start(&sender->thread, "fed-sender", work, sender))
        abort();
    return sender;
}

void federation_sender_stop(struct federation_sender *sender)
{
    if (sender == NULL || sender->stop)
        return;
    pthread_mutex_lock(&sender->lock);
    sender->stop = true;
    wake_locked(sender);
    pthread_mutex_unlock(&sender->lock);
    pthread_join(sender->thread, NULL);
    thread_pool_destroy(sender->route_finders);
}

void federation_sender_destroy(struct federation_sender *sender)
{
    struct completion *completion, *next;

    if (sender == NULL)
        return;
    federation_sender_stop(sender);
    for (completion = sender->completions; completion != NULL; completion = next) {
        next = completion->next;
        completion_free(completion);
    }
    sender_queues_finish(&sender->queues);
    typing_out_destroy(sender->typing);
    pthread_cond_destroy(&sender->news);
    pthread_mutex_destroy(&sender->lock);
    db_destroy(sender->db);
    free(sender);
}

void federation_sender_on_change(void *context, const struct journal_change *change)
{
    (void)change;
    wake(context);
}

void federation_sender_on_typing(struct federation_sender *sender, int64_t room_nid)
{
    bool is_known = false;

    pthread_mutex_lock(&sender->lock);
    for (size_t i = 0; i < sender->typing_room_count; i++)
        is_known = is_known || sender->typing_rooms[i] == room_nid;
    if (!is_known && sender->typing_room_count < TYPING_ROOMS_MAX)
        sender->typing_rooms[sender->typing_room_count++] = room_nid;
    wake_locked(sender);
    pthread_mutex_unlock(&sender->lock);
}

void federation_sender_peer_spoke(struct federation_sender *sender, const char *server_name)
{
    if (federation_peer_spoke(sender->services->federation, server_name))
        wake(sender);
}
