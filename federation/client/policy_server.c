/* Asking policy servers what they think of an event. */
#include "federation/client/policy_server.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "federation/client/client_internal.h"
#include "federation/client/destination_health.h"
#include "federation/client/signed_request.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

enum {
    ANSWER_BYTES_MAX = 64 * 1024,
    ATTEMPTS_MAX = 3,
    WAIT_UNASKED_MS = 1000,
    WAIT_MAX_MS = 3000, /* between two attempts; who is told to wait longer tells the client */
};

/* Spec: what a policy server says of an event is for the client as it is; federation_fetch() put
 * the server's name before it. */
static enum errcode tell_verbatim(struct call *call, const char *server_name, enum errcode outcome)
{
    const char *text = call->error->text;
    size_t length = strlen(server_name);

    if (errcode_is_internal(outcome) || strncmp(text, server_name, length) != 0 ||
        strncmp(text + length, ": ", 2) != 0)
        return outcome;
    text = arena_strdup(call->arena, text + length + 2);
    return fail(call->error, outcome, "%s", text);
}

/* How long it wants to be left alone; 0: it does not say. Spec: 429, Retry-After in seconds; older
 * servers say `retry_after_ms`. */
static int64_t wanted_wait_ms(struct arena *arena, const struct http_answer *answer)
{
    const char *seconds = http_answer_header(answer, "Retry-After");
    json_t *json;
    int64_t ms = 0;

    if (seconds != NULL && *seconds >= '0' && *seconds <= '9')
        return strtoll(seconds, NULL, 10) * 1000;
    if (json_parse_object(arena, answer->body, answer->body_size, NULL, &json) != OK ||
        !json_get_int(json, "retry_after_ms", &ms) || ms < 0)
        return 0;
    return ms;
}

/* Busy servers get a moment, twice. */
static enum errcode fetch_patiently(struct call *call, const struct federation_request *request,
                                    json_t **out)
{
    struct http_answer answer;
    int64_t wait_ms = 0;

    for (int attempt = 1;; attempt++) {
        TRY(federation_fetch_raw(call, request, &answer));
        if (answer.status != 429)
            break;
        wait_ms = wanted_wait_ms(call->arena, &answer);
        if (attempt == ATTEMPTS_MAX || wait_ms > WAIT_MAX_MS)
            break;
        if (wait_ms == 0)
            wait_ms = WAIT_UNASKED_MS;
        nanosleep(&(struct timespec){wait_ms / 1000, wait_ms % 1000 * 1000000}, NULL);
    }
    enum errcode outcome =
        federation_read_answer(call->arena, request->destination, &answer, call->error, out);
    if (outcome == M_LIMIT_EXCEEDED && wait_ms > 0)
        error_set_int(call->error, "retry_after_ms", wait_ms);
    return outcome;
}

/* One that drops what it is sent, or whose address is looked for in vain, costs the whole time:
 * once in a while, not for every event. */
static enum errcode fetch_unless_silent(struct call *call, const struct federation_request *request,
                                        json_t **out)
{
    struct destination_health *health = call->services->federation->health;
    const int64_t began_ms = clock_wall_ms();
    int64_t until_ts = destination_health_silent_until(health, request->destination);

    if (until_ts > began_ms)
        return fail(call->error, E_TIMEOUT,
                    "%s did not answer in time; it is asked again in %lld seconds",
                    request->destination, (long long)((until_ts - began_ms) / 1000 + 1));
    enum errcode asked = fetch_patiently(call, request, out);
    const int64_t now_ms = clock_wall_ms();
    if (asked == E_TIMEOUT || (asked == E_REMOTE && now_ms - began_ms >= request->timeout_ms / 2))
        destination_health_fell_silent(health, request->destination, now_ms);
    else if (asked != E_REMOTE)
        destination_health_broke_silence(health, request->destination);
    return asked;
}

enum errcode federation_ask_policy_server(struct call *call, const struct policy_question *question,
                                          const json_t **out)
{
    const struct federation_request request = {
        .method = "POST",
        .origin = question->origin,
        .destination = question->policy_server,
        .target = "/_matrix/policy/v1/sign",
        .content = question->event,
        .timeout_ms =
            config_current(call->services->config)->federation.policy_server_timeout_seconds * 1000,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        .although_failing = true,
    };
    json_t *answer;

    enum errcode asked = fetch_unless_silent(call, &request, &answer);
    if (asked != OK)
        return tell_verbatim(call, question->policy_server, asked);
    *out = json_get_object(answer, question->policy_server);
    if (*out == NULL)
        return fail(call->error, M_FORBIDDEN, "%s did not sign the event.",
                    question->policy_server);
    return OK;
}
