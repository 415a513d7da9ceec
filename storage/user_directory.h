#ifndef STORAGE_USER_DIRECTORY_H
#define STORAGE_USER_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

struct journal_entry;

/* Users as others find them. */
struct directory_user {
    int64_t user_nid;
    const char *user_id;
    const char *display_name; /* or NULL */
    const char *avatar_url;   /* or NULL */
};

/* Adds to the journal entry of a join. The folded texts are in folded case; `name_folded` is NULL
 * when there is no display name. */
struct directory_texts {
    const char *localpart_folded;
    const char *name_folded;
};
void user_directory_set_in(struct journal_entry *entry, const struct directory_user *user,
                           const struct directory_texts *texts);

/* Those whom the viewer may find: who share a room with them, or are in a room that everybody may
 * join or read. Each word of `term` (case-folded) begins a word of their name or localpart. Exact
 * names first, then those that begin so, then the rest. */
struct user_search {
    int64_t viewer_nid;
    const char *term;
    int64_t limit;
};
enum errcode user_directory_search(struct db *db, struct arena *arena,
                                   const struct user_search *search, struct directory_user **out,
                                   size_t *count_out) MUST_CHECK;

#endif
