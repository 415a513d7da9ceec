/* Asking policy servers what they think of an event. */
#include "federation/client/policy_server.h"

#include <string.h>

#include "federation/client/signed_request.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"

enum { TIMEOUT_MS = 10 * 1000, ANSWER_BYTES_MAX = 64 * 1024 };

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

enum errcode federation_ask_policy_server(struct call *call, const struct policy_question *question,
                                          const json_t **out)
{
    const struct federation_request request = {
        .method = "POST",
        .origin = question->origin,
        .destination = question->policy_server,
        .target = "/_matrix/policy/v1/sign",
        .content = question->event,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
    };
    json_t *answer;

    enum errcode asked = federation_fetch(call, &request, &answer);
    if (asked != OK)
        return tell_verbatim(call, question->policy_server, asked);
    *out = json_get_object(answer, question->policy_server);
    if (*out == NULL)
        return fail(call->error, E_REMOTE, "%s answered without a signature",
                    question->policy_server);
    return OK;
}
