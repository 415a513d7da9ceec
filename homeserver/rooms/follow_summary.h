#ifndef HOMESERVER_ROOMS_FOLLOW_SUMMARY_H
#define HOMESERVER_ROOMS_FOLLOW_SUMMARY_H

#include <stdint.h>

#include "homeserver/call.h"

struct event;
struct journal_entry;

/*
 * Keeps a room's summary (storage/room_summaries.h) true: adds to a journal entry what an event
 * says that becomes the room's state, be it new, resolved or redacted. Other events add nothing.
 * Members are counted elsewhere: room_summary_count_in().
 */
void summary_follow_in(struct call *call, struct journal_entry *entry, int64_t room_nid,
                       const struct event *event);

/* The room has no state of this type (with an empty state key) any more. */
void summary_clear_in(struct journal_entry *entry, int64_t room_nid, const char *type);

#endif
