/* The thread that drives all outgoing calls; see the header. */
#include "homeserver/net/http_client.h"

#include <pthread.h>
#include <strings.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/thread.h"
#include "homeserver/net/http_transfer.h"

enum {
    CONNECTIONS_MAX = 1000,        /* in all, idle ones included */
    CONNECTIONS_PER_HOST_MAX = 16, /* of HTTP/1.1; HTTP/2 needs one */
    POLL_MS = 1000,
    CA_BYTES_MAX = 4 << 20,
};

struct http_client {
    struct config_holder *config;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;
    struct http_transfer *waiting, **waiting_end; /* protected by lock */
    bool stopping;                                /* protected by lock */
    bool joined;
    /* Of the thread alone: */
    struct http_transfer *running;
    const struct config *trust_read_from;
    char *federation_ca;
};

static void finish(struct http_transfer *transfer, enum errcode outcome)
{
    const struct http_answer nothing = {.body = "", .failure = transfer->answer.failure};

    transfer->done(transfer->done_context, outcome, outcome == OK ? &transfer->answer : &nothing,
                   transfer->why[0] != '\0' ? transfer->why : errcode_default_text(outcome));
    http_transfer_destroy(transfer);
}

static void release_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static void add_file(struct strbuf *out, const char *path)
{
    SCOPED(release_file) FILE *file = fopen(path, "re");
    char piece[8192];
    size_t size;

    if (file == NULL) {
        log_error(LOG_FEDERATION, "%s can not be read: its authorities are not trusted.", path);
        return;
    }
    while ((size = fread(piece, 1, sizeof(piece), file)) > 0)
        strbuf_add(out, piece, size);
    strbuf_add_char(out, '\n');
}

/* Read once per configuration, so a reload also reads changed files. */
static const char *federation_ca(struct http_client *client, const struct config *config)
{
    struct strbuf pem;

    if (client->trust_read_from == config)
        return client->federation_ca;
    client->trust_read_from = config;
    free(client->federation_ca);
    client->federation_ca = NULL;
    if (config->federation.ca_file == NULL)
        return NULL;
    strbuf_init(&pem, CA_BYTES_MAX);
    add_file(&pem, config->federation.ca_file);
    if (config->outgoing.ca_file != NULL)
        add_file(&pem, config->outgoing.ca_file);
    client->federation_ca = strbuf_detach(&pem, NULL);
    return client->federation_ca;
}

static void begin(struct http_client *client, struct http_transfer *transfer)
{
    const struct config *config = config_current(client->config);
    const struct http_surroundings surroundings = {
        .proxy = config->outgoing.proxy,
        .ca_file = config->outgoing.ca_file,
        .federation_ca = federation_ca(client, config),
    };

    if (http_transfer_prepare(transfer, &surroundings) != OK ||
        curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
        finish(transfer, E_SYSTEM);
        return;
    }
    transfer->next = client->running;
    transfer->previous = NULL;
    if (client->running != NULL)
        client->running->previous = transfer;
    client->running = transfer;
}

static void stop_running(struct http_client *client, struct http_transfer *transfer)
{
    if (transfer->previous != NULL)
        transfer->previous->next = transfer->next;
    else
        client->running = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
    curl_multi_remove_handle(client->multi, transfer->easy);
}

/* All that waits; `stopping_out` tells whether there will be more. */
static struct http_transfer *take_waiting(struct http_client *client, bool *stopping_out)
{
    struct http_transfer *first;

    pthread_mutex_lock(&client->lock);
    first = client->waiting;
    client->waiting = NULL;
    client->waiting_end = &client->waiting;
    *stopping_out = client->stopping;
    pthread_mutex_unlock(&client->lock);
    return first;
}

static void begin_waiting(struct http_client *client, bool *stopping_out)
{
    struct http_transfer *next, *transfer = take_waiting(client, stopping_out);

    for (; transfer != NULL; transfer = next) {
        next = transfer->next;
        if (*stopping_out)
            finish(transfer, E_SHUTDOWN);
        else
            begin(client, transfer);
    }
}

static void finish_done(struct http_client *client)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        struct http_transfer *transfer;
        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) != CURLE_OK)
            abort();
        /* Before the handle leaves the multi: afterwards its answers are no longer there to ask. */
        enum errcode outcome = http_transfer_outcome(transfer, result);
        stop_running(client, transfer);
        finish(transfer, outcome);
    }
}

static void *drive(void *context)
{
    struct http_client *client = context;
    bool stopping = false;
    int running;

    while (!stopping) {
        curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
        begin_waiting(client, &stopping);
        curl_multi_perform(client->multi, &running);
        finish_done(client);
    }
    while (client->running != NULL) {
        struct http_transfer *transfer = client->running;
        stop_running(client, transfer);
        transfer->why[0] = '\0';
        finish(transfer, E_SHUTDOWN);
    }
    return NULL;
}

struct http_client *http_client_create(struct config_holder *config)
{
    struct http_client *client = calloc(1, sizeof(*client));

    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    client->config = config;
    client->waiting_end = &client->waiting;
    client->multi = curl_multi_init();
    if (client->multi == NULL)
        abort();
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_PER_HOST_MAX);
    pthread_mutex_init(&client->lock, NULL);
    if (!thread_start(&client->thread, "http-client", drive, client))
        abort();
    return client;
}

void http_client_stop(struct http_client *client)
{
    if (client->joined)
        return;
    pthread_mutex_lock(&client->lock);
    client->stopping = true;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
    pthread_join(client->thread, NULL);
    client->joined = true;
}

void http_client_destroy(struct http_client *client)
{
    if (client == NULL)
        return;
    http_client_stop(client);
    curl_multi_cleanup(client->multi);
    pthread_mutex_destroy(&client->lock);
    free(client->federation_ca);
    free(client);
    curl_global_cleanup();
}

void http_client_start(struct http_client *client, const struct http_call *call, http_done done,
                       void *context)
{
    struct http_transfer *transfer = http_transfer_create(call, done, context);
    bool stopping;

    pthread_mutex_lock(&client->lock);
    stopping = client->stopping;
    if (!stopping) {
        *client->waiting_end = transfer;
        client->waiting_end = &transfer->next;
    }
    pthread_mutex_unlock(&client->lock);
    if (stopping)
        finish(transfer, E_SHUTDOWN);
    else
        curl_multi_wakeup(client->multi);
}

/* ── Blocking use ────────────────────────────────────────────────────────────────────────────── */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done; /* protected by lock */
    enum errcode outcome;
    struct arena *arena; /* of the thread that waits, which leaves it alone meanwhile */
    struct error *error;
    struct http_answer *answer;
};

static void copy_answer(struct arena *arena, const struct http_answer *answer,
                        struct http_answer *out)
{
    struct http_header *headers = ARENA_ARRAY(arena, answer->header_count, struct http_header);

    for (size_t i = 0; i < answer->header_count; i++) {
        headers[i].name = arena_strdup(arena, answer->headers[i].name);
        headers[i].value = arena_strdup(arena, answer->headers[i].value);
    }
    *out = (struct http_answer){
        .status = answer->status,
        .body = arena_strndup(arena, answer->body, answer->body_size),
        .body_size = answer->body_size,
        .headers = headers,
        .header_count = answer->header_count,
    };
}

static void wake_waiter(void *context, enum errcode outcome, const struct http_answer *answer,
                        const char *why)
{
    struct waiter *waiter = context;

    if (outcome == OK)
        copy_answer(waiter->arena, answer, waiter->answer);
    else
        *waiter->answer = (struct http_answer){.body = "", .failure = answer->failure};
    if (outcome != OK)
        outcome = fail(waiter->error, outcome, "%s", why);
    pthread_mutex_lock(&waiter->lock);
    waiter->outcome = outcome;
    waiter->is_done = true;
    pthread_cond_signal(&waiter->done);
    pthread_mutex_unlock(&waiter->lock);
}

enum errcode http_client_fetch(struct http_client *client, struct arena *arena,
                               const struct http_call *call, struct error *error,
                               struct http_answer *out)
{
    struct waiter waiter = {.arena = arena, .error = error, .answer = out};

    pthread_mutex_init(&waiter.lock, NULL);
    pthread_cond_init(&waiter.done, NULL);
    http_client_start(client, call, wake_waiter, &waiter);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        pthread_cond_wait(&waiter.done, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_cond_destroy(&waiter.done);
    pthread_mutex_destroy(&waiter.lock);
    return waiter.outcome;
}

const char *http_answer_header(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcasecmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    }
    return NULL;
}
