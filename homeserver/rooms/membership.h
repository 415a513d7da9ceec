#ifndef HOMESERVER_ROOMS_MEMBERSHIP_H
#define HOMESERVER_ROOMS_MEMBERSHIP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/rooms/room_service.h"

/*
 * Changes of membership by local users: join, invite, leave, kick, ban, unban, knock. Whether a
 * change is allowed is for the auth rules to say; here the event is made, with the profile and what
 * a restricted join needs.
 */
struct membership_change {
    const struct requester *requester;
    const char *target;         /* user ID; for join, leave and knock the requester */
    const char *membership;     /* "join", "invite", "leave", "ban", "knock" */
    const char *reason;         /* or NULL */
    bool is_direct;             /* of an invite */
    json_t *third_party_signed; /* of a join, or NULL */
    json_t *content;            /* further members of the content (PUT state), or NULL */
    int64_t origin_server_ts;   /* 0: now */
};

/* M_FORBIDDEN, M_NOT_FOUND; see room_send_event(). M_UNABLE_TO_AUTHORISE_JOIN and
 * M_UNABLE_TO_GRANT_JOIN for a join that another server in the room may be able to vouch for. A
 * join of somebody who is joined succeeds, with the event that made them so. `*event_id_out` is
 * borrowed from the call. */
enum errcode membership_change(struct call *call, const char *room_id,
                               const struct membership_change *change,
                               const char **event_id_out) MUST_CHECK;

/* The same inside a build that the caller holds. */
enum errcode membership_change_in(struct call *call, struct room_build *build,
                                  const struct membership_change *change,
                                  const char **event_id_out) MUST_CHECK;

/* The event of an invite, not made yet: for those who must ask the target's server first. */
struct event_draft;
enum errcode membership_draft(struct call *call, struct room_build *build,
                              const struct membership_change *change,
                              struct event_draft *out) MUST_CHECK;

/* Sends the user's new profile to every room they are joined to. Rooms that refuse are left out. */
enum errcode rooms_update_member_profile(struct call *call,
                                         const struct requester *requester) MUST_CHECK;

/* Leaves every room, rejects every invite, withdraws every knock: for deactivation. */
enum errcode rooms_leave_all(struct call *call, const struct requester *requester) MUST_CHECK;

#endif
