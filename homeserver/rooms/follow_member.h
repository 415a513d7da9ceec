#ifndef HOMESERVER_ROOMS_FOLLOW_MEMBER_H
#define HOMESERVER_ROOMS_FOLLOW_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/call.h"

struct event;
struct journal_entry;

/* Adds to the journal entry of a join how the user is called, for searches of the user directory.
 * A local user is found by their profile: what they call themselves in one room is that room's
 * affair. */
enum errcode directory_follow_in(struct call *call, struct journal_entry *entry,
                                 const struct event *member, int64_t user_nid,
                                 bool is_local) MUST_CHECK;

#endif
