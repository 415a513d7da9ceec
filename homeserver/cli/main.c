/* The program: finds the command, runs it. */
#include "config/config_override.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/suggest.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/commands.h"
#include "homeserver/protocol/room_version.h"

struct command_group {
    const char *title;
    const struct command *const *commands;
};

static const struct command *const setup_commands[] = {
    &command_generate_config, &command_check_config, &command_generate_key,
    &command_migrate,         &command_serve,        NULL,
};

static const struct command *const user_commands[] = {
    &command_user_create,
    &command_user_set_password,
    &command_user_deactivate,
    &command_user_list,
    NULL,
};

static const struct command *const media_commands[] = {
    &command_media_migrate,      &command_media_list,
    &command_media_stats,        &command_media_quarantine,
    &command_media_unquarantine, &command_media_protect,
    &command_media_unprotect,    &command_media_delete,
    &command_media_clean,        NULL,
};

static const struct command *const inside_commands[] = {
    &command_bench,
    &command_federation_check,
    &command_federation_destinations,
    &command_federation_retry,
    &command_list_routes,
    &command_state_resets,
    &command_verify_room,
    NULL,
};

static const struct command_group groups[] = {
    {"To run a server", setup_commands},
    {"To look after accounts, whether the server runs or not", user_commands},
    {"To look after media", media_commands},
    {"To look inside", inside_commands},
};

enum { COMMANDS_MAX = 64, COMMAND_WORDS_MAX = 2 };

static void print_overview(void)
{
    printf("Beffroi is a Matrix homeserver: people sign in with a Matrix client, open rooms and\n"
           "write to each other.\n"
           "\n"
           "Usage: beffroi COMMAND [OPTIONS]\n");
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        printf("\n%s:\n", groups[i].title);
        for (const struct command *const *c = groups[i].commands; *c != NULL; c++)
            printf("  %-19s %s\n", (*c)->name, (*c)->summary);
    }
    printf(
        "\n`beffroi COMMAND --help` explains one command.\n"
        "\n"
        "First steps on a new machine:\n"
        "  beffroi generate-config --server-name example.org > beffroi.yaml\n"
        "  beffroi serve                      # in one terminal\n"
        "  beffroi user create anna --admin   # in another\n"
        "\n"
        "Files:\n"
        "  The configuration is the first of --config FILE, $BEFFROI_CONFIG, ./beffroi.yaml and\n"
        "  /etc/beffroi/beffroi.yaml. Everything the server keeps is in its data_directory\n"
        "  (/var/lib/beffroi unless configured): back that up.\n"
        "\n"
        "Environment:\n"
        "  BEFFROI_CONFIG             the configuration file\n"
        "  " CONFIG_ENVIRONMENT_PREFIX "section__key      overrides any setting, such as\n"
        "                             " CONFIG_ENVIRONMENT_PREFIX "log__level=debug\n"
        "\n"
        "Exit status:\n"
        "  0 done   1 failed   2 wrong command line   3 wrong configuration\n");
}

/* Those of proposals, which come last in the table, are nothing to count on. */
static const char *last_stable_version(void)
{
    size_t last = room_version_count - 1;

    while (room_versions[last].is_unstable)
        last--;
    return room_versions[last].id;
}

static void print_version(void)
{
    printf("beffroi " BEFFROI_VERSION "\n"
           "Matrix v1.19, room versions %s to %s (default " ROOM_VERSION_DEFAULT ")\n"
           "Apache License 2.0, without any warranty\n",
           room_versions[0].id, last_stable_version());
}

/* How many of the words are the command's name; 0 when it is another one. */
static int words_matched(const struct command *command, int count, char **words)
{
    char name[64];
    int used = 0;

    snprintf(name, sizeof(name), "%s", command->name);
    for (char *part = name, *next; part != NULL; part = next) {
        next = strchr(part, ' ');
        if (next != NULL)
            *next++ = '\0';
        if (used == count || strcmp(words[used], part) != 0)
            return 0;
        used++;
    }
    return used;
}

static const struct command *find_command(int count, char **words, int *used_out)
{
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        for (const struct command *const *c = groups[i].commands; *c != NULL; c++) {
            *used_out = words_matched(*c, count, words);
            if (*used_out > 0)
                return *c;
        }
    }
    return NULL;
}

/* "beffroi user": the commands that begin with this word. */
static bool print_family(const char *word)
{
    size_t length = strlen(word);
    bool any = false;

    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        for (const struct command *const *c = groups[i].commands; *c != NULL; c++) {
            if (strncmp((*c)->name, word, length) != 0 || (*c)->name[length] != ' ')
                continue;
            printf("%s  beffroi %-19s %s\n", any ? "" : "Usage:\n", (*c)->name, (*c)->summary);
            any = true;
        }
    }
    return any;
}

static void explain_unknown(struct arena *arena, int count, char **words)
{
    const char *names[COMMANDS_MAX];
    size_t name_count = 0;
    const char *typed = words[0];

    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        for (const struct command *const *c = groups[i].commands; *c != NULL; c++)
            names[name_count++] = (*c)->name;
    }
    const char *meant = NULL;
    if (count > 1)
        meant = suggest_word(arena_printf(arena, "%s %s", words[0], words[1]), names, name_count);
    if (meant != NULL)
        typed = arena_printf(arena, "%s %s", words[0], words[1]);
    else
        meant = suggest_word(words[0], names, name_count);
    if (meant != NULL)
        command_complain("there is no command \"%s\". Did you mean `beffroi %s`?", typed, meant);
    else
        command_complain("there is no command \"%s\". `beffroi --help` lists all.", typed);
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static enum exit_status run(struct arena *arena, int count, char **words)
{
    int used = 0;

    if (count == 0) {
        print_overview();
        return EXIT_BAD_USAGE;
    }
    if (is_one_of(words[0], "--help", "-h", "help") && count == 1) {
        print_overview();
        return EXIT_DONE;
    }
    if (is_one_of(words[0], "--version", "-V", "version")) {
        print_version();
        return EXIT_DONE;
    }
    char *help[COMMAND_WORDS_MAX + 2] = {words[0], count > 1 ? words[1] : NULL, NULL, NULL};
    if (strcmp(words[0], "help") == 0) { /* "help serve" is "serve --help" */
        static char help_option[] = "--help";
        int length = count - 1 > COMMAND_WORDS_MAX ? COMMAND_WORDS_MAX : count - 1;
        for (int i = 0; i < length; i++)
            help[i] = words[i + 1];
        help[length] = help_option;
        words = help;
        count = length + 1;
    }
    const struct command *command = find_command(count, words, &used);
    if (command == NULL) {
        bool only_family = count == 1 || words[1][0] == '-';
        if (only_family && print_family(words[0]))
            return count == 1 ? EXIT_BAD_USAGE : EXIT_DONE;
        explain_unknown(arena, count, words);
        return EXIT_BAD_USAGE;
    }
    struct invocation invocation = {
        .command = command,
        .arena = arena,
        .argument_count = count - used + 1, /* getopt_long() skips the first */
        .arguments = words + used - 1,
    };
    return command->run(&invocation);
}

int main(int argc, char **argv)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    enum exit_status status = run(arena, argc - 1, argv + 1);

    /* A full disk or a closed pipe must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        command_complain("the output could not be written");
        return EXIT_FAILED;
    }
    return (int)status;
}
