/* beffroi check-config */
#include "config/config.h"
#include "config/config_load.h"
#include "config/config_report.h"
#include "config/signing_key_file.h"
#include "homeserver/base/arena.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"

/* A missing key is no mistake of the file, but the server will not start without it. */
static bool report_keys(struct invocation *invocation, const struct config *config)
{
    bool all_there = true;

    for (size_t i = 0; i < config->domain_count; i++) {
        const struct signing_key_seed *keys;
        struct error error = {0};
        size_t count;
        if (signing_key_file_read(invocation->arena, config->domains[i].signing_key_file, &error,
                                  &keys, &count) == OK)
            continue;
        command_complain("%s: %s", config->domains[i].name, error.text);
        all_there = false;
    }
    return all_there;
}

static enum exit_status run(struct invocation *invocation)
{
    bool with_keys = false;
    const struct command_option options[] = {
        {"keys", NULL, "check that the signing keys can be read, too", &with_keys, NULL},
        {0},
    };
    enum command_parse_result parsed = command_parse(invocation, options, 0, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    if (invocation->operand_count > 0)
        invocation->config_path = invocation->operands[0];
    const struct config *config = command_load_config(invocation);
    if (config == NULL)
        return EXIT_BAD_CONFIG;
    bool good = !with_keys || report_keys(invocation, config);
    if (good)
        printf("%s: no mistakes found.\n", command_config_path(invocation));
    config_free(config);
    return good ? EXIT_DONE : EXIT_BAD_CONFIG;
}

const struct command command_check_config = {
    .name = "check-config",
    .operands = "[FILE]",
    .summary = "explain mistakes in the configuration, by key and line",
    .details =
        "Reads the configuration as `serve` would, environment variables included, and lists\n"
        "every mistake with what to write instead. Changes nothing.\n"
        "\n"
        "  beffroi check-config /etc/beffroi/beffroi.yaml && systemctl reload beffroi\n",
    .run = run,
};
