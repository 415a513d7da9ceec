#ifndef HOMESERVER_PUSH_PUSH_AUDIENCE_H
#define HOMESERVER_PUSH_PUSH_AUDIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/protocol/push_rules.h"

/*
 * The local members of a room who have rules of their own that may concern its events, with these
 * rules parsed: what evaluating a message needs, so that most messages need no query. Kept per room
 * until its state or anybody's rules change.
 */
struct push_audiences;
struct push_audiences *push_audiences_create(void);
void push_audiences_destroy(struct push_audiences *audiences);

/* Somebody's rules, or list of ignored users, changed and are committed. NULL is allowed. */
void push_audiences_forget(struct push_audiences *audiences);

/* Has the journal call the above when this entry is committed. */
struct journal_entry;
void push_audiences_forget_after(struct push_audiences *audiences, struct journal_entry *entry);

struct map;
struct push_member {
    int64_t user_nid;
    const char *user_id;
    const char *display_name; /* or NULL */
    const struct push_rules *rules;
    const struct map *scopes; /* of rules and ignored users, as in storage/push_rules.h */
};

/* Immutable. */
struct push_audience {
    const struct push_member *members;
    size_t count;
};

/* The audience of a room in the state of `snapshot_nid`, or, when that is 0 because the state is
 * not committed yet, as the database has it now. Borrowed from the call. */
struct push_room {
    int64_t room_nid;
    const char *room_id;
    int64_t snapshot_nid;
};
enum errcode push_audience_load(struct call *call, const struct push_room *room,
                                const struct push_audience **out) MUST_CHECK;

#endif
