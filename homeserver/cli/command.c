/* What all commands share: options, help texts, the configuration. */
#include "homeserver/cli/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/config_report.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/suggest.h"

enum { OPTIONS_MAX = 16, HELP_COLUMN = 26 };

/* The shared options as values of getopt_long(); rows of the command count from OPTION_FIRST. */
enum { OPTION_HELP = 'h', OPTION_CONFIG = 'c', OPTION_SET = 's', OPTION_FIRST = 256 };

void command_complain(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("beffroi: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static void print_option(const char *name, const char *argument, const char *help)
{
    int width =
        printf("  --%s%s%s", name, argument != NULL ? " " : "", argument != NULL ? argument : "");

    if (width >= HELP_COLUMN)
        printf("\n%*s%s\n", HELP_COLUMN, "", help);
    else
        printf("%*s%s\n", HELP_COLUMN - width, "", help);
}

static void print_help(const struct command *command, const struct command_option *options)
{
    printf("beffroi %s: %s.\n\n", command->name, command->summary);
    printf("Usage: beffroi %s [OPTIONS]%s%s\n\n", command->name,
           *command->operands != '\0' ? " " : "", command->operands);
    if (command->details != NULL)
        printf("%s\n", command->details);
    printf("Options:\n");
    for (; options->name != NULL; options++)
        print_option(options->name, options->argument, options->help);
    print_option("config", "FILE", "the configuration, instead of beffroi.yaml");
    print_option("set", "KEY=VALUE", "override a setting, such as log.level=debug; repeatable");
    print_option("help", NULL, "print this text");
}

/* getopt_long() does not say what it disliked when it was an unknown long option. */
static void explain_bad_option(const struct invocation *invocation, const struct option *known,
                               size_t known_count, int kind)
{
    const char *typed = invocation->arguments[optind - 1];
    const char *names[OPTIONS_MAX];
    const char *word = typed + strspn(typed, "-");
    size_t count = 0;

    if (kind == ':') {
        command_complain("%s needs a value. See: beffroi %s --help", typed,
                         invocation->command->name);
        return;
    }
    for (size_t i = 0; i < known_count && count < OPTIONS_MAX; i++)
        names[count++] = known[i].name;
    const char *meant =
        suggest_word(arena_strndup(invocation->arena, word, strcspn(word, "=")), names, count);
    if (meant != NULL)
        command_complain("there is no option %s. Did you mean --%s?", typed, meant);
    else
        command_complain("there is no option %s. See: beffroi %s --help", typed,
                         invocation->command->name);
}

static enum command_parse_result check_operands(struct invocation *invocation, size_t min,
                                                size_t max)
{
    const struct command *command = invocation->command;

    if (invocation->operand_count > max) {
        command_complain("\"%s\" is one argument too many. Usage: beffroi %s [OPTIONS] %s",
                         invocation->operands[max], command->name, command->operands);
        return COMMAND_WRONG;
    }
    if (invocation->operand_count < min) {
        command_complain("%s is missing. Usage: beffroi %s [OPTIONS] %s", command->operands,
                         command->name, command->operands);
        return COMMAND_WRONG;
    }
    return COMMAND_READY;
}

/* One option that getopt_long() recognised. */
static void take_option(struct invocation *invocation, const struct command_option *options,
                        int found)
{
    if (found == OPTION_CONFIG) {
        invocation->config_path = optarg;
    } else if (found == OPTION_SET) {
        invocation->settings[invocation->setting_count++] = optarg;
    } else {
        const struct command_option *option = &options[found - OPTION_FIRST];
        if (option->flag != NULL)
            *option->flag = true;
        else
            *option->value = optarg;
    }
}

enum command_parse_result command_parse(struct invocation *invocation,
                                        const struct command_option *options, size_t operands_min,
                                        size_t operands_max)
{
    struct option known[OPTIONS_MAX] = {
        {"help", no_argument, NULL, OPTION_HELP},
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"set", required_argument, NULL, OPTION_SET},
    };
    size_t count = 3;
    int found;

    for (size_t i = 0; options[i].name != NULL && count < OPTIONS_MAX - 1; i++)
        known[count++] = (struct option){
            options[i].name, options[i].argument != NULL ? required_argument : no_argument, NULL,
            OPTION_FIRST + (int)i};
    opterr = 0;
    optind = 1;
    while ((found = getopt_long(invocation->argument_count, invocation->arguments, ":hc:s:", known,
                                NULL)) != -1) {
        if (found == OPTION_HELP) {
            print_help(invocation->command, options);
            return COMMAND_HELPED;
        }
        if (found == '?' || found == ':') {
            explain_bad_option(invocation, known, count, found);
            return COMMAND_WRONG;
        }
        if (found == OPTION_SET && invocation->setting_count == SETTINGS_GIVEN_MAX) {
            command_complain("--set may be given %d times; write the rest to a file",
                             SETTINGS_GIVEN_MAX);
            return COMMAND_WRONG;
        }
        take_option(invocation, options, found);
    }
    invocation->operands = invocation->arguments + optind;
    invocation->operand_count = (size_t)(invocation->argument_count - optind);
    return check_operands(invocation, operands_min, operands_max);
}

enum exit_status command_parse_exit(enum command_parse_result result)
{
    return result == COMMAND_WRONG ? EXIT_BAD_USAGE : EXIT_DONE;
}

const char *command_config_path(const struct invocation *invocation)
{
    const char *from_environment = getenv("BEFFROI_CONFIG");

    if (invocation->config_path != NULL)
        return invocation->config_path;
    if (from_environment != NULL && *from_environment != '\0')
        return from_environment;
    if (access("beffroi.yaml", F_OK) == 0)
        return "beffroi.yaml";
    return "/etc/beffroi/beffroi.yaml";
}

const struct config *command_load_config(const struct invocation *invocation)
{
    const char *path = command_config_path(invocation);
    struct config_report *report = config_report_create(invocation->arena);
    const struct config *config = NULL;
    const struct config_source source = {
        .path = path,
        .environment = (const char *const *)environ,
        .settings = invocation->settings,
    };

    if (config_load(&source, report, &config) == OK)
        return config;
    fputs(config_report_text(report, path), stderr);
    return NULL;
}
