#ifndef HOMESERVER_CLI_COMMANDS_H
#define HOMESERVER_CLI_COMMANDS_H

/* Every command, one per file; main.c lists them. */
struct command;

extern const struct command command_bench;
extern const struct command command_check_config;
extern const struct command command_federation_check;
extern const struct command command_federation_destinations;
extern const struct command command_federation_retry;
extern const struct command command_generate_config;
extern const struct command command_generate_key;
extern const struct command command_list_routes;
extern const struct command command_media_clean;
extern const struct command command_media_delete;
extern const struct command command_media_list;
extern const struct command command_media_migrate;
extern const struct command command_media_protect;
extern const struct command command_media_quarantine;
extern const struct command command_media_stats;
extern const struct command command_media_unprotect;
extern const struct command command_media_unquarantine;
extern const struct command command_migrate;
extern const struct command command_serve;
extern const struct command command_state_resets;
extern const struct command command_user_create;
extern const struct command command_user_deactivate;
extern const struct command command_user_list;
extern const struct command command_user_set_password;
extern const struct command command_verify_room;

#endif
