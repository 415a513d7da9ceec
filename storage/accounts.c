/*
 * Accounts of this server's own users. A row is never deleted: the name of a deactivated account
 * must not be given to somebody else.
 */
#include "storage/accounts.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"
#include "storage/users.h"

enum {
    LOAD,
    LOAD_BY_NID,
    LIST,
    INSERT,
    MARK_LOCAL,
    SET_PASSWORD,
    REPLACE_PASSWORD_HASH,
    SET_LOCKED,
    SET_SUSPENDED,
    SET_ADMIN,
    SET_ACCEPTED_TERMS,
    DEACTIVATE
};

#define ACCOUNT_COLUMNS                                                                            \
    "SELECT user_nid, users.user_id, password_hash, appservice_id, created_ts, deactivated_ts, "   \
    "       is_guest, is_admin, locked_ts IS NOT NULL, suspended_ts IS NOT NULL "                  \
    "  FROM accounts "                                                                             \
    "  JOIN users USING (user_nid) "

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"accounts_load",
        ACCOUNT_COLUMNS
        " WHERE users.user_id = $1"},

    [LOAD_BY_NID] = {"accounts_load_by_nid",
        ACCOUNT_COLUMNS
        " WHERE user_nid = $1"},

    [LIST] = {"accounts_list",
        ACCOUNT_COLUMNS
        " WHERE users.user_id > $1 "
        " ORDER BY users.user_id "
        " LIMIT $2"},

    [INSERT] = {"accounts_insert",
        "INSERT INTO accounts "
        "       (user_nid, password_hash, appservice_id, created_ts, is_guest, is_admin) "
        "VALUES ($1, $2, $3, $4, $5, $6) "
        "    ON CONFLICT (user_nid) DO NOTHING"},

    [MARK_LOCAL] = {"accounts_mark_local",
        "UPDATE users SET is_local = true WHERE user_nid = $1"},

    [SET_PASSWORD] = {"accounts_set_password",
        "UPDATE accounts SET password_hash = $2 WHERE user_nid = $1"},

    [REPLACE_PASSWORD_HASH] = {"accounts_replace_password_hash",
        "UPDATE accounts SET password_hash = $3 WHERE user_nid = $1 AND password_hash = $2"},

    [SET_LOCKED] = {"accounts_set_locked",
        "UPDATE accounts SET locked_ts = NULLIF($2::bigint, 0) WHERE user_nid = $1"},

    [SET_SUSPENDED] = {"accounts_set_suspended",
        "UPDATE accounts SET suspended_ts = NULLIF($2::bigint, 0) WHERE user_nid = $1"},

    [SET_ADMIN] = {"accounts_set_admin",
        "UPDATE accounts SET is_admin = $2 WHERE user_nid = $1"},

    [SET_ACCEPTED_TERMS] = {"accounts_set_accepted_terms",
        "UPDATE accounts SET accepted_terms = $2 WHERE user_nid = $1"},

    [DEACTIVATE] = {"accounts_deactivate",
        "UPDATE accounts "
        "   SET deactivated_ts = COALESCE(deactivated_ts, $2), "
        "       is_erased = is_erased OR $3, "
        "       password_hash = NULL, "
        "       is_admin = false "
        " WHERE user_nid = $1"},
};
STATEMENT_TABLE(accounts, statements);
/* clang-format on */

static struct account read_account(const struct db_rows *rows, size_t row)
{
    return (struct account){
        .user_nid = rows_int(rows, row, 0),
        .user_id = rows_text(rows, row, 1),
        .password_hash = rows_text(rows, row, 2),
        .appservice_id = rows_text(rows, row, 3),
        .created_ts = rows_int(rows, row, 4),
        .deactivated_ts = rows_int(rows, row, 5),
        .is_guest = rows_bool(rows, row, 6),
        .is_admin = rows_bool(rows, row, 7),
        .is_locked = rows_bool(rows, row, 8),
        .is_suspended = rows_bool(rows, row, 9),
    };
}

static enum errcode load_one(struct arena *arena, const struct db_rows *rows,
                             const struct account **out)
{
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    struct account *account = ARENA_NEW(arena, struct account);
    *account = read_account(rows, 0);
    *out = account;
    return OK;
}

enum errcode account_load(struct db *db, struct arena *arena, const char *user_id,
                          const struct account **out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(user_id)), &rows));
    return load_one(arena, rows, out);
}

enum errcode account_load_by_nid(struct db *db, struct arena *arena, int64_t user_nid,
                                 const struct account **out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_BY_NID], PARAMS(INT(user_nid)), &rows));
    return load_one(arena, rows, out);
}

enum errcode accounts_list(struct db *db, struct arena *arena, const char *after_user_id,
                           int64_t limit, const struct account **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LIST], PARAMS(TEXT(after_user_id), INT(limit)), &rows));
    size_t count = rows_count(rows);
    struct account *accounts = ARENA_ARRAY(arena, count, struct account);
    for (size_t i = 0; i < count; i++)
        accounts[i] = read_account(rows, i);
    *out = accounts;
    *count_out = count;
    return OK;
}

enum errcode account_insert(struct db *db, struct arena *arena, const struct account *account,
                            int64_t *user_nid_out)
{
    int64_t user_nid, inserted;

    TRY(user_nid_intern(db, arena, account->user_id, &user_nid));
    TRY(db_execute(db, &statements[INSERT],
                   PARAMS(INT(user_nid), TEXT(account->password_hash), TEXT(account->appservice_id),
                          INT(account->created_ts), BOOL(account->is_guest),
                          BOOL(account->is_admin)),
                   &inserted));
    if (inserted == 0)
        return M_USER_IN_USE;
    TRY(db_execute(db, &statements[MARK_LOCAL], PARAMS(INT(user_nid)), NULL));
    *user_nid_out = user_nid;
    return OK;
}

enum errcode account_set_password(struct db *db, int64_t user_nid, const char *password_hash)
{
    return db_execute(db, &statements[SET_PASSWORD], PARAMS(INT(user_nid), TEXT(password_hash)),
                      NULL);
}

enum errcode account_replace_password_hash(struct db *db, int64_t user_nid, const char *old_hash,
                                           const char *new_hash)
{
    return db_execute(db, &statements[REPLACE_PASSWORD_HASH],
                      PARAMS(INT(user_nid), TEXT(old_hash), TEXT(new_hash)), NULL);
}

void account_set_locked_in(struct journal_entry *entry, int64_t user_nid, int64_t ts)
{
    journal_entry_add(entry, &statements[SET_LOCKED], PARAMS(INT(user_nid), INT(ts)));
}

void account_set_suspended_in(struct journal_entry *entry, int64_t user_nid, int64_t ts)
{
    journal_entry_add(entry, &statements[SET_SUSPENDED], PARAMS(INT(user_nid), INT(ts)));
}

enum errcode account_set_admin(struct db *db, int64_t user_nid, bool is_admin)
{
    return db_execute(db, &statements[SET_ADMIN], PARAMS(INT(user_nid), BOOL(is_admin)), NULL);
}

enum errcode account_set_accepted_terms(struct db *db, int64_t user_nid, const char *version)
{
    return db_execute(db, &statements[SET_ACCEPTED_TERMS], PARAMS(INT(user_nid), TEXT(version)),
                      NULL);
}

enum errcode account_deactivate(struct db *db, int64_t user_nid, int64_t ts, bool erase)
{
    return db_execute(db, &statements[DEACTIVATE], PARAMS(INT(user_nid), INT(ts), BOOL(erase)),
                      NULL);
}
