#ifndef HOMESERVER_CLI_COMMAND_H
#define HOMESERVER_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/compiler.h"

struct arena;
struct config;

/* What a shell sees. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,     /* the command could not do its work */
    EXIT_BAD_USAGE = 2,  /* the command line is wrong */
    EXIT_BAD_CONFIG = 3, /* the configuration is wrong or missing */
};

struct invocation;

struct command {
    const char *name;     /* "serve", "user create" */
    const char *operands; /* "NAME", "[NAME…]"; "" for none */
    const char *summary;  /* one line, no full stop */
    const char *details;  /* paragraphs and examples for `--help`, each line ending in \n */
    enum exit_status (*run)(struct invocation *invocation);
};

enum { SETTINGS_GIVEN_MAX = 64 };

/* One call of one command. */
struct invocation {
    const struct command *command;
    struct arena *arena;
    int argument_count; /* after the command's name */
    char **arguments;
    /* Filled by command_parse(): */
    char **operands;
    size_t operand_count;
    const char *config_path;
    const char *settings[SETTINGS_GIVEN_MAX + 2]; /* of --set; room for one of ours and a NULL */
    size_t setting_count;
};

/* An option of a command: a flag, or one that takes a value. The same table parses and explains. */
struct command_option {
    const char *name;
    const char *argument; /* what stands for the value in the help; NULL for a flag */
    const char *help;
    bool *flag;
    const char **value;
};

enum command_parse_result {
    COMMAND_READY,
    COMMAND_HELPED, /* --help was printed: end with EXIT_DONE */
    COMMAND_WRONG   /* explained on standard error: end with EXIT_BAD_USAGE */
};

/* Reads options and operands; `operands_max` limits the latter, `operands_min` are needed.
 * --config, --set and --help need no row. `options` ends with a row without a name. */
enum command_parse_result command_parse(struct invocation *invocation,
                                        const struct command_option *options, size_t operands_min,
                                        size_t operands_max) MUST_CHECK;

/* The exit status for a result other than COMMAND_READY. */
enum exit_status command_parse_exit(enum command_parse_result result);

/* The file to read: --config, then $BEFFROI_CONFIG, ./beffroi.yaml, /etc/beffroi/beffroi.yaml. */
const char *command_config_path(const struct invocation *invocation);

/* Loads the configuration with all overrides; explains its mistakes on standard error.
 * NULL after a failure. The caller calls config_free(). */
const struct config *command_load_config(const struct invocation *invocation);

/* A sentence on standard error, with the program's name before it. */
void command_complain(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
