/* Many requests to other servers at once; see the header. */
#include "federation/client/fetch_many.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/thread.h"
#include "homeserver/services.h"

enum { ROUTE_THREADS_MAX = 16 };

/* What one question waits for. The answer is copied on the HTTP client's thread, which has no
 * business on the call's arena. */
struct pending {
    struct federation_question *question;
    struct asking *asking;
    bool needs_route, is_started;
    enum errcode outcome;
    int status;
    char *body; /* malloc'ed */
    size_t body_size;
    char why[256];
};

struct asking {
    struct call *call;
    struct pending *pending;
    size_t count;
    pthread_mutex_t lock; /* protects what follows */
    pthread_cond_t news;
    size_t under_way;
    size_t next_route; /* index of the next question to look at */
    int64_t routes_until_ms;
};

static void release_asking(struct asking *asking)
{
    for (size_t i = 0; i < asking->count; i++)
        free(asking->pending[i].body);
    pthread_cond_destroy(&asking->news);
    pthread_mutex_destroy(&asking->lock);
}

/* On the HTTP client's thread. */
static void answered(void *context, enum errcode outcome, const struct http_answer *answer,
                     const char *why)
{
    struct pending *pending = context;
    struct asking *asking = pending->asking;

    pending->outcome = outcome;
    pending->status = answer->status;
    snprintf(pending->why, sizeof(pending->why), "%s", why != NULL ? why : "");
    if (outcome == OK) {
        pending->body = malloc(answer->body_size + 1);
        if (pending->body == NULL)
            abort();
        memcpy(pending->body, answer->body, answer->body_size);
        pending->body[answer->body_size] = '\0';
        pending->body_size = answer->body_size;
    }
    pthread_mutex_lock(&asking->lock);
    asking->under_way--;
    pthread_cond_signal(&asking->news);
    pthread_mutex_unlock(&asking->lock);
}

static void note(struct pending *pending, enum errcode outcome, const char *why)
{
    pending->outcome = outcome;
    snprintf(pending->why, sizeof(pending->why), "%s", why);
}

static void start(struct pending *pending)
{
    struct asking *asking = pending->asking;
    struct error error = {0};

    pthread_mutex_lock(&asking->lock);
    asking->under_way++;
    pthread_mutex_unlock(&asking->lock);
    enum errcode started = federation_start(asking->call->services->federation,
                                            &pending->question->request, &error, answered, pending);
    pending->needs_route = started == E_UNAVAILABLE;
    pending->is_started = started == OK;
    if (started == OK)
        return;
    pthread_mutex_lock(&asking->lock);
    asking->under_way--;
    pthread_mutex_unlock(&asking->lock);
    note(pending, started == E_UNAVAILABLE ? E_TIMEOUT : started, error.text);
}

static bool is_repeated(const struct asking *asking, size_t place)
{
    const char *destination = asking->pending[place].question->request.destination;

    for (size_t i = 0; i < place; i++) {
        const struct pending *other = &asking->pending[i];
        if (other->needs_route && strcmp(other->question->request.destination, destination) == 0)
            return true;
    }
    return false;
}

static struct pending *next_without_route(struct asking *asking)
{
    struct pending *found = NULL;

    pthread_mutex_lock(&asking->lock);
    while (found == NULL && asking->next_route < asking->count &&
           clock_monotonic_ms() < asking->routes_until_ms) {
        size_t place = asking->next_route++;
        if (asking->pending[place].needs_route && !is_repeated(asking, place))
            found = &asking->pending[place];
    }
    pthread_mutex_unlock(&asking->lock);
    return found;
}

static void *find_routes(void *context)
{
    struct asking *asking = context;
    struct pending *pending;

    while ((pending = next_without_route(asking)) != NULL) {
        struct error error = {0};
        enum errcode found = federation_find_route(asking->call->services->federation,
                                                   pending->question->request.destination, &error);
        if (found != OK)
            note(pending, found, error.text);
    }
    return NULL;
}

/* Looking for a server blocks: some threads share the servers that have not been met before. */
static void find_all_routes(struct asking *asking)
{
    pthread_t threads[ROUTE_THREADS_MAX];
    size_t wanted = 0, started = 0;

    for (size_t i = 0; i < asking->count; i++)
        wanted += asking->pending[i].needs_route && !is_repeated(asking, i) ? 1 : 0;
    if (wanted == 0)
        return;
    asking->routes_until_ms = clock_monotonic_ms() + FEDERATION_TIMEOUT_MS;
    while (started + 1 < wanted && started < ROUTE_THREADS_MAX &&
           thread_start(&threads[started], "fed-routes", find_routes, asking))
        started++;
    (void)find_routes(asking);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

static enum errcode start_all(struct asking *asking)
{
    struct call *call = asking->call;
    int64_t retry_ts;

    for (size_t i = 0; i < asking->count; i++) {
        struct pending *pending = &asking->pending[i];
        const struct federation_request *request = &pending->question->request;
        TRY(federation_retry_ts(call->services->federation, call->db, request->destination,
                                &retry_ts));
        if (!request->although_failing && retry_ts > clock_wall_ms())
            note(pending, E_REMOTE, "It does not answer; it will be tried again later.");
        else
            start(pending);
    }
    find_all_routes(asking);
    for (size_t i = 0; i < asking->count; i++) {
        if (asking->pending[i].needs_route)
            start(&asking->pending[i]);
    }
    return OK;
}

static void wait_for_all(struct asking *asking)
{
    pthread_mutex_lock(&asking->lock);
    while (asking->under_way > 0)
        pthread_cond_wait(&asking->news, &asking->lock);
    pthread_mutex_unlock(&asking->lock);
}

static enum errcode read_one(struct asking *asking, struct pending *pending)
{
    struct call *call = asking->call;
    struct federation_question *question = pending->question;
    const char *destination = question->request.destination;
    const struct http_answer answer = {
        .status = pending->status, .body = pending->body, .body_size = pending->body_size};
    struct error error = {0};

    if (pending->outcome == E_SHUTDOWN)
        return E_SHUTDOWN;
    if (pending->is_started)
        TRY(federation_note_health(call->services->federation, call->db, destination,
                                   federation_is_unwell(pending->outcome, pending->status)
                                       ? federation_why_unwell(call->arena, pending->why,
                                                               pending->outcome, pending->status)
                                       : NULL));
    question->outcome = pending->outcome;
    if (pending->outcome == OK)
        question->outcome =
            federation_read_answer(call->arena, destination, &answer, &error, &question->answer);
    else
        snprintf(error.text, sizeof(error.text), "%s: %s", destination, pending->why);
    question->why = arena_strdup(call->arena, error.text);
    return OK;
}

enum errcode federation_fetch_many(struct call *call, struct federation_question *questions,
                                   size_t count)
{
    SCOPED(release_asking)
    struct asking asking = {
        .call = call,
        .pending = ARENA_ARRAY(call->arena, count, struct pending),
        .count = count,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .news = PTHREAD_COND_INITIALIZER,
    };

    for (size_t i = 0; i < count; i++)
        asking.pending[i] = (struct pending){.question = &questions[i], .asking = &asking};
    enum errcode started = start_all(&asking);
    wait_for_all(&asking);
    TRY(started);
    for (size_t i = 0; i < count; i++)
        TRY(read_one(&asking, &asking.pending[i]));
    return OK;
}
