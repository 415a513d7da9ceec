/* beffroi generate-config */
#include <unistd.h>

#include "config/config_load.h"
#include "config/config_report.h"
#include "homeserver/base/arena.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"

#define EXAMPLE_NAME "example.org"

/* The name is the one setting without a default; whoever gives none gets an example to edit. */
static void add_name(struct invocation *invocation, const char *server_name)
{
    const char *setting = arena_printf(invocation->arena, "domains.0.name=%s",
                                       server_name != NULL ? server_name : EXAMPLE_NAME);

    /* Before the others, so that --set wins. */
    memmove(invocation->settings + 1, invocation->settings,
            invocation->setting_count * sizeof(invocation->settings[0]));
    invocation->settings[0] = setting;
}

static enum exit_status run(struct invocation *invocation)
{
    const char *server_name = NULL;
    const char *text;
    const struct command_option options[] = {
        {"server-name", "NAME", "what stands after the colon of user IDs", NULL, &server_name},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 0, 0);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    if (invocation->config_path == NULL)
        add_name(invocation, server_name);
    const struct config_source source = {
        .path = invocation->config_path,
        .environment = (const char *const *)environ,
        .settings = invocation->settings,
    };
    struct config_report *report = config_report_create(invocation->arena);
    if (config_generate(&source, report, &text) != OK) {
        fputs(config_report_text(report, invocation->config_path), stderr);
        return EXIT_BAD_CONFIG;
    }
    fputs(text, stdout);
    return EXIT_DONE;
}

const struct command command_generate_config = {
    .name = "generate-config",
    .operands = "",
    .summary = "print a configuration file with every setting explained",
    .details = "Every setting is printed with its default. --set and environment variables change\n"
               "values; with --config an existing file is printed again, whole and with comments.\n"
               "\n"
               "  beffroi generate-config --server-name example.org > beffroi.yaml\n"
               "  beffroi generate-config --server-name example.org \\\n"
               "      --set data_directory=/srv/beffroi --set registration.mode=token\n",
    .run = run,
};
