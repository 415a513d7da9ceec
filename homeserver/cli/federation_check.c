/* beffroi federation check */
#include <inttypes.h>

#include "config/config.h"
#include "federation/client/discovery.h"
#include "federation/client/federation_client.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_keys.h"

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
};

static enum errcode find(struct check *check, struct server_route *out)
{
    struct strbuf steps;
    const char *why;

    if (!federation_allows(check->config, check->server_name, &why))
        return fail(&check->error, M_FORBIDDEN, "not called: %s", why);
    printf("1. allowed by this server's lists\n");
    strbuf_init(&steps, 0);
    enum errcode found = discovery_explain(check->discovery, check->arena, check->server_name,
                                           &steps, &check->error, out);
    printf("2. where it lives\n%s", steps.data);
    strbuf_finish(&steps);
    return found;
}

/* A request that anybody may make, without a signature. */
static enum errcode ask(struct check *check, const struct server_route *route, const char *path,
                        struct http_answer *out)
{
    const char *const headers[] = {arena_printf(check->arena, "Host: %s", route->host), NULL};
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
    return http_client_fetch(check->http, check->arena, &call, &check->error, out);
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
    TRY(ask(check, route, "/_matrix/key/v2/server", &answer));
    printf("3. it answers over TLS, with a certificate that is trusted: HTTP status %d\n",
           answer.status);
    if (answer.status != HTTP_OK)
        return fail(&check->error, E_REMOTE,
                    "asked for its keys it answers with HTTP status %d: is this the address of a "
                    "Matrix server, and does it want a client certificate "
                    "(federation.destinations)?",
                    answer.status);
    return json_parse_object(check->arena, answer.body, answer.body_size, &check->error, json_out);
}

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

/* Nothing depends on it: a server may keep it to itself. */
static void tell_software(struct check *check, const struct server_route *route)
{
    struct http_answer answer;
    struct error error = {0};
    json_t *json;

    if (ask(check, route, "/_matrix/federation/v1/version", &answer) != OK ||
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
    const struct server_keys_source source = {check->server_name, clock_wall_ms()};
    const struct server_keys *keys;
    struct server_route route;
    json_t *json;

    TRY(find(check, &route));
    TRY(fetch_keys(check, &route, &json));
    TRY(server_keys_parse(check->arena, json, &source, &check->error, &keys));
    printf("4. its signing keys are signed by themselves, for another %" PRId64 " hours\n",
           (keys->valid_until_ts - source.received_at_ms) / MS_PER_HOUR);
    for (size_t i = 0; i < keys->count; i++)
        printf("%s%s\n", keys->keys[i].key_id, keys->keys[i].key.is_expired ? ", expired" : "");
    tell_software(check, &route);
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
               "well-known file and SRV records of the other, its certificate, its signing keys.\n"
               "Stops at the first thing that does not hold. Changes nothing.\n"
               "\n"
               "  beffroi federation check example.org\n",
    .run = run,
};
