#ifndef HOMESERVER_CLI_ACCOUNT_SESSION_H
#define HOMESERVER_CLI_ACCOUNT_SESSION_H

#include "homeserver/call.h"
#include "homeserver/cli/command.h"
#include "homeserver/cli/database.h"
#include "homeserver/services.h"

struct account;

/*
 * What commands about accounts work with: the services of a server, without a server. To a server
 * that runs on the same database this is one more node.
 */
struct account_session {
    const struct config *config;
    struct cli_database database;
    struct services services;
    struct error error;
    struct call call;
};

/* Loads the configuration and opens everything; explains failures on standard error. */
enum exit_status account_session_open(struct invocation *invocation,
                                      struct account_session *out) MUST_CHECK;

/* What a command does in a session; `options` are its own. */
typedef enum errcode (*account_work)(struct account_session *session, const void *options);

/* Opens a session, works in it and closes it; explains failures on standard error. */
enum exit_status account_session_run(struct invocation *invocation, account_work work,
                                     const void *options) MUST_CHECK;

/* For SCOPED(); a zeroed struct is allowed. */
void account_session_close(struct account_session *session);

/* Says on standard error why a call failed, and gives the exit status for it. */
enum exit_status account_session_failed(struct account_session *session, enum errcode code);

/* "anna" or "@anna:example.org" as a user ID of a hosted domain; the first one when none is named.
 * M_INVALID_USERNAME with a sentence when the domain is not hosted here. */
enum errcode account_session_user_id(struct account_session *session, const char *name,
                                     const char **localpart_out,
                                     const char **server_name_out) MUST_CHECK;

/* The account with that name; a sentence when there is none. */
enum errcode account_session_find(struct account_session *session, const char *name,
                                  const struct account **out) MUST_CHECK;

#endif
