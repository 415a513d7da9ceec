#ifndef STORAGE_ACCOUNT_DATA_H
#define STORAGE_ACCOUNT_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"
#include "storage/position_range.h"

struct journal_entry;

/* Account data, global (room_nid 0) or of a room. Tags (m.tag) and read markers (m.fully_read) are
 * account data too. */
enum {
    ACCOUNT_DATA_GLOBAL = 0,
    ACCOUNT_DATA_BYTES_MAX = 64 * 1024, /* JSON text of one content */
    ACCOUNT_DATA_TYPE_BYTES_MAX = 255,
    ACCOUNT_DATA_ENTRIES_MAX = 10000, /* of one user, in all rooms */
};

struct account_data_key {
    int64_t user_nid;
    int64_t room_nid;
    const char *type;
};

struct account_data_row {
    int64_t room_nid;
    const char *type;
    const char *content; /* JSON text; `{}` when deleted */
    bool is_deleted;
    int64_t position;
};

/* M_NOT_FOUND when there is none, or it was deleted. */
enum errcode account_data_load(struct db *db, struct arena *arena,
                               const struct account_data_key *key,
                               struct account_data_row *out) MUST_CHECK;

/* Everything of a user in the range, oldest first. With since 0, an initial
 * reading, what was deleted is left out. */
enum errcode account_data_changed(struct db *db, struct arena *arena, int64_t user_nid,
                                  struct position_range range, struct account_data_row **out,
                                  size_t *count_out) MUST_CHECK;

/* Everything of a user about these rooms up to a position, deleted entries too, oldest first. */
struct account_data_rooms {
    int64_t user_nid;
    struct nid_list room_nids;
    int64_t until;
};
enum errcode account_data_of_rooms(struct db *db, struct arena *arena,
                                   const struct account_data_rooms *query,
                                   struct account_data_row **out, size_t *count_out) MUST_CHECK;

/* One type of a user's entries in all rooms; `key.room_nid` is not looked at. */
enum errcode account_data_of_type(struct db *db, struct arena *arena,
                                  const struct account_data_key *key, struct account_data_row **out,
                                  size_t *count_out) MUST_CHECK;

/* How many entries a user has. */
enum errcode account_data_count(struct db *db, struct arena *arena, int64_t user_nid,
                                int64_t *out) MUST_CHECK;

/* Adds to a journal entry. */
void account_data_set_in(struct journal_entry *entry, const struct account_data_key *key,
                         const char *content);
void account_data_delete_in(struct journal_entry *entry, const struct account_data_key *key);

/* As account_data_set_in(), for changing what was read before: E_CONFLICT at the commit unless the
 * row is still at `read_position` (0: there was none). */
void account_data_replace_in(struct journal_entry *entry, const struct account_data_key *key,
                             const char *content, int64_t read_position);

#endif
