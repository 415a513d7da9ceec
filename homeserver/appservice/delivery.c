/* The thread that follows the stream, and what it does for each application service. */
#include "homeserver/appservice/delivery.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/appservice/delivery_stream.h"
#include "homeserver/appservice/sender.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/looper.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "storage/appservices.h"
#include "storage/db.h"
#include "storage/journal.h"

enum { OTHER_NODE_DELIVERS_MS = 2000, AFTER_FAILURE_MS = 1000, IDLE_MS = 60 * 1000 };
enum { TYPING_ROOMS_MAX = 1000 };

struct appservice_delivery {
    const struct services *services;
    struct db *db;
    struct looper *looper;
    struct delivery_stream *stream;
    bool is_ours; /* the lock, when last asked */
    struct sender_list senders;

    pthread_mutex_t typing_lock; /* protects what follows */
    int64_t typing_rooms[TYPING_ROOMS_MAX];
    size_t typing_room_count;
};

static void wake(void *context)
{
    struct appservice_delivery *delivery = context;

    looper_wake(delivery->looper);
}

void appservice_delivery_on_change(void *context, const struct journal_change *change UNUSED)
{
    struct appservice_delivery *delivery = context;

    if (appservices_current(delivery->services->appservices)->count > 0)
        wake(delivery);
}

void appservice_delivery_on_typing(struct appservice_delivery *delivery, int64_t room_nid)
{
    bool is_known = false;

    if (appservices_current(delivery->services->appservices)->count == 0)
        return;
    pthread_mutex_lock(&delivery->typing_lock);
    for (size_t i = 0; i < delivery->typing_room_count; i++)
        is_known = is_known || delivery->typing_rooms[i] == room_nid;
    if (!is_known && delivery->typing_room_count < TYPING_ROOMS_MAX)
        delivery->typing_rooms[delivery->typing_room_count++] = room_nid;
    pthread_mutex_unlock(&delivery->typing_lock);
    wake(delivery);
}

static struct nid_list take_typing(struct appservice_delivery *delivery, struct arena *arena)
{
    int64_t *rooms = ARENA_ARRAY(arena, TYPING_ROOMS_MAX, int64_t);
    size_t count;

    pthread_mutex_lock(&delivery->typing_lock);
    count = delivery->typing_room_count;
    memcpy(rooms, delivery->typing_rooms, count * sizeof(*rooms));
    delivery->typing_room_count = 0;
    pthread_mutex_unlock(&delivery->typing_lock);
    return (struct nid_list){rooms, count};
}

void appservice_delivery_wake(struct appservice_delivery *delivery)
{
    wake(delivery);
}

void appservice_delivery_retry(struct appservice_delivery *delivery, const char *appservice_id)
{
    if (sender_list_retry(&delivery->senders, appservice_id))
        wake(delivery);
}

/* Takes the lock, or finds that another node has it. What was known is read again whenever the lock
 * was not ours a moment ago, or the set changed. */
static enum errcode prepare(struct appservice_delivery *delivery, struct call *call,
                            const struct appservice_set *set)
{
    bool was_ours = delivery->is_ours;

    delivery->is_ours = false;
    TRY(appservice_lock(call->db, call->arena, &delivery->is_ours));
    if (!delivery->is_ours || (was_ours && delivery->senders.generation == set->generation))
        return OK;
    delivery->is_ours = false;
    TRY(sender_list_take_over(&delivery->senders, call, set));
    TRY(delivery_stream_begin(delivery->stream, call));
    delivery->is_ours = true;
    return OK;
}

/* One round; `*wait_ms_out`: how long nothing will have to be done unless there is news. */
static enum errcode run_round(struct appservice_delivery *delivery, struct call *call,
                              int64_t *wait_ms_out)
{
    const struct appservice_set *set = appservices_current(delivery->services->appservices);
    const struct delivery_news news = {set, take_typing(delivery, call->arena)};
    bool has_more;

    *wait_ms_out = IDLE_MS;
    if (set->count == 0)
        return OK;
    TRY(prepare(delivery, call, set));
    if (!delivery->is_ours) {
        *wait_ms_out = OTHER_NODE_DELIVERS_MS;
        return OK;
    }
    TRY(sender_list_settle(&delivery->senders, call));
    TRY(delivery_stream_follow(delivery->stream, call, &news, &delivery->senders, &has_more));
    TRY(sender_list_send(&delivery->senders, call, wait_ms_out));
    if (has_more)
        *wait_ms_out = 0;
    return OK;
}

static int64_t run(void *context)
{
    struct appservice_delivery *delivery = context;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call call = {
        .services = delivery->services,
        .db = delivery->db,
        .arena = arena,
        .error = &error,
        .commits = commit_group_create(),
    };
    int64_t wait_ms;
    enum errcode outcome = run_round(delivery, &call, &wait_ms);

    commit_group_release(call.commits);
    if (outcome == OK)
        return wait_ms;
    /* Whatever it was, nothing is lost: all of it is read again. */
    delivery->is_ours = false;
    log_warn(LOG_APPSERVICE, "Telling application services failed and will be repeated: %s",
             error.text[0] != '\0' ? error.text : errcode_default_text(outcome));
    return AFTER_FAILURE_MS;
}

struct appservice_delivery *appservice_delivery_create(const struct services *services,
                                                       const char *conninfo)
{
    struct appservice_delivery *delivery = calloc(1, sizeof(*delivery));

    if (delivery == NULL)
        abort();
    delivery->services = services;
    pthread_mutex_init(&delivery->typing_lock, NULL);
    delivery->db = db_create(conninfo);
    db_set_session(delivery->db, DB_PLANS_BY_VALUES);
    delivery->stream = delivery_stream_create();
    sender_list_init(&delivery->senders, wake, delivery);
    delivery->looper = looper_create("appservices", run, delivery);
    return delivery;
}

void appservice_delivery_start(struct appservice_delivery *delivery)
{
    looper_start(delivery->looper);
}

void appservice_delivery_stop(struct appservice_delivery *delivery)
{
    if (delivery != NULL)
        looper_stop(delivery->looper);
}

void appservice_delivery_destroy(struct appservice_delivery *delivery)
{
    if (delivery == NULL)
        return;
    looper_destroy(delivery->looper);
    sender_list_finish(&delivery->senders);
    delivery_stream_destroy(delivery->stream);
    db_destroy(delivery->db);
    pthread_mutex_destroy(&delivery->typing_lock);
    free(delivery);
}
