#ifndef STORAGE_KEY_SIGNATURES_H
#define STORAGE_KEY_SIGNATURES_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;
struct journal_entry;

/* Signatures that were added to keys after their upload. A key is named by its device's ID, or is a
 * cross-signing key and named by its public key. */
struct key_signature {
    size_t user; /* whose key was signed: index into the users asked for */
    const char *target_id;
    const char *signer; /* user ID */
    const char *signer_key_id;
    const char *signature;
};

/* All signatures of these users' keys that were made by themselves or by the viewer. */
struct key_signature_query {
    int64_t viewer_nid;
    const int64_t *user_nids;
    size_t user_count;
};
enum errcode key_signatures_load(struct db *db, struct arena *arena,
                                 const struct key_signature_query *query,
                                 struct key_signature **out, size_t *count_out) MUST_CHECK;

/* Adds to a journal entry. The signer sees it as a change of the signed user's keys. */
struct new_key_signature {
    int64_t target_nid;
    const char *target_id;
    int64_t signer_nid;
    const char *signer_key_id;
    const char *signature;
};
void key_signature_add_in(struct journal_entry *entry, const struct new_key_signature *signature);

/* Forgets what was signed by or of these keys of the user: they end, or become others. */
void key_signatures_forget_in(struct journal_entry *entry, int64_t user_nid,
                              const char *const *key_ids, size_t count);
void key_signatures_delete_of_user_in(struct journal_entry *entry, int64_t user_nid);

#endif
