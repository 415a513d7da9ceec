#ifndef STORAGE_PUSH_RULES_H
#define STORAGE_PUSH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/* Push rules as users changed them, and whom an event concerns because of that. */

/* Scope of the rules that may concern any event. */
#define PUSH_SCOPE_ANY ""
/* Scope prefix of ignored users: `ignore:@user:domain`. */
#define PUSH_SCOPE_IGNORE "ignore:"

struct push_rules_row {
    const char *rules; /* JSON text; NULL: the user changed nothing */
    int64_t position;  /* 0: no row */
};

/* OK also when there is no row. */
enum errcode push_rules_load(struct db *db, struct arena *arena, int64_t user_nid,
                             struct push_rules_row *out) MUST_CHECK;

/* Adds to a journal entry: the rules and their scopes. E_CONFLICT at the commit unless the row is
 * still at `read_position` (0: there was none). */
struct push_rules_change {
    int64_t user_nid;
    const char *rules;
    const char *const *scopes;
    size_t scope_count;
    int64_t read_position;
};
void push_rules_replace_in(struct journal_entry *entry, const struct push_rules_change *change);

/* Adds to a journal entry: whom the user ignores now, as scopes with their prefix. */
void push_ignored_replace_in(struct journal_entry *entry, int64_t user_nid,
                             const char *const *scopes, size_t count);

/* Local members of the room who are in `mentioned`, or subscribed to the thread (NULL: none), and
 * `invited` (NULL: nobody), member or not. Without the sender. */
struct push_named {
    int64_t user_nid;
    const char *user_id;
    const char *rules; /* JSON text, NULL: predefined ones alone */
    bool ignores_sender;
    bool is_subscribed; /* to the thread */
};
struct push_named_query {
    int64_t room_nid;
    int64_t sender_nid;
    const char *ignore_scope;     /* PUSH_SCOPE_IGNORE and the sender */
    const char *const *mentioned; /* user IDs */
    size_t mentioned_count;
    const char *invited;
    const char *thread_root; /* event ID */
};
enum errcode push_named_users(struct db *db, struct arena *arena,
                              const struct push_named_query *query, struct push_named **out,
                              size_t *count_out) MUST_CHECK;

/* The local members of a room whose rules, or ignored users, may concern its events: all those with
 * scopes that are not about another room. */
struct push_listener {
    int64_t user_nid;
    const char *user_id;
    const char *rules;        /* JSON text, NULL: predefined ones alone */
    const char *display_name; /* JSON string, NULL: none */
    const char **scopes;
    size_t scope_count;
};
enum errcode push_listeners(struct db *db, struct arena *arena, int64_t room_nid,
                            const char *room_id, struct push_listener **out,
                            size_t *count_out) MUST_CHECK;

/* Local users with rules about this room. */
enum errcode push_rules_users_of_room(struct db *db, struct arena *arena, const char *room_id,
                                      struct nid_list *user_nids_out) MUST_CHECK;

#endif
