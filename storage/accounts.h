#ifndef STORAGE_ACCOUNTS_H
#define STORAGE_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;
struct journal_entry;

/* An account that lives here. Times are milliseconds since 1970, 0 when it did not happen. */
struct account {
    int64_t user_nid;
    const char *user_id;
    const char *password_hash; /* NULL: no login by password */
    const char *appservice_id; /* NULL: not made by an application service */
    int64_t created_ts;
    int64_t deactivated_ts;
    bool is_guest;
    bool is_admin;
    bool is_locked;
    bool is_suspended;
};

/* M_NOT_FOUND when no account has, or had, this user ID. */
enum errcode account_load(struct db *db, struct arena *arena, const char *user_id,
                          const struct account **out) MUST_CHECK;
enum errcode account_load_by_nid(struct db *db, struct arena *arena, int64_t user_nid,
                                 const struct account **out) MUST_CHECK;

/* At most `limit` accounts whose user IDs come after `after_user_id` ("" for the first ones), in
 * the order of their bytes; deactivated ones too. */
enum errcode accounts_list(struct db *db, struct arena *arena, const char *after_user_id,
                           int64_t limit, const struct account **out, size_t *count_out) MUST_CHECK;

/* Makes the account and interns its user ID; M_USER_IN_USE when the name is, or was, taken.
 * Reads of `account`: user_id, password_hash, appservice_id, created_ts, is_guest, is_admin. */
enum errcode account_insert(struct db *db, struct arena *arena, const struct account *account,
                            int64_t *user_nid_out) MUST_CHECK;

/* NULL takes the password away. */
enum errcode account_set_password(struct db *db, int64_t user_nid,
                                  const char *password_hash) MUST_CHECK;

/* Replaces the hash only if it is still `old_hash`: for rehashing behind the user's back. */
enum errcode account_replace_password_hash(struct db *db, int64_t user_nid, const char *old_hash,
                                           const char *new_hash) MUST_CHECK;

/* `ts` 0 unlocks or resumes. Through the journal, so that open syncs wake up and notice. */
void account_set_locked_in(struct journal_entry *entry, int64_t user_nid, int64_t ts);
void account_set_suspended_in(struct journal_entry *entry, int64_t user_nid, int64_t ts);

enum errcode account_set_admin(struct db *db, int64_t user_nid, bool is_admin) MUST_CHECK;
enum errcode account_set_accepted_terms(struct db *db, int64_t user_nid,
                                        const char *version) MUST_CHECK;

/* Takes password and administrator rights away and marks the account as gone. */
enum errcode account_deactivate(struct db *db, int64_t user_nid, int64_t ts, bool erase) MUST_CHECK;

#endif
