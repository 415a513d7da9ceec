#ifndef HOMESERVER_ROOMS_EVENT_BUILDER_H
#define HOMESERVER_ROOMS_EVENT_BUILDER_H

#include "homeserver/rooms/event_draft.h"
#include "homeserver/rooms/room_service.h"

/*
 * From a draft to a finished event of a local user: previous and auth events, depth, hashes, event
 * ID, signature, canonical bytes. Nothing is authorised or stored here.
 */
struct built_event {
    struct arena *arena; /* owns everything below */
    const struct event *event;
    const char *json; /* canonical, federation form */
    size_t json_size;
    struct nid_list auth_nids; /* of a state event: its auth events; on the call's arena */
    int64_t redacted_by_nid;   /* of another server's event that came after its redaction; else 0 */
};

/* `out->arena` belongs to the caller (or to the cached event it makes of it).
 * M_BAD_JSON, M_TOO_LARGE: the content does not fit the room version; M_FORBIDDEN: the sender's
 * domain is not hosted here. */
enum errcode event_build(struct call *call, struct room *room, const struct room_head *head,
                         const struct event_draft *draft, struct built_event *out) MUST_CHECK;

/* The built event with further signatures: `signed_event` is a copy of its JSON that has them. */
enum errcode event_build_replace(struct call *call, const struct room_version *version,
                                 json_t *signed_event, struct built_event *built) MUST_CHECK;

/* The same for another server's user: not hashed, signed or checked; on the call's arena. */
enum errcode event_build_template(struct call *call, struct room *room,
                                  const struct room_head *head, const struct event_draft *draft,
                                  json_t **out) MUST_CHECK;

/* The first event of a room. `room_id` is NULL when the version derives it from this very event. */
enum errcode event_build_create(struct call *call, const struct room_version *version,
                                const char *room_id, const struct event_draft *draft,
                                struct built_event *out) MUST_CHECK;

#endif
