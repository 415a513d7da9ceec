#ifndef HOMESERVER_ROOMS_FOLLOW_SEARCH_H
#define HOMESERVER_ROOMS_FOLLOW_SEARCH_H

#include <stdint.h>

#include "homeserver/call.h"

struct event;
struct journal_entry;

/* Adds to the journal entry of an event what searches shall find of it: the body of a message, the
 * name or the topic of a room. Encrypted events have nothing that a server could find. */
void search_follow_in(struct call *call, struct journal_entry *entry, const struct event *event,
                      int64_t room_nid, int64_t event_nid);

#endif
