#ifndef HOMESERVER_ROOMS_ROOM_SUMMARY_JSON_H
#define HOMESERVER_ROOMS_ROOM_SUMMARY_JSON_H

#include <jansson.h>

#include "storage/room_summaries.h"

/* An entry of the published room directory. A new reference. Spec: PublishedRoomsChunk. */
json_t *public_room_json(const struct room_summary *summary);

/* The same with what room summaries and hierarchies tell beyond it. A new reference.
 * Spec: RoomSummary. */
json_t *room_summary_json(const struct room_summary *summary);

#endif
