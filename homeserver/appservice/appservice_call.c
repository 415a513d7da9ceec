/* Requests to application services that somebody waits for. */
#include "homeserver/appservice/appservice_call.h"

#include <ctype.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/room_aliases.h"

enum { TIMEOUT_MS = 10 * 1000, ANSWER_BYTES_MAX = 1 << 20, BODY_SHOWN_BYTES = 200 };

static const char *percent_encode(struct arena *arena, const char *text)
{
    struct strbuf out;
    char *copy;

    strbuf_init(&out, 0);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (isalnum(c) || strchr("-._~", c) != NULL)
            strbuf_add_char(&out, (char)c);
        else
            strbuf_printf(&out, "%%%02X", c);
    }
    copy = arena_strdup(arena, out.data);
    strbuf_finish(&out);
    return copy;
}

struct question {
    const char *method;
    const char *path; /* with the query string */
    const char *body; /* JSON or NULL */
};

static enum errcode ask(struct call *call, const struct appservice *appservice,
                        const struct question *question, struct http_answer *out)
{
    const char *const headers[] = {
        arena_printf(call->arena, "Authorization: Bearer %s", appservice->hs_token),
        "Content-Type: application/json",
        NULL,
    };
    const struct http_call request = {
        .method = question->method,
        .url = arena_printf(call->arena, "%s%s", appservice->url, question->path),
        .headers = headers,
        .body = question->body,
        .body_size = question->body != NULL ? strlen(question->body) : 0,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        .allow_private_addresses = true,
    };

    return http_client_fetch(call->services->http, call->arena, &request, call->error, out);
}

/* The same at the path of before there were versions, when the present one is not known. */
static bool ask_either(struct call *call, const struct appservice *appservice, const char *path,
                       const char *old_path, struct http_answer *out)
{
    const struct question question = {.method = "GET", .path = path};
    const struct question old_question = {.method = "GET", .path = old_path};

    if (appservice->url == NULL || ask(call, appservice, &question, out) != OK)
        return false;
    if (out->status == 404 || out->status == 405) {
        struct http_answer old;
        if (ask(call, appservice, &old_question, &old) == OK && old.status == 200)
            *out = old;
    }
    return out->status == 200;
}

enum errcode appservice_ping(struct call *call, const struct appservice *appservice,
                             const char *transaction_id, int64_t *duration_ms_out)
{
    json_t *body =
        json_on_arena(call->arena, json_pack("{s:s*}", "transaction_id", transaction_id));
    const char *text = json_compact(call->arena, body);
    const struct question question = {
        .method = "POST", .path = "/_matrix/app/v1/ping", .body = text};
    int64_t started_ms = clock_monotonic_ms();
    struct http_answer answer;

    if (appservice->url == NULL)
        return M_URL_NOT_SET;
    enum errcode asked = ask(call, appservice, &question, &answer);
    if (asked == E_TIMEOUT)
        return fail(call->error, M_CONNECTION_TIMEOUT,
                    "The application service did not answer in time.");
    if (asked == E_REMOTE)
        return M_CONNECTION_FAILED;
    TRY(asked);
    if (answer.status < 200 || answer.status > 299) {
        error_set_int(call->error, "status", answer.status);
        error_set_string(
            call->error, "body",
            arena_strndup(call->arena, answer.body, strnlen(answer.body, BODY_SHOWN_BYTES)));
        return fail(call->error, M_BAD_STATUS, "The application service answered %d.",
                    answer.status);
    }
    *duration_ms_out = clock_monotonic_ms() - started_ms;
    return OK;
}

static bool offer(struct call *call, const struct appservice *appservice, const char *kind,
                  const char *name)
{
    const char *encoded = percent_encode(call->arena, name);
    struct http_answer answer;

    return ask_either(call, appservice,
                      arena_printf(call->arena, "/_matrix/app/v1/%s/%s", kind, encoded),
                      arena_printf(call->arena, "/%s/%s", kind, encoded), &answer);
}

bool appservices_offer_user(struct call *call, const char *user_id)
{
    const struct appservice_set *set = appservices_current(call->services->appservices);
    bool is_made = false;

    for (size_t i = 0; i < set->count && !is_made; i++) {
        if (namespaces_match(set->items[i].users, user_id))
            is_made = offer(call, &set->items[i], "users", user_id);
    }
    error_clear(call->error);
    return is_made;
}

static bool offer_alias(struct call *call, const char *alias)
{
    const struct appservice_set *set = appservices_current(call->services->appservices);
    bool is_made = false;

    for (size_t i = 0; i < set->count && !is_made; i++) {
        if (namespaces_match(set->items[i].aliases, alias))
            is_made = offer(call, &set->items[i], "rooms", alias);
    }
    error_clear(call->error);
    return is_made;
}

enum errcode appservices_find_alias(struct call *call, const char *alias, struct room_alias *out)
{
    enum errcode found = room_alias_load(call->db, call->arena, alias, out);

    if (found != M_NOT_FOUND || !offer_alias(call, alias))
        return found;
    return room_alias_load(call->db, call->arena, alias, out);
}

static bool speaks(const struct appservice *appservice, const char *protocol)
{
    for (size_t i = 0; i < appservice->protocol_count; i++) {
        if (protocol == NULL || strcmp(appservice->protocols[i], protocol) == 0)
            return true;
    }
    return false;
}

const char *network_instance_id(struct arena *arena, const char *appservice_id,
                                const char *network_id)
{
    return arena_printf(arena, "%s|%s", appservice_id, network_id);
}

/* Spec: third_party_lookup.yaml: the server adds `instance_id` to what the application service
 * says. */
static void name_instances(struct arena *arena, const struct appservice *appservice,
                           json_t *protocol)
{
    json_t *instance;
    size_t i;

    json_array_foreach (json_get_array(protocol, "instances"), i, instance) {
        const char *network_id = json_get_string(instance, "network_id");

        if (network_id != NULL)
            json_object_set_new(
                instance, "instance_id",
                json_string(network_instance_id(arena, appservice->id, network_id)));
    }
}

static void query_one(struct call *call, const struct appservice *appservice,
                      const struct third_party_query *query, json_t *answers)
{
    const char *what = arena_printf(
        call->arena, "thirdparty/%s%s%s%s%s", query->kind, query->protocol != NULL ? "/" : "",
        query->protocol != NULL ? percent_encode(call->arena, query->protocol) : "",
        query->fields != NULL ? "?" : "", query->fields != NULL ? query->fields : "");
    struct http_answer answer;
    json_t *json;

    if (!ask_either(call, appservice, arena_printf(call->arena, "/_matrix/app/v1/%s", what),
                    arena_printf(call->arena, "/_matrix/app/unstable/%s", what), &answer) ||
        json_parse(call->arena, answer.body, answer.body_size, call->error, &json) != OK)
        return;
    if (strcmp(query->kind, "protocol") != 0)
        json_array_extend(answers, json); /* does nothing unless it is a list */
    else if (json_is_object(json)) {
        name_instances(call->arena, appservice, json);
        json_array_append(answers, json);
    }
}

bool appservices_query_third_party(struct call *call, const struct third_party_query *query,
                                   json_t *answers)
{
    const struct appservice_set *set = appservices_current(call->services->appservices);
    bool is_known = false;

    for (size_t i = 0; i < set->count; i++) {
        if (!speaks(&set->items[i], query->protocol))
            continue;
        is_known = true;
        query_one(call, &set->items[i], query, answers);
    }
    error_clear(call->error);
    return is_known;
}
