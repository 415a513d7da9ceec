#ifndef HOMESERVER_CLI_COMMANDS_H
#define HOMESERVER_CLI_COMMANDS_H

/* Every command, one per file; main.c lists them. */
struct command;

extern const struct command command_check_config;
extern const struct command command_generate_config;
extern const struct command command_generate_key;

#endif
