#ifndef STORAGE_PRESENCE_H
#define STORAGE_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"
#include "storage/position_range.h"

struct journal_entry;

enum presence_state {
    PRESENCE_OFFLINE = 0,
    PRESENCE_UNAVAILABLE = 1,
    PRESENCE_ONLINE = 2,
};

struct presence_row {
    int64_t user_nid;
    const char *user_id; /* filled when read */
    enum presence_state state;
    const char *status_msg; /* NULL: none */
    int64_t last_active_ts; /* ms */
    bool currently_active;
    int64_t node; /* which process looks after the timeouts; 0: another server does */
    int64_t position;
};

/* "online" …; false for another text. */
bool presence_state_parse(const char *text, enum presence_state *out);
const char *presence_state_text(enum presence_state state);

/* M_NOT_FOUND when the user was never present. */
enum errcode presence_load(struct db *db, struct arena *arena, int64_t user_nid,
                           struct presence_row *out) MUST_CHECK;

/* What a viewer is to be told of other users: who shares a room with them and changed in the range
 * (with since 0: who is not offline), and who is not offline and shares one of `rooms` since then:
 * those who came into it in the range, or all members when it was the viewer who came. */
struct presence_query {
    int64_t viewer_nid;
    struct position_range range;
    struct nid_list rooms;
};

/* Oldest change first, at most PRESENCE_CHANGES_MAX. */
enum { PRESENCE_CHANGES_MAX = 5000 };
enum errcode presence_changed(struct db *db, struct arena *arena,
                              const struct presence_query *query, struct presence_row **out,
                              size_t *count_out) MUST_CHECK;

/* Changes of local users in the range, at most its limit, for the federation sender. */
enum errcode presence_to_federate(struct db *db, struct arena *arena, struct position_range range,
                                  struct presence_row **out, size_t *count_out) MUST_CHECK;

/* Adds to a journal entry. */
void presence_set_in(struct journal_entry *entry, const struct presence_row *row);

/* As above, but the status message stays what it is. */
void presence_set_state_in(struct journal_entry *entry, const struct presence_row *row);

/* … and only while `row->node` still looks after the user. */
void presence_time_out_in(struct journal_entry *entry, const struct presence_row *row);

/* Tells the other processes that this one is alive, and forgets those that were not seen since
 * `dead_before_ts`. */
enum errcode presence_node_seen(struct db *db, int64_t node, int64_t now_ms,
                                int64_t dead_before_ts) MUST_CHECK;

/* Local users who are not offline and whom no living process looks after. */
enum errcode presence_orphans(struct db *db, struct arena *arena, struct presence_row **out,
                              size_t *count_out) MUST_CHECK;

#endif
