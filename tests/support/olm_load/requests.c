/* HTTP of the load client. */
#include "tests/support/olm_load/requests.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"

enum { PATIENCE_MS = 180000, REQUEST_MS = 60000, PAUSE_MS = 100 };

struct request_counts request_counts;

static size_t add_piece(char *bytes, size_t size, size_t count, void *context)
{
    strbuf_add(context, bytes, size * count);
    return size * count;
}

void connection_open(struct connection *connection, const char *base_url, const char *token)
{
    *connection = (struct connection){curl_easy_init(), base_url, token};
    if (connection->curl == NULL)
        abort();
}

void connection_close(struct connection *connection)
{
    curl_easy_cleanup(connection->curl);
}

static struct curl_slist *headers_of(const struct connection *connection, struct arena *arena)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    return curl_slist_append(headers,
                             arena_printf(arena, "Authorization: Bearer %s", connection->token));
}

static void prepare(const struct connection *connection, struct arena *arena, const char *path,
                    long timeout_ms, struct strbuf *answer)
{
    CURL *curl = connection->curl;

    curl_easy_reset(curl); /* keeps the connection */
    curl_easy_setopt(curl, CURLOPT_URL, arena_printf(arena, "%s%s", connection->base_url, path));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, add_piece);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
}

/* The status; 0 when there was no whole answer. */
static long attempt(const struct connection *connection, const char *method, const char *path,
                    const char *body, struct strbuf *answer)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct curl_slist *headers = headers_of(connection, arena);
    CURL *curl = connection->curl;
    long status = 0;

    prepare(connection, arena, path, REQUEST_MS, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    atomic_fetch_add(&request_counts.sent, 1);
    return status;
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

    nanosleep(&pause, NULL);
}

static json_t *answer_or_end(const char *method, const char *path, long status,
                             const struct strbuf *answer)
{
    json_t *json = status == 200 ? json_loadb(answer->data, answer->length, 0, NULL) : NULL;

    if (json == NULL) {
        fprintf(stderr, "olm_load: %s %s: %ld %.300s\n", method, path, status, answer->data);
        exit(1);
    }
    return json;
}

json_t *request_until_answered(const struct connection *connection, const char *method,
                               const char *path, const json_t *body)
{
    int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    json_t *json = NULL;

    while (json == NULL) {
        SCOPED(strbuf_finish) struct strbuf answer;
        strbuf_init(&answer, 0);
        long status = attempt(connection, method, path, text, &answer);
        bool may_repeat = status == 0 || status >= 500 || status == 429;
        if (!may_repeat || clock_monotonic_ms() > give_up_ms) {
            json = answer_or_end(method, path, status, &answer);
        } else {
            atomic_fetch_add(&request_counts.repeated, 1);
            pause_a_little();
        }
    }
    free(text);
    return json;
}

void request_abort(const struct connection *connection, const char *path, long patience_ms)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct curl_slist *headers = headers_of(connection, arena);
    SCOPED(strbuf_finish) struct strbuf answer;

    strbuf_init(&answer, 0);
    prepare(connection, arena, path, patience_ms, &answer);
    curl_easy_setopt(connection->curl, CURLOPT_HTTPHEADER, headers);
    if (curl_easy_perform(connection->curl) != CURLE_OK)
        atomic_fetch_add(&request_counts.aborted, 1);
    curl_slist_free_all(headers);
}
