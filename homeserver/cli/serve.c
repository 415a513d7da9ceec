/* beffroi serve */
#include <unistd.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_report.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/cli/data_directory.h"
#include "homeserver/cli/database.h"
#include "homeserver/cli/self_signed_certificate.h"
#include "homeserver/server/server.h"

/* SIGHUP: a file with mistakes leaves everything as it is. */
static const struct config *reload(void *context)
{
    const struct invocation *invocation = context;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct config_report *report = config_report_create(arena);
    const struct config_source source = {
        .path = command_config_path(invocation),
        .environment = (const char *const *)environ,
        .settings = invocation->settings,
    };
    const struct config *config;

    if (config_load(&source, report, &config) == OK)
        return config;
    for (size_t i = 0; i < report->count; i++) {
        const struct config_problem *problem = &report->problems[i];
        log_warn(LOG_SERVER, "%s, %s: %s: %s", source.path,
                 problem->where != NULL ? problem->where : "whole file",
                 problem->key != NULL ? problem->key : "-", problem->text);
    }
    log_warn(LOG_SERVER, "The configuration has mistakes and was not taken over.");
    return NULL;
}

static enum errcode serve(struct invocation *invocation, const struct config *config_owned,
                          struct error *error)
{
    SCOPED(cli_database_close) struct cli_database database = {0};
    enum errcode code = data_directory_prepare(invocation->arena, config_owned, error);

    if (code == OK)
        code = self_signed_certificate_ensure(invocation->arena, config_owned, error);
    if (code == OK)
        code = cli_database_start(config_owned, CLI_DATABASE_SERVE, error, &database);
    if (code != OK) {
        config_free(config_owned);
        return code;
    }
    const struct server_options options = {
        .config = config_owned,
        .conninfo = database.conninfo,
        .reload = reload,
        .context = invocation,
    };
    return server_run(&options, error);
}

static enum exit_status run(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 0, 0);
    struct error error = {0};

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    const struct config *config = command_load_config(invocation);
    if (config == NULL)
        return EXIT_BAD_CONFIG;
    enum errcode code = serve(invocation, config, &error);
    if (code == OK)
        return EXIT_DONE;
    command_complain("%s", error.text[0] != '\0' ? error.text : errcode_default_text(code));
    return EXIT_FAILED;
}

const struct command command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "run the server in the foreground",
    .details =
        "Starts the embedded database when one is configured, brings the schema up to date and\n"
        "serves until SIGTERM or Ctrl-C: then requests that run are finished first. SIGHUP\n"
        "reads the configuration and the certificates again. The log goes to standard error.\n"
        "\n"
        "On the very first start the signing keys are made too.\n",
    .run = run,
};
