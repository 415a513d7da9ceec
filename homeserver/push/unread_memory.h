#ifndef HOMESERVER_PUSH_UNREAD_MEMORY_H
#define HOMESERVER_PUSH_UNREAD_MEMORY_H

#include "homeserver/call.h"
#include "storage/push_actions.h"

/*
 * Unread counts of users who sync, as of some position: what came since is added from the events
 * that are in memory, so telling a waiting client of a message asks the database nothing. Immutable
 * counts with a limit in bytes; what is forgotten is counted again. Thread-safe.
 */
struct unread_memory;

struct unread_memory *unread_memory_create(size_t limit_bytes);
void unread_memory_destroy(struct unread_memory *memory);

struct unread_question {
    int64_t user_nid;
    int64_t room_nid;
    /* Since then nothing but new events of the timeline has changed the counts: the user set no
     * receipt and was joined. What was counted before it is not used. */
    int64_t reliable_from;
    bool is_wanted; /* otherwise counts that are known are only brought up to date */
};

/* As unread_counts() for the wanted rooms, in the order of the questions; all of one user. */
enum errcode unread_recall(struct call *call, const struct unread_question *questions, size_t count,
                           int64_t until, struct unread_count **out, size_t *count_out) MUST_CHECK;

#endif
