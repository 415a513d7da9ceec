/* Transactions, one after the other, repeated until they are accepted. */
#include "homeserver/appservice/sender.h"

#include <stdlib.h>
#include <string.h>

#include "homeserver/appservice/transaction_body.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/net/http_client.h"
#include "homeserver/services.h"
#include "storage/appservices.h"
#include "storage/journal.h"

enum {
    ITEMS_PER_TRANSACTION = 100,
    TIMEOUT_MS = 60 * 1000,
    ANSWER_BYTES_MAX = 64 << 10,
    FIRST_PAUSE_MS = 500,
    PAUSE_DOUBLINGS_MAX = 9, /* 256 s */
    AFTER_ODDITY_MS = 60 * 1000,
};

void sender_list_init(struct sender_list *list, void (*wake)(void *context), void *context)
{
    *list = (struct sender_list){.wake = wake, .context = context};
    pthread_mutex_init(&list->lock, NULL);
}

void sender_list_finish(struct sender_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]->id);
        free(list->items[i]);
    }
    free(list->items);
    pthread_mutex_destroy(&list->lock);
}

static struct sender *find(const struct sender_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->id, id) == 0)
            return list->items[i];
    }
    return NULL;
}

static struct sender *find_or_add(struct sender_list *list, const char *id)
{
    struct sender *sender = find(list, id);

    if (sender != NULL)
        return sender;
    sender = calloc(1, sizeof(*sender));
    struct sender **items = reallocarray(list->items, list->count + 1, sizeof(*items));
    if (sender == NULL || items == NULL)
        abort();
    sender->list = list;
    sender->id = strdup(id);
    if (sender->id == NULL)
        abort();
    pthread_mutex_lock(&list->lock);
    list->items = items;
    list->items[list->count++] = sender;
    pthread_mutex_unlock(&list->lock);
    return sender;
}

static enum errcode read_state(struct sender *sender, struct call *call)
{
    struct appservice_state state;

    TRY(appservice_load(call->db, call->arena, sender->id, &state));
    sender->since_position = state.since_position;
    sender->txn_id = state.last_txn_id;
    sender->has_transaction = state.txn_body != NULL;
    sender->failures = state.failures;
    sender->next_try_ts = state.next_try_ts;
    sender->has_waiting = true;
    return OK;
}

static enum errcode register_all(struct call *call, const struct appservice_set *set)
{
    const char **ids = ARENA_ARRAY(call->arena, set->count, const char *);

    for (size_t i = 0; i < set->count; i++)
        ids[i] = set->items[i].id;
    return appservices_register(call->db, ids, set->count,
                                journal_position(call->services->journal));
}

enum errcode sender_list_take_over(struct sender_list *list, struct call *call,
                                   const struct appservice_set *set)
{
    TRY(register_all(call, set));
    for (size_t i = 0; i < list->count; i++)
        list->items[i]->appservice = NULL;
    memset(list->by_index, 0, sizeof(list->by_index));
    for (size_t i = 0; i < set->count; i++) {
        struct sender *sender = find_or_add(list, set->items[i].id);
        sender->appservice = &set->items[i];
        list->by_index[i] = sender;
        TRY(read_state(sender, call));
    }
    list->generation = set->generation;
    return OK;
}

bool sender_wants(const struct sender *sender, int64_t position)
{
    return sender->appservice->url != NULL && position > sender->since_position;
}

void sender_add_typing(struct sender *sender, int64_t room_nid)
{
    for (size_t i = 0; i < sender->typing_room_count; i++) {
        if (sender->typing_rooms[i] == room_nid)
            return;
    }
    if (sender->typing_room_count < SENDER_TYPING_ROOMS_MAX)
        sender->typing_rooms[sender->typing_room_count++] = room_nid;
}

bool sender_list_retry(struct sender_list *list, const char *id)
{
    struct sender *sender;
    bool is_failing;

    pthread_mutex_lock(&list->lock);
    sender = find(list, id);
    is_failing = sender != NULL && sender->outcome != OK && !sender->wants_retry;
    if (is_failing)
        sender->wants_retry = true;
    pthread_mutex_unlock(&list->lock);
    return is_failing;
}

/* On the HTTP client's thread. */
static void on_answer(void *context, enum errcode outcome, const struct http_answer *answer,
                      const char *why)
{
    struct sender *sender = context;
    struct sender_list *list = sender->list;

    pthread_mutex_lock(&list->lock);
    sender->is_answered = true;
    sender->status = outcome == OK ? answer->status : 0;
    sender->outcome = outcome;
    if (outcome == OK && (answer->status < 200 || answer->status > 299))
        sender->outcome = M_BAD_STATUS;
    snprintf(sender->why, sizeof(sender->why), "%s", why != NULL ? why : "");
    pthread_mutex_unlock(&list->lock);
    list->wake(list->context);
}

/* True when an answer came in since the last look. */
static bool take_answer(struct sender *sender)
{
    bool is_answered;

    pthread_mutex_lock(&sender->list->lock);
    is_answered = sender->is_answered;
    sender->is_answered = false;
    pthread_mutex_unlock(&sender->list->lock);
    if (is_answered)
        sender->is_under_way = false;
    return is_answered;
}

static void log_failure(const struct sender *sender, int64_t pause_ms)
{
    const char *what = sender->status != 0 ? "an error status" : sender->why;

    /* The first failure is news, the hundredth is not. */
    if (sender->failures == 1)
        log_warn(LOG_APPSERVICE,
                 "The application service %s did not accept transaction %lld (%s %d); "
                 "it is repeated until it does, the next time in %lld ms.",
                 sender->id, (long long)sender->txn_id, what, sender->status, (long long)pause_ms);
}

static enum errcode note_failure(struct sender *sender, struct call *call)
{
    int64_t doublings =
        sender->failures < PAUSE_DOUBLINGS_MAX ? sender->failures : PAUSE_DOUBLINGS_MAX;
    int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << doublings;

    /* Spec: "fall back to the older endpoints", and back again: whichever exists. */
    if (sender->status == 404 || sender->status == 405)
        sender->uses_old_path = !sender->uses_old_path;
    if (sender->uses_old_path && sender->failures == 0)
        pause_ms = 0;
    sender->failures++;
    sender->next_try_ts = clock_wall_ms() + pause_ms;
    log_failure(sender, pause_ms);
    return appservice_transaction_failed(call->db, sender->id, sender->txn_id, sender->next_try_ts);
}

static enum errcode note_success(struct sender *sender, struct call *call)
{
    TRY(appservice_transaction_done(call->db, sender->id, sender->txn_id));
    if (sender->failures > 0)
        log_info(LOG_APPSERVICE, "The application service %s accepts transactions again.",
                 sender->id);
    sender->has_transaction = false;
    sender->failures = 0;
    sender->next_try_ts = 0;
    return OK;
}

enum errcode sender_list_settle(struct sender_list *list, struct call *call)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sender *sender = list->items[i];
        /* Another node may have gone on meanwhile. */
        if (!take_answer(sender) || sender->txn_id_sent != sender->txn_id ||
            !sender->has_transaction)
            continue;
        if (sender->outcome == OK)
            TRY(note_success(sender, call));
        else if (sender->outcome == E_SHUTDOWN)
            sender->is_under_way = true; /* nothing more is sent by this process */
        else
            TRY(note_failure(sender, call));
    }
    return OK;
}

static void start(struct sender *sender, struct call *call, const char *body, size_t size)
{
    const struct appservice *appservice = sender->appservice;
    const char *path = sender->uses_old_path ? "/transactions" : "/_matrix/app/v1/transactions";
    const char *const headers[] = {
        arena_printf(call->arena, "Authorization: Bearer %s", appservice->hs_token),
        "Content-Type: application/json",
        NULL,
    };
    const struct http_call request = {
        .method = "PUT",
        .url = arena_printf(call->arena, "%s%s/%lld", appservice->url, path,
                            (long long)sender->txn_id),
        .headers = headers,
        .body = body,
        .body_size = size,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        /* The administrator named it, and most of them are neighbours. */
        .allow_private_addresses = true,
    };

    sender->is_under_way = true;
    sender->txn_id_sent = sender->txn_id;
    http_client_start(call->services->http, &request, on_answer, sender);
}

static enum errcode repeat(struct sender *sender, struct call *call)
{
    struct appservice_state state;

    TRY(appservice_load(call->db, call->arena, sender->id, &state));
    if (state.txn_body == NULL || state.last_txn_id != sender->txn_id)
        return fail(call->error, E_CONFLICT, "Another node sent the transaction.");
    start(sender, call, state.txn_body, state.txn_body_size);
    return OK;
}

static enum errcode begin(struct sender *sender, struct call *call)
{
    SCOPED(strbuf_finish) struct strbuf body;
    struct transaction_content content = {
        .appservice = sender->appservice,
        .typing_rooms = {sender->typing_rooms, sender->typing_room_count},
    };
    struct appservice_item *items;

    strbuf_init(&body, 0);
    TRY(appservice_queue(call->db, call->arena, sender->id, ITEMS_PER_TRANSACTION, &items,
                         &content.count));
    sender->has_waiting = content.count == ITEMS_PER_TRANSACTION;
    if (content.count == 0 && content.typing_rooms.count == 0)
        return OK;
    content.items = items;
    TRY(transaction_body_write(call, &content, &body));
    const struct appservice_transaction txn = {
        .appservice_id = sender->id,
        .txn_id = sender->txn_id + 1,
        .body = body.data,
        .body_size = body.length,
        .until = content.count > 0 ? items[content.count - 1].position : 0,
    };
    TRY(appservice_transaction_begin(call->db, &txn));
    sender->typing_room_count = 0;
    sender->txn_id++;
    sender->has_transaction = true;
    start(sender, call, body.data, body.length);
    return OK;
}

static bool take_retry(struct sender *sender)
{
    bool wants_retry;

    pthread_mutex_lock(&sender->list->lock);
    wants_retry = sender->wants_retry;
    sender->wants_retry = false;
    pthread_mutex_unlock(&sender->list->lock);
    return wants_retry;
}

static enum errcode send_next(struct sender *sender, struct call *call, int64_t *wait_ms)
{
    int64_t pause_ms = take_retry(sender) ? 0 : sender->next_try_ts - clock_wall_ms();

    if (sender->appservice == NULL || sender->appservice->url == NULL || sender->is_under_way)
        return OK;
    if (!sender->has_transaction && !sender->has_waiting && sender->typing_room_count == 0)
        return OK;
    if (pause_ms > 0) {
        if (pause_ms < *wait_ms)
            *wait_ms = pause_ms;
        return OK;
    }
    return sender->has_transaction ? repeat(sender, call) : begin(sender, call);
}

enum errcode sender_list_send(struct sender_list *list, struct call *call, int64_t *wait_ms_out)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sender *sender = list->items[i];
        enum errcode outcome = send_next(sender, call, wait_ms_out);
        if (outcome == E_UNAVAILABLE || outcome == E_CONFLICT)
            return outcome;
        if (outcome == OK)
            continue;
        /* One that can not be told must not keep the others waiting. */
        log_warn(LOG_APPSERVICE, "What to tell the application service %s could not be made: %s",
                 sender->id,
                 call->error->text[0] != '\0' ? call->error->text : errcode_default_text(outcome));
        sender->next_try_ts = clock_wall_ms() + AFTER_ODDITY_MS;
        sender->has_waiting = true;
    }
    return OK;
}
