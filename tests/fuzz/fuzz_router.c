/*
 * A path, and the rest of the input as an X-Forwarded-For header: parameters lie within the path,
 * decoded they are UTF-8 without NUL and not longer; a client address is an address.
 */
#include <arpa/inet.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/utf8.h"
#include "homeserver/http/client_ip.h"
#include "homeserver/http/percent.h"
#include "homeserver/http/router.h"
#include "tests/fuzz/fuzz.h"

/* clang-format off */
static const struct route routes[] = {
    {GET,  "/",                                 NULL, ANYONE, LIMIT_NONE, NO_BODY, 0},
    {GET,  "/rooms/{roomId}/state",             NULL, ANYONE, LIMIT_NONE, NO_BODY, 0},
    {GET,  "/rooms/{roomId}/state/{type}/{key}", NULL, ANYONE, LIMIT_NONE, NO_BODY, 0},
    {GET,  "/rooms/{roomId}/state/special/x/y", NULL, ANYONE, LIMIT_NONE, NO_BODY, 0},
    {POST, "/rooms/new",                        NULL, ANYONE, LIMIT_NONE, NO_BODY, 0},
    {PUT,  "/files/{path...}",                  NULL, ANYONE, LIMIT_NONE, NO_BODY, 0},
};
/* clang-format on */

static void check_param(struct arena *arena, const struct route_param *param, const char *path,
                        size_t length)
{
    MUST(param->value >= path && param->value + param->value_length <= path + length);
    const char *decoded = percent_decode(arena, param->value, param->value_length, false);
    if (decoded == NULL)
        return;
    MUST(strlen(decoded) <= param->value_length);
    MUST(utf8_is_valid(decoded, strlen(decoded)));
}

static void check_path(struct arena *arena, const char *path, size_t length)
{
    struct router *router = router_create(routes, COUNT_OF(routes));
    struct route_match match;

    for (enum http_method method = 0; method <= METHOD_COUNT; method++) {
        router_match(router, method, path, length, &match);
        MUST(match.route == NULL || match.path_is_known);
        for (size_t i = 0; i < match.param_count; i++)
            check_param(arena, &match.params[i], path, length);
    }
    router_destroy(router);
}

static void check_forwarded(const char *header)
{
    static const char *const trusted[] = {"10.0.0.0/8", "::1", "2001:db8::/33"};
    unsigned char bytes[16];
    char out[INET6_ADDRSTRLEN];

    client_ip_resolve("::1", header, trusted, COUNT_OF(trusted), out);
    MUST(inet_pton(AF_INET, out, bytes) == 1 || inet_pton(AF_INET6, out, bytes) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    char *text = arena_strndup(arena, (const char *)data, size);
    size_t length = strcspn(text, "\n");

    check_path(arena, text, length);
    if (text[length] == '\n')
        check_forwarded(text + length + 1);
    return 0;
}
