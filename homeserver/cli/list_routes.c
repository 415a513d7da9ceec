/* beffroi list-routes */
#include <string.h>

#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/server/routes.h"

static const char *const methods[METHOD_COUNT] = {
    [GET] = "GET",       [PUT] = "PUT",         [POST] = "POST",
    [DELETE] = "DELETE", [OPTIONS] = "OPTIONS", [HEAD] = "HEAD",
};

static const char *const accesses[] = {
    [ANYONE] = "anyone", [OPTIONAL_USER] = "anyone, token counts",
    [GUEST] = "guest",   [USER] = "user",
    [ADMIN] = "admin",   [APPSERVICE] = "appservice",
    [SERVER] = "server",
};

static const char *const limits[LIMIT_COUNT] = {
    [LIMIT_NONE] = "-",
    [LIMIT_MESSAGE] = "message",
    [LIMIT_LOGIN] = "login",
    [LIMIT_REGISTRATION] = "registration",
    [LIMIT_JOIN] = "join",
    [LIMIT_INVITE] = "invite",
    [LIMIT_THREEPID] = "threepid",
    [LIMIT_SEARCH] = "search",
    [LIMIT_MEDIA] = "media",
    [LIMIT_OTHER] = "other",
    [LIMIT_FEDERATION] = "federation",
};

static enum exit_status run(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 0, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    const char *wanted = invocation->operand_count > 0 ? invocation->operands[0] : "";
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        if (strstr(route->path, wanted) != NULL)
            printf("%-7s %-20s %-12s %s\n", methods[route->method], accesses[route->access],
                   limits[route->limit], route->path);
    }
    return EXIT_DONE;
}

const struct command command_list_routes = {
    .name = "list-routes",
    .operands = "[TEXT]",
    .summary = "show every path the server answers: method, who may call, rate limit",
    .details = "With TEXT: only paths that contain it.\n"
               "\n"
               "  beffroi list-routes /sync\n",
    .run = run,
};
