/* beffroi generate-key */
#include "config/config.h"
#include "config/signing_key_file.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/error.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/cli/data_directory.h"

/* Makes one key; an existing one is good news unless it was asked for by name. */
static bool make_key(struct invocation *invocation, const char *path, bool may_exist)
{
    struct error error = {0};
    const char *version;
    enum errcode code = signing_key_file_create(invocation->arena, path, &error, &version);

    if (code == OK) {
        printf("%s: new key ed25519:%s. Keep a copy in a safe place.\n", path, version);
        return true;
    }
    if (code == E_CONFLICT && may_exist) {
        printf("%s: is there already and stays as it is.\n", path);
        return true;
    }
    command_complain("%s", error.text);
    return false;
}

static enum exit_status make_configured_keys(struct invocation *invocation)
{
    const struct config *config = command_load_config(invocation);
    struct error error = {0};
    bool good = true;

    if (config == NULL)
        return EXIT_BAD_CONFIG;
    if (data_directory_create(config, &error) != OK) {
        command_complain("%s", error.text);
        good = false;
    }
    for (size_t i = 0; good && i < config->domain_count; i++)
        good = make_key(invocation, config->domains[i].signing_key_file, true);
    config_free(config);
    return good ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_status run(struct invocation *invocation)
{
    const struct command_option options[] = {{0}};
    enum command_parse_result parsed = command_parse(invocation, options, 0, 1);

    if (parsed != COMMAND_READY)
        return command_parse_exit(parsed);
    if (invocation->operand_count == 0)
        return make_configured_keys(invocation);
    return make_key(invocation, invocation->operands[0], false) ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_generate_key = {
    .name = "generate-key",
    .operands = "[FILE]",
    .summary = "make the private keys that sign what this server says",
    .details =
        "Without FILE: one key for every domain of the configuration that has none yet.\n"
        "With FILE: a key in that file. A key is never overwritten: other servers know this\n"
        "one by it.\n",
    .run = run,
};
