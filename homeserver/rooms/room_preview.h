#ifndef HOMESERVER_ROOMS_ROOM_PREVIEW_H
#define HOMESERVER_ROOMS_ROOM_PREVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "storage/memberships.h"
#include "storage/room_summaries.h"

/*
 * Who may be shown the summary of a room: members, the invited, and whoever could come in by
 * themselves, knock, or read along.
 * Spec: client-server API "Room Summaries", "Spaces" (the conditions at GET hierarchy).
 */
struct preview {
    const struct room_summary *summary;
    enum stored_membership membership; /* of the viewer; 0: none */
    bool is_allowed;
};

/* Judges many rooms for one viewer (user_nid 0: nobody in particular) in two statements at most.
 * `*out` is parallel to `summaries`. */
enum errcode previews_make(struct call *call, int64_t user_nid,
                           const struct room_summary *summaries, size_t count,
                           struct preview **out) MUST_CHECK;

#endif
