/* beffroi migrate */
#include "config/config.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/cli/data_directory.h"
#include "homeserver/cli/database.h"

static enum errcode bring_up_to_date(struct invocation *invocation, const struct config *config,
                                     struct error *error)
{
    SCOPED(cli_database_close) struct cli_database database = {0};

    TRY(data_directory_prepare(invocation->arena, config, error));
    return cli_database_open(config, error, &database);
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
    enum errcode code = bring_up_to_date(invocation, config, &error);
    config_free(config);
    if (code != OK) {
        command_complain("%s", error.text[0] != '\0' ? error.text : errcode_default_text(code));
        return EXIT_FAILED;
    }
    printf("The database is up to date.\n");
    return EXIT_DONE;
}

const struct command command_migrate = {
    .name = "migrate",
    .operands = "",
    .summary = "bring the database up to date",
    .details =
        "`serve` does this too when it starts; run it by hand to see an upgrade through before\n"
        "users are back. It may be interrupted at any time and repeated. Make a backup first:\n"
        "there is no way back.\n",
    .run = run,
};
