#ifndef STORAGE_CROSS_SIGNING_KEYS_H
#define STORAGE_CROSS_SIGNING_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;
struct journal_entry;

/* The cross-signing keys of users; `usage` is an enum cross_signing_usage. */
struct cross_signing_row {
    size_t user; /* whose: index into the users asked for */
    int usage;
    const char *public_key; /* unpadded base64 */
    const char *keys;       /* JSON text without `unsigned` */
};

enum errcode cross_signing_keys_of_users(struct db *db, struct arena *arena,
                                         const int64_t *user_nids, size_t user_count,
                                         struct cross_signing_row **out,
                                         size_t *count_out) MUST_CHECK;

/* True when a cross-signing key of the user has this public key: no device may be called so. */
enum errcode cross_signing_key_exists(struct db *db, struct arena *arena, int64_t user_nid,
                                      const char *public_key, bool *out) MUST_CHECK;

/* These add to a journal entry. */
void cross_signing_key_set_in(struct journal_entry *entry, int64_t user_nid,
                              const struct cross_signing_row *key);
void cross_signing_key_delete_in(struct journal_entry *entry, int64_t user_nid, int usage);
void cross_signing_keys_delete_of_user_in(struct journal_entry *entry, int64_t user_nid);

#endif
