#ifndef FEDERATION_RECEIVER_ROOM_ACCESS_H
#define FEDERATION_RECEIVER_ROOM_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/rooms/room_service.h"
#include "storage/events.h"
#include "storage/memberships.h"

/*
 * What another server may do and see in a room, as a proof: every federation endpoint of a room
 * makes one first, and the functions that hand out events want it.
 * Spec: server-server API, "Server Access Control Lists"; client-server API, "Room History
 * Visibility".
 */
struct server_view {
    const char *server_name;
    struct room *room;
    struct room_head *head; /* borrowed from the call */
    struct server_member *members;
    size_t member_count;
    bool is_joined; /* one of its users is, or is said to be by those who know all members */
};

/* For servers that want to come in. M_NOT_FOUND when none of our users is in the room; M_FORBIDDEN
 * when the room's access control list refuses the server. */
enum errcode server_view_open(struct call *call, const char *room_id, const char *server_name,
                              struct server_view *out) MUST_CHECK;

/* The same for those who read: M_FORBIDDEN unless a user of the server is joined, or the room is
 * readable for everybody. */
enum errcode server_view_open_reader(struct call *call, const char *room_id,
                                     const char *server_name, struct server_view *out) MUST_CHECK;

/* For what only a server can give that knows all members of the room: M_NOT_FOUND while we do not,
 * as if we were not in it yet (MSC3902), so that others are asked. */
enum errcode server_view_require_members(struct call *call,
                                         const struct server_view *view) MUST_CHECK;

/* Of a room whose members we do not all know: whether we were told that the server is in it. */
enum errcode server_is_told_of(struct call *call, struct room *room, const char *server_name,
                               bool *out) MUST_CHECK;

/* Whether the room's access control list lets the server take part. */
enum errcode server_acl_check(struct call *call, struct room *room, const struct room_head *head,
                              const char *server_name, bool *allowed_out) MUST_CHECK;

/* visible_out[i] tells whether the server may have events[i]. Events of other rooms, outliers and
 * rejected ones never are. */
enum errcode server_view_filter(struct call *call, const struct server_view *view,
                                const struct stored_event *events, size_t count,
                                bool *visible_out) MUST_CHECK;

/* One event of the room. M_NOT_FOUND when there is none that the server may have. */
enum errcode server_view_event(struct call *call, const struct server_view *view,
                               const char *event_id, struct stored_event *out) MUST_CHECK;

#endif
