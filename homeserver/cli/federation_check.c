/* beffroi federation check */
#include <inttypes.h>

#include "config/config.h"
#include "federation/client/discovery.h"
#include "federation/client/federation_client.h"
#include "federation/client/signed_request.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/request_auth.h"
#include "homeserver/protocol/server_keys.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/server/domain_keys.h"

enum {
    HTTP_OK = 200,
    TIMEOUT_MS = 15 * 1000,
    ANSWER_BYTES_MAX = 256 * 1024,
    MS_PER_HOUR = 60 * 60 * 1000
};

struct check {
    const struct config *config;
    struct http_client *http;
    struct discovery *discovery;
    struct arena *arena;
    const char *server_name;
    struct error error;
    const char *advice; /* what to do about the error; NULL: nothing that is known */
};

/* What a tired administrator should look at. */
static const char *const advice_for[] = {
    [HTTP_FAILURE_OTHER] =
        "Is this the address of a Matrix server? Its administrators see in their "
        "log whether the request came in.",
    [HTTP_FAILURE_NAME] = "Is the name spelled correctly? No name server that this machine asks "
                          "knows it; `getent hosts` repeats the question.",
    [HTTP_FAILURE_CONNECT] =
        "Nobody listens there, or a firewall refuses: the other server's "
        "listener with tls_certificate, and the way to it, need a look. If it "
        "lives at another port, its well-known file or SRV record must say so.",
    [HTTP_FAILURE_ADDRESS] =
        "For servers in your own network set federation.allow_private_addresses "
        "to true.",
    [HTTP_FAILURE_CERTIFICATE] = "The certificate must be made out for that name, be in time, and "
                                 "come from an authority that "
                                 "is trusted here: one of the system's, or of federation.ca_file "
                                 "or federation.destinations. "
                                 "`openssl s_client -connect` shows it.",
    [HTTP_FAILURE_TIME] =
        "No answer at all: a firewall that drops packets, or a server that hangs.",
};

/* What it says may be any text, and goes to a terminal. */
static const char *printable(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);

    for (char *c = copy; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    return copy;
}

static enum errcode find(struct check *check, struct server_route *out)
{
    struct strbuf steps;
    const char *why;

    if (!server_name_is_valid(check->server_name)) {
        check->advice = "Write it as it stands after the colon of a user ID: no https://, no path.";
        return fail(&check->error, M_INVALID_PARAM, "this is not a server name");
    }
    if (!federation_allows(check->config, check->server_name, &why)) {
        check->advice =
            "To talk to it, change that setting and reload the server (SIGHUP); the other "
            "server must allow this one too.";
        return fail(&check->error, M_FORBIDDEN, "not called: %s", why);
    }
    printf("1. allowed by this server's lists\n");
    strbuf_init(&steps, 0);
    enum errcode found = discovery_explain(check->discovery, check->arena, check->server_name,
                                           &steps, &check->error, out);
    printf("2. where it lives\n%s", steps.data);
    strbuf_finish(&steps);
    return found;
}

/* `authorization`: a header; NULL for what anybody may ask, without a signature. */
static enum errcode ask(struct check *check, const struct server_route *route, const char *path,
                        const char *authorization, struct http_answer *out)
{
    const char *const headers[] = {arena_printf(check->arena, "Host: %s", route->host),
                                   authorization, NULL};
    struct http_call call = {
        .method = "GET",
        .url = arena_printf(check->arena, "%s%s", route->base_url, path),
        .headers = headers,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        .allow_private_addresses = check->config->federation.allow_private_addresses,
        .trust = HTTP_TRUST_FEDERATION,
        .connect_to = route->connect_to,
    };

    federation_set_tls(check->config, check->server_name, &call);
    enum errcode outcome = http_client_fetch(check->http, check->arena, &call, &check->error, out);
    if (outcome == OK)
        return OK;
    check->advice = advice_for[out->failure];
    if (out->failure != HTTP_FAILURE_CERTIFICATE)
        return outcome;
    const char *why = arena_strdup(check->arena, check->error.text);
    return fail(&check->error, outcome, "its certificate is not accepted: %s", why);
}

static void tell_certificates(const struct check *check)
{
    struct http_call call = {0};

    federation_set_tls(check->config, check->server_name, &call);
    if (call.ca_file != NULL)
        printf("   only the authorities of %s are trusted\n", call.ca_file);
    if (call.client_certificate != NULL)
        printf("   we show the client certificate %s\n", call.client_certificate);
}

static enum errcode fetch_keys(struct check *check, const struct server_route *route,
                               json_t **json_out)
{
    struct http_answer answer;

    tell_certificates(check);
    TRY(ask(check, route, "/_matrix/key/v2/server", NULL, &answer));
    printf("3. it answers over TLS, with a certificate that is trusted: HTTP status %d\n",
           answer.status);
    check->advice = "Is this the address of a Matrix server? If it lives elsewhere, its well-known "
                    "file or SRV record must say so.";
    if (answer.status != HTTP_OK)
        return fail(&check->error, E_REMOTE,
                    "asked for its keys it answers with HTTP status %d: is this the address of a "
                    "Matrix server, and does it want a client certificate "
                    "(federation.destinations)?",
                    answer.status);
    if (json_parse_object(check->arena, answer.body, answer.body_size, NULL, json_out) != OK)
        return fail(&check->error, E_REMOTE,
                    "asked for its keys it answers with something else (a web page?)");
    check->advice = NULL;
    return OK;
}

static enum errcode check_keys(struct check *check, json_t *json)
{
    const struct server_keys_source source = {check->server_name, clock_wall_ms()};
    const struct server_keys *keys;

    check->advice =
        "Only the administrators of that server can mend this: their server's name, its "
        "signing key and its clock.";
    TRY(server_keys_parse(check->arena, json, &source, &check->error, &keys));
    int64_t hours = (keys->valid_until_ts - source.received_at_ms) / MS_PER_HOUR;
    if (keys->valid_until_ts <= source.received_at_ms)
        return fail(&check->error, E_REMOTE,
                    "its signing keys are out of date since %" PRId64
                    " hours: nothing that it signs "
                    "is believed",
                    -hours);
    printf("4. its signing keys are signed by themselves, for another %" PRId64 " hours\n", hours);
    for (size_t i = 0; i < keys->count; i++)
        printf("%s%s\n", keys->keys[i].key_id, keys->keys[i].key.is_expired ? ", expired" : "");
    check->advice = NULL;
    return OK;
}

/* A question that needs a signature, and to which there is no answer. */
static enum errcode ask_signed(struct check *check, const struct server_route *route,
                               const struct domain_key *own, struct http_answer *out)
{
    const struct signed_request request = {
        .method = "GET",
        .uri = federation_target(
            check->arena, "/_matrix/federation/v1/query/directory?room_alias=%s",
            arena_printf(check->arena, "#beffroi-federation-check:%s", check->server_name)),
        .origin = own->server_name,
        .destination = check->server_name,
    };
    const char *value = request_auth_build(check->arena, &request, &own->key);

    if (value == NULL)
        return E_SYSTEM;
    return ask(check, route, request.uri, arena_printf(check->arena, "Authorization: %s", value),
               out);
}

/* Whether the other server takes our word: it must find us, trust our certificate, and allow us. */
static enum errcode check_acceptance(struct check *check, const struct server_route *route)
{
    struct domain_key *own;
    struct http_answer answer;
    struct error unread = {0};
    json_t *json;

    if (domain_keys_read(check->arena, check->config, &unread, &own) != OK) {
        printf("6. whether it accepts this server is not known: %s\n", unread.text);
        return OK;
    }
    TRY(ask_signed(check, route, own, &answer));
    if (answer.status != 401 && answer.status != 403) {
        printf("6. it accepts what %s signs\n", own->server_name);
        return OK;
    }
    const char *why = "no reason given";
    if (json_parse_object(check->arena, answer.body, answer.body_size, NULL, &json) == OK &&
        json_get_string(json, "error") != NULL)
        why = printable(check->arena, json_get_string(json, "error"));
    check->advice = answer.status == 403
                        ? "Its administrators have to allow this server."
                        : "It could not get the keys of this server: run this command there, with "
                          "the name of this server.";
    return fail(&check->error, E_REMOTE, "it does not accept %s: %s", own->server_name, why);
}

/* Nothing depends on it: a server may keep it to itself. */
static void tell_software(struct check *check, const struct server_route *route)
{
    struct http_answer answer;
    struct error error = {0};
    json_t *json;

    if (ask(check, route, "/_matrix/federation/v1/version", NULL, &answer) != OK ||
        json_parse_object(check->arena, answer.body, answer.body_size, &error, &json) != OK)
        return;
    const json_t *server = json_get_object(json, "server");
    const char *name = json_get_string(server, "name");
    const char *version = json_get_string(server, "version");
    if (name != NULL && version != NULL)
        printf("5. it says that it is %s %s\n", printable(check->arena, name),
               printable(check->arena, version));
}

static enum errcode run_check(struct check *check)
{
    struct server_route route;
    json_t *json;

    TRY(find(check, &route));
    TRY(fetch_keys(check, &route, &json));
    TRY(check_keys(check, json));
    tell_software(check, &route);
    TRY(check_acceptance(check, &route));
    printf("%s can be talked to.\n", check->server_name);
    return OK;
}

static enum exit_status run(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 1, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    const struct config *config = command_load_config(invocation);
    if (config == NULL)
        return EXIT_BAD_CONFIG;
    struct config_holder *holder = config_holder_create(config);
    struct check check = {
        .config = config,
        .http = http_client_create(holder),
        .arena = invocation->arena,
        .server_name = invocation->operands[0],
    };
    check.discovery = discovery_create(holder, check.http);
    enum errcode outcome = run_check(&check);
    if (outcome != OK)
        command_complain("%s: %s", check.server_name,
                         check.error.text[0] != '\0' ? check.error.text
                                                     : errcode_default_text(outcome));
    if (outcome != OK && check.advice != NULL)
        fprintf(stderr, "%s\n", check.advice);
    discovery_destroy(check.discovery);
    http_client_destroy(check.http);
    config_holder_destroy(holder);
    return outcome == OK ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_federation_check = {
    .name = "federation check",
    .operands = "SERVER",
    .summary = "explain step by step how another server is reached",
    .details = "Goes the way that a request to that server goes: the lists of this server, the\n"
               "well-known file and SRV records of the other, its certificate, its signing keys,\n"
               "and whether it accepts this server (for that it must be able to reach it).\n"
               "Stops at the first thing that does not hold. Changes nothing.\n"
               "\n"
               "  beffroi federation check example.org\n",
    .run = run,
};
