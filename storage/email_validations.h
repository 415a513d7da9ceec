#ifndef STORAGE_EMAIL_VALIDATIONS_H
#define STORAGE_EMAIL_VALIDATIONS_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* A proof under way that an e-mail address belongs to whoever asks. Times are milliseconds since
 * 1970; addresses are in canonical form. */
struct email_validation {
    const char *sid;
    const char *purpose; /* "register", "password" or "account" */
    const char *address;
    const char *client_secret;
    const char *next_link; /* NULL: none */
    int64_t send_attempt;  /* 0: no mail was sent yet */
    int64_t mails_sent;
    int64_t validated_ts; /* 0: not yet */
    int64_t created_ts;
    int64_t expires_ts;
};

/* Begins one, or finds the one under way with the same purpose, address and client secret: `sid`,
 * `send_attempt` and `mails_sent` of `validation` are then that one's. Forgets expired ones. */
enum errcode email_validation_begin(struct db *db, struct arena *arena,
                                    struct email_validation *validation, int64_t now_ms) MUST_CHECK;

/* How many mails went to the address for validations that began after `since_ms`. */
enum errcode email_validation_count_mails(struct db *db, struct arena *arena, const char *address,
                                          int64_t since_ms, int64_t *out) MUST_CHECK;

/* Before a mail goes out: counts it and says which token proves the address from now on (its
 * SHA-256; NULL: none does). After it has gone out: which attempt of the client that was. */
enum errcode email_validation_set_token(struct db *db, const char *sid,
                                        const char *token_hash) MUST_CHECK;
enum errcode email_validation_set_sent(struct db *db, const char *sid,
                                       int64_t send_attempt) MUST_CHECK;

/* The link was followed; harmless when it was before. M_NOT_FOUND when the token is wrong or the
 * validation has expired. `*next_link_out` may be NULL. */
enum errcode email_validation_prove(struct db *db, struct arena *arena, const char *sid,
                                    const char *token_hash, int64_t now_ms,
                                    const char **next_link_out) MUST_CHECK;

/* Uses a proven address: each proof counts once. M_NOT_FOUND when there is no such proof. */
enum errcode email_validation_take(struct db *db, struct arena *arena,
                                   const struct email_validation *wanted, int64_t now_ms,
                                   const char **address_out, int64_t *validated_ts_out) MUST_CHECK;

#endif
