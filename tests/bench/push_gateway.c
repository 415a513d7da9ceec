/* A push gateway that only looks at its clock. Spec: push gateway API. */
#include "tests/bench/push_gateway.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"

enum { BODY_BYTES_MAX = 4096, EVENT_ID_BYTES_MAX = 255, PEM_BYTES_MAX = 65536 };

struct push_gateway {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    pthread_cond_t told;
    char event_id[EVENT_ID_BYTES_MAX + 1];
    int64_t told_at_us;
};

/* One request; what does not fit is cut off: the event's ID is at the beginning. */
struct notice {
    char body[BODY_BYTES_MAX];
    size_t size;
};

/* NULL when it can not be read. */
static const char *read_pem(struct arena *arena, const char *path)
{
    char *text = arena_alloc(arena, PEM_BYTES_MAX);
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return NULL;
    text[fread(text, 1, PEM_BYTES_MAX - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void note(struct push_gateway *gateway, struct notice *notice)
{
    static const char member[] = "\"event_id\":\"";
    int64_t now_us = clock_monotonic_us();

    notice->body[notice->size] = '\0';
    const char *start = strstr(notice->body, member);
    if (start == NULL)
        return; /* only that a count fell */
    start += sizeof(member) - 1;
    pthread_mutex_lock(&gateway->lock);
    snprintf(gateway->event_id, sizeof(gateway->event_id), "%.*s", (int)strcspn(start, "\""),
             start);
    gateway->told_at_us = now_us;
    pthread_cond_signal(&gateway->told);
    pthread_mutex_unlock(&gateway->lock);
}

static enum MHD_Result accept_all(struct MHD_Connection *connection)
{
    static char body[] = "{\"rejected\":[]}";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof(body) - 1, body, MHD_RESPMEM_PERSISTENT);

    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  UNUSED const char *target, UNUSED const char *method,
                                  UNUSED const char *version, const char *data, size_t *data_size,
                                  void **notice_of)
{
    struct notice *notice = *notice_of;

    if (notice == NULL) {
        *notice_of = calloc(1, sizeof(*notice));
        return *notice_of != NULL ? MHD_YES : MHD_NO;
    }
    if (*data_size > 0) {
        size_t room = sizeof(notice->body) - 1 - notice->size;
        size_t taken = *data_size < room ? *data_size : room;
        memcpy(notice->body + notice->size, data, taken);
        notice->size += taken;
        *data_size = 0;
        return MHD_YES;
    }
    note(context, notice);
    return accept_all(connection);
}

static void on_done(UNUSED void *context, UNUSED struct MHD_Connection *connection,
                    void **notice_of, UNUSED enum MHD_RequestTerminationCode why)
{
    free(*notice_of);
    *notice_of = NULL;
}

struct push_gateway *push_gateway_start(struct arena *arena, const char *pem_path, uint16_t port)
{
    struct push_gateway *gateway = ARENA_NEW(arena, struct push_gateway);
    const char *pem = read_pem(arena, pem_path);

    *gateway = (struct push_gateway){.told_at_us = 0};
    pthread_mutex_init(&gateway->lock, NULL);
    pthread_cond_init(&gateway->told, NULL);
    if (pem != NULL)
        gateway->daemon = MHD_start_daemon(
            MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, port, NULL, NULL, on_request, gateway,
            MHD_OPTION_HTTPS_MEM_CERT, pem, MHD_OPTION_HTTPS_MEM_KEY, pem,
            MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_END);
    if (gateway->daemon == NULL) {
        fprintf(stderr, "beffroi-bench: no gateway with %s on port %u\n", pem_path, port);
        return NULL;
    }
    return gateway;
}

void push_gateway_stop(struct push_gateway *gateway)
{
    MHD_stop_daemon(gateway->daemon);
    pthread_cond_destroy(&gateway->told);
    pthread_mutex_destroy(&gateway->lock);
}

bool push_gateway_wait(struct push_gateway *gateway, const char *event_id, int64_t timeout_ms,
                       int64_t *told_at_us_out)
{
    struct timespec until;
    int waited = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    pthread_mutex_lock(&gateway->lock);
    while (waited == 0 && strcmp(gateway->event_id, event_id) != 0)
        waited = pthread_cond_timedwait(&gateway->told, &gateway->lock, &until);
    bool told = strcmp(gateway->event_id, event_id) == 0;
    *told_at_us_out = gateway->told_at_us;
    pthread_mutex_unlock(&gateway->lock);
    return told;
}
