/* Proofs that e-mail addresses belong to who says so; see homeserver/accounts/threepids.h. */
#include "storage/email_validations.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { FORGET_EXPIRED, BEGIN, COUNT_MAILS, SET_TOKEN, SET_SENT, PROVE, TAKE };

/* clang-format off */
static const struct db_statement statements[] = {
    [FORGET_EXPIRED] = {"email_validations_forget_expired",
        "DELETE FROM email_validations WHERE expires_ts <= $1"},

    [BEGIN] = {"email_validations_begin",
        "INSERT INTO email_validations "
        "       (sid, purpose, address, client_secret, next_link, created_ts, expires_ts) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "    ON CONFLICT (address, purpose, client_secret) DO UPDATE "
        "   SET next_link = EXCLUDED.next_link "
        "RETURNING sid, send_attempt, mails_sent"},

    [COUNT_MAILS] = {"email_validations_count_mails",
        "SELECT coalesce(sum(mails_sent), 0)::bigint "
        "  FROM email_validations "
        " WHERE address = $1 AND created_ts > $2"},

    [SET_TOKEN] = {"email_validations_set_token",
        "UPDATE email_validations SET token_hash = $2, mails_sent = mails_sent + 1 WHERE sid = $1"},

    [SET_SENT] = {"email_validations_set_sent",
        "UPDATE email_validations SET send_attempt = $2 WHERE sid = $1"},

    [PROVE] = {"email_validations_prove",
        "UPDATE email_validations "
        "   SET validated_ts = coalesce(validated_ts, $3) "
        " WHERE sid = $1 AND token_hash = $2 AND expires_ts > $3 "
        "RETURNING next_link"},

    [TAKE] = {"email_validations_take",
        "DELETE FROM email_validations "
        " WHERE sid = $1 AND purpose = $2 AND client_secret = $3 AND expires_ts > $4 "
        "   AND validated_ts IS NOT NULL "
        "RETURNING address, validated_ts"},
};
STATEMENT_TABLE(email_validations, statements);
/* clang-format on */

enum errcode email_validation_begin(struct db *db, struct arena *arena,
                                    struct email_validation *validation, int64_t now_ms)
{
    struct db_rows *rows;

    TRY(db_execute(db, &statements[FORGET_EXPIRED], PARAMS(INT(now_ms)), NULL));
    TRY(db_query(db, arena, &statements[BEGIN],
                 PARAMS(TEXT(validation->sid), TEXT(validation->purpose), TEXT(validation->address),
                        TEXT(validation->client_secret), TEXT(validation->next_link),
                        INT(validation->created_ts), INT(validation->expires_ts)),
                 &rows));
    validation->sid = rows_text(rows, 0, 0);
    validation->send_attempt = rows_int(rows, 0, 1);
    validation->mails_sent = rows_int(rows, 0, 2);
    return OK;
}

enum errcode email_validation_count_mails(struct db *db, struct arena *arena, const char *address,
                                          int64_t since_ms, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT_MAILS], PARAMS(TEXT(address), INT(since_ms)), &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode email_validation_set_token(struct db *db, const char *sid, const char *token_hash)
{
    return db_execute(db, &statements[SET_TOKEN], PARAMS(TEXT(sid), TEXT(token_hash)), NULL);
}

enum errcode email_validation_set_sent(struct db *db, const char *sid, int64_t send_attempt)
{
    return db_execute(db, &statements[SET_SENT], PARAMS(TEXT(sid), INT(send_attempt)), NULL);
}

enum errcode email_validation_prove(struct db *db, struct arena *arena, const char *sid,
                                    const char *token_hash, int64_t now_ms,
                                    const char **next_link_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[PROVE], PARAMS(TEXT(sid), TEXT(token_hash), INT(now_ms)),
                 &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *next_link_out = rows_text(rows, 0, 0);
    return OK;
}

enum errcode email_validation_take(struct db *db, struct arena *arena,
                                   const struct email_validation *wanted, int64_t now_ms,
                                   const char **address_out, int64_t *validated_ts_out)
{
    struct db_rows *rows;

    TRY(db_query(
        db, arena, &statements[TAKE],
        PARAMS(TEXT(wanted->sid), TEXT(wanted->purpose), TEXT(wanted->client_secret), INT(now_ms)),
        &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *address_out = rows_text(rows, 0, 0);
    *validated_ts_out = rows_int(rows, 0, 1);
    return OK;
}
