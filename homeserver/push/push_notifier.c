/* The thread that pushes. */
#include "homeserver/push/push_notifier.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/looper.h"
#include "homeserver/call.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/json.h"
#include "homeserver/push/push_notification.h"
#include "homeserver/push/push_targets.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/push_actions.h"
#include "storage/push_queue.h"

enum {
    POSITIONS_PER_ROUND = 500,
    /* Where nobody was to be notified, the position is written down only so often. */
    POSITIONS_UNWRITTEN_MAX = 2000,
    ITEMS_PER_LOOK = 50,
    TIMEOUT_MS = 15 * 1000,
    ANSWER_BYTES_MAX = 64 << 10,
    FIRST_PAUSE_MS = 1000,
    PAUSE_MAX_MS = 30 * 60 * 1000,
    OTHER_NODE_PUSHES_MS = 2000,
    AFTER_FAILURE_MS = 1000,
    AFTER_ODDITY_MS = 60 * 1000,
    IDLE_MS = 60 * 1000,
};

struct push_notifier {
    const struct services *services;
    struct db *db;
    struct looper *looper;
    struct push_targets *targets;
    bool is_ours;     /* the lock, when last asked */
    int64_t position; /* of the stream, looked at up to here */
    bool is_shutting_down;
};

static void wake(void *context)
{
    struct push_notifier *notifier = context;

    looper_wake(notifier->looper);
}

void push_notifier_on_change(void *context, const struct journal_change *change UNUSED)
{
    wake(context);
}

/* Takes the lock, or finds that another node has it. */
static enum errcode prepare(struct push_notifier *notifier, struct call *call)
{
    bool was_ours = notifier->is_ours;
    struct nid_list waiting;

    notifier->is_ours = false;
    TRY(push_lock(call->db, call->arena, &notifier->is_ours));
    if (was_ours || !notifier->is_ours)
        return OK;
    notifier->is_ours = false;
    TRY(push_stream_position(call->db, call->arena, &notifier->position));
    TRY(push_waiting(call->db, call->arena, "http", &waiting));
    for (size_t i = 0; i < waiting.count; i++)
        push_targets_mark(notifier->targets, waiting.items[i]);
    notifier->is_ours = true;
    return OK;
}

static enum errcode follow_stream(struct push_notifier *notifier, struct call *call,
                                  bool *has_more_out)
{
    int64_t newest = journal_position(call->services->journal);
    struct push_pass pass = {
        .since = notifier->position,
        .until = newest,
        .unwritten_max = POSITIONS_UNWRITTEN_MAX,
    };
    struct nid_list concerned;

    if (pass.until > pass.since + POSITIONS_PER_ROUND)
        pass.until = pass.since + POSITIONS_PER_ROUND;
    *has_more_out = pass.until < newest;
    if (pass.since >= pass.until)
        return OK;
    TRY(push_enqueue(call->db, call->arena, &pass, &concerned));
    for (size_t i = 0; i < concerned.count; i++)
        push_targets_mark(notifier->targets, concerned.items[i]);
    notifier->position = pass.until;
    return OK;
}

/* Spec: "Homeservers must cease sending notification requests for these pushkeys and remove the
 * associated pushers." Of all that the gateway names, ours is the one we asked about. */
static bool is_rejected(struct call *call, const struct push_job *job)
{
    struct error ignored = {0};
    json_t *answer, *key;
    size_t i;

    if (job->body == NULL ||
        json_parse_object(call->arena, job->body, job->body_size, &ignored, &answer) != OK)
        return false;
    json_array_foreach (json_get_array(answer, "rejected"), i, key) {
        if (json_is_text(key) && strcmp(json_string_value(key), job->pushkey) == 0)
            return true;
    }
    return false;
}

/* Twice as long as it has failed so far, within limits: known again after a restart. */
static int64_t pause_after(int64_t failing_since_ts, int64_t now_ts)
{
    int64_t failing_ms = failing_since_ts != 0 ? now_ts - failing_since_ts : 0;

    if (failing_ms < FIRST_PAUSE_MS)
        return FIRST_PAUSE_MS;
    return failing_ms < PAUSE_MAX_MS ? failing_ms : PAUSE_MAX_MS;
}

static enum errcode note_failure(struct push_job *job, struct call *call)
{
    int64_t now_ts = clock_wall_ms();
    struct push_target target;
    enum errcode found = push_target_load(call->db, call->arena, job->pusher_nid, &target);

    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    job->next_try_ts = now_ts + pause_after(target.failing_since_ts, now_ts);
    job->has_waiting = true;
    log_debug(LOG_PUSH, "A push gateway did not accept a notification: status %d.", job->status);
    return push_failed(call->db, job->pusher_nid, now_ts, job->next_try_ts);
}

static enum errcode note_success(struct push_job *job, struct call *call)
{
    struct push_target target;

    job->next_try_ts = 0;
    if (!is_rejected(call, job))
        return push_done(call->db, job->pusher_nid, job->position, job->badge);
    enum errcode found = push_target_load(call->db, call->arena, job->pusher_nid, &target);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    log_info(LOG_PUSH, "A push gateway rejected a push key: the pusher is removed.");
    return pusher_delete(call->db, target.pusher.user_nid, target.pusher.app_id,
                         target.pusher.pushkey);
}

static enum errcode settle_one(struct push_job *job, struct call *call)
{
    bool is_accepted = job->outcome == OK && job->status >= 200 && job->status <= 299;

    return is_accepted ? note_success(job, call) : note_failure(job, call);
}

static enum errcode settle(struct push_notifier *notifier, struct call *call)
{
    struct push_job *job;

    while ((job = push_targets_take_answered(notifier->targets)) != NULL) {
        push_job_leave_gateway(job);
        job->has_waiting = true;
        notifier->is_shutting_down |= job->outcome == E_SHUTDOWN;
        enum errcode outcome = job->outcome == E_SHUTDOWN ? OK : settle_one(job, call);
        free(job->body);
        free(job->pushkey);
        job->body = NULL;
        job->pushkey = NULL;
        TRY(outcome);
    }
    return OK;
}

/* What is to be told next: `*item_out` is NULL when it is nothing; `*skipped_out` is the position
 * up to which nothing needs to be told. */
static enum errcode choose(struct call *call, const struct push_target *target, int64_t unread,
                           const struct push_item **item_out, int64_t *skipped_out)
{
    struct push_item *items;
    size_t count;

    *item_out = NULL;
    *skipped_out = 0;
    TRY(push_queue_load(call->db, call->arena, target->pusher.pusher_nid, ITEMS_PER_LOOK, &items,
                        &count));
    for (size_t i = 0; i < count; i++) {
        bool is_event = items[i].event_nid != 0;
        /* What comes next tells the count as well. */
        bool is_superseded = !is_event && (i + 1 < count || unread == target->badge);
        if (target->pusher.is_enabled && !items[i].is_over && !is_superseded) {
            *item_out = &items[i];
            return OK;
        }
        *skipped_out = items[i].position;
    }
    return OK;
}

static enum errcode start(struct push_job *job, struct call *call, const char *url,
                          const json_t *body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    const struct config *config = config_current(call->services->config);
    const char *text = json_compact(call->arena, body);

    if (text == NULL)
        return E_SYSTEM;
    const struct http_call request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = text,
        .body_size = strlen(text),
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        .allow_private_addresses = config->outgoing.allow_private_push_gateways,
    };
    http_client_start(call->services->http, &request, push_job_on_answer, job);
    return OK;
}

/* The item can not be told any more: its event is gone. */
static enum errcode drop(struct push_job *job, struct call *call, const struct push_target *target,
                         int64_t position)
{
    job->has_waiting = true;
    return push_done(call->db, job->pusher_nid, position, target->badge);
}

static enum errcode tell(struct push_job *job, struct call *call, const struct push_target *target,
                         const struct push_item *item)
{
    const char *url;
    json_t *body;

    TRY(push_gateway_url(call, target, &url));
    if (url == NULL)
        return drop(job, call, target, item->position);
    push_job_set_url(job, url);
    job->gateway = push_gateway_enter(job->targets, url);
    if (job->gateway == NULL)
        return OK; /* later: it still waits */
    enum errcode made = push_notification_make(call, target, item, job->badge, &body);
    if (made != OK) {
        push_job_leave_gateway(job);
        return made == M_NOT_FOUND ? drop(job, call, target, item->position) : made;
    }
    job->has_waiting = false;
    job->position = item->position;
    job->pushkey = strdup(target->pusher.pushkey);
    return start(job, call, url, body);
}

static enum errcode work_on(struct push_job *job, struct call *call)
{
    const struct push_item *item;
    struct push_target target;
    int64_t skipped;
    enum errcode found = push_target_load(call->db, call->arena, job->pusher_nid, &target);

    job->has_waiting = found != M_NOT_FOUND;
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    job->next_try_ts = target.next_try_ts;
    if (job->next_try_ts > clock_wall_ms())
        return OK;
    TRY(unread_rooms(call->db, call->arena, target.pusher.user_nid, &job->badge));
    TRY(choose(call, &target, job->badge, &item, &skipped));
    if (item != NULL)
        return tell(job, call, &target, item);
    job->has_waiting = skipped != 0; /* there may be more than fits into one look */
    return skipped != 0 ? push_done(call->db, job->pusher_nid, skipped, target.badge) : OK;
}

/* One that can not be worked on must not keep the others waiting. */
static enum errcode try_to_work_on(struct push_job *job, struct call *call)
{
    enum errcode outcome = work_on(job, call);

    if (outcome == OK || outcome == E_UNAVAILABLE)
        return outcome;
    log_warn(LOG_PUSH, "A notification could not be made and will be tried again: %s",
             call->error->text[0] != '\0' ? call->error->text : errcode_default_text(outcome));
    job->has_waiting = true;
    job->next_try_ts = clock_wall_ms() + AFTER_ODDITY_MS;
    return OK;
}

/* Starts what is due. What finds no room at its gateway goes on when an answer makes some. */
static enum errcode push(struct push_notifier *notifier, struct call *call, int64_t *wait_ms)
{
    struct push_job *job = NULL;

    while ((job = push_targets_next(notifier->targets, job)) != NULL) {
        int64_t pause_ms = job->next_try_ts - clock_wall_ms();
        if (!job->has_waiting || job->gateway != NULL)
            continue;
        if (pause_ms <= 0 && push_gateway_has_room(notifier->targets, job->url)) {
            TRY(try_to_work_on(job, call));
            pause_ms = job->next_try_ts - clock_wall_ms();
            if (job->has_waiting && pause_ms <= 0 &&
                push_gateway_has_room(notifier->targets, job->url))
                *wait_ms = 0;
        }
        if (job->has_waiting && pause_ms > 0 && pause_ms < *wait_ms)
            *wait_ms = pause_ms;
    }
    push_targets_sweep(notifier->targets);
    return OK;
}

static enum errcode run_round(struct push_notifier *notifier, struct call *call,
                              int64_t *wait_ms_out)
{
    bool has_more;

    *wait_ms_out = IDLE_MS;
    TRY(prepare(notifier, call));
    if (!notifier->is_ours) {
        *wait_ms_out = OTHER_NODE_PUSHES_MS;
        return OK;
    }
    TRY(settle(notifier, call));
    if (notifier->is_shutting_down)
        return OK;
    TRY(follow_stream(notifier, call, &has_more));
    TRY(push(notifier, call, wait_ms_out));
    if (has_more)
        *wait_ms_out = 0;
    return OK;
}

static int64_t run(void *context)
{
    struct push_notifier *notifier = context;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call call = {
        .services = notifier->services,
        .db = notifier->db,
        .arena = arena,
        .error = &error,
        .commits = commit_group_create(),
    };
    int64_t wait_ms;
    enum errcode outcome = run_round(notifier, &call, &wait_ms);

    commit_group_release(call.commits);
    if (outcome == OK)
        return wait_ms;
    /* Whatever it was, nothing is lost: all of it is read again. */
    notifier->is_ours = false;
    log_warn(LOG_PUSH, "Pushing failed and will be repeated: %s",
             error.text[0] != '\0' ? error.text : errcode_default_text(outcome));
    return AFTER_FAILURE_MS;
}

struct push_notifier *push_notifier_create(const struct services *services, const char *conninfo)
{
    struct push_notifier *notifier = calloc(1, sizeof(*notifier));

    if (notifier == NULL)
        abort();
    notifier->services = services;
    notifier->db = db_create(conninfo);
    notifier->targets = push_targets_create(wake, notifier);
    notifier->looper = looper_create("push-notifier", run, notifier);
    return notifier;
}

void push_notifier_start(struct push_notifier *notifier)
{
    looper_start(notifier->looper);
}

void push_notifier_stop(struct push_notifier *notifier)
{
    if (notifier != NULL)
        looper_stop(notifier->looper);
}

void push_notifier_destroy(struct push_notifier *notifier)
{
    if (notifier == NULL)
        return;
    looper_destroy(notifier->looper);
    push_targets_destroy(notifier->targets);
    db_destroy(notifier->db);
    free(notifier);
}
