/* Services for one command. */
#include "homeserver/cli/account_session.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/token_cache.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "storage/accounts.h"
#include "storage/journal.h"

static enum errcode start_services(struct account_session *session)
{
    TRY(cli_database_open(session->config, &session->error, &session->database));
    session->services.passwords = password_hasher_create(1);
    session->services.token_cache = token_cache_create();
    session->services.journal = journal_create(session->database.conninfo);
    TRY(journal_start(session->services.journal));
    session->call.db = session->database.db;
    return OK;
}

enum exit_status account_session_open(struct invocation *invocation, struct account_session *out)
{
    *out = (struct account_session){0};
    out->call = (struct call){
        .services = &out->services,
        .arena = invocation->arena,
        .error = &out->error,
        .commits = commit_group_create(),
    };
    out->config = command_load_config(invocation);
    if (out->config == NULL)
        return EXIT_BAD_CONFIG;
    out->services.config = config_holder_create(out->config);
    enum errcode code = start_services(out);
    return code == OK ? EXIT_DONE : account_session_failed(out, code);
}

void account_session_close(struct account_session *session)
{
    if (session->call.commits == NULL)
        return;
    journal_destroy(session->services.journal);
    commit_group_release(session->call.commits);
    password_hasher_destroy(session->services.passwords);
    token_cache_destroy(session->services.token_cache);
    cli_database_close(&session->database);
    config_holder_destroy(session->services.config);
    *session = (struct account_session){0};
}

enum exit_status account_session_failed(struct account_session *session, enum errcode code)
{
    const char *text = session->error.text;

    command_complain("%s", *text != '\0' ? text : errcode_default_text(code));
    return EXIT_FAILED;
}

enum exit_status account_session_run(struct invocation *invocation, account_work work,
                                     const void *options)
{
    SCOPED(account_session_close) struct account_session session = {0};
    enum exit_status opened = account_session_open(invocation, &session);

    if (opened != EXIT_DONE)
        return opened;
    enum errcode code = work(&session, options);
    return code == OK ? EXIT_DONE : account_session_failed(&session, code);
}

enum errcode account_session_user_id(struct account_session *session, const char *name,
                                     const char **localpart_out, const char **server_name_out)
{
    const char *colon = strchr(name, ':');
    const char *localpart = name[0] == '@' ? name + 1 : name;

    if (colon == NULL) {
        *localpart_out = localpart;
        *server_name_out = session->config->domains[0].name;
        return OK;
    }
    if (!config_hosts(session->config, colon + 1))
        return fail(&session->error, M_INVALID_USERNAME,
                    "The domain \"%s\" is not hosted here: the configuration has no entry for it.",
                    colon + 1);
    *localpart_out = arena_strndup(session->call.arena, localpart, (size_t)(colon - localpart));
    *server_name_out = colon + 1;
    return OK;
}

enum errcode account_session_find(struct account_session *session, const char *name,
                                  const struct account **out)
{
    const char *localpart, *server_name;

    TRY(account_session_user_id(session, name, &localpart, &server_name));
    const char *user_id = user_id_make(session->call.arena, localpart, server_name);
    enum errcode code = account_load(session->call.db, session->call.arena, user_id, out);
    if (code == M_NOT_FOUND)
        return fail(&session->error, M_NOT_FOUND,
                    "There is no account %s. `beffroi user list` shows all.", user_id);
    return code;
}
