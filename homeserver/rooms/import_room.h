#ifndef HOMESERVER_ROOMS_IMPORT_ROOM_H
#define HOMESERVER_ROOMS_IMPORT_ROOM_H

#include "homeserver/protocol/pdu.h"
#include "homeserver/rooms/room_service.h"

/*
 * A room as another server tells it at a join, stored at once: its state before the join, the
 * events that prove it, and the join, with which the room begins for us. In one journal entry, with
 * array inserts: a room of 10,000 members takes seconds.
 */
struct imported_event {
    const struct pdu_authorised *pdu;
    bool is_state; /* part of the state before the join */
};

struct room_import {
    const char *room_id;
    const struct room_version *version;
    struct imported_event *events; /* each once; all but the join */
    size_t count;
    const struct pdu_authorised *join; /* by a local user */
    /* The state lacks members, which are to be fetched: who told it, and which servers they said
     * are in the room. `told_by` is NULL when the state is whole. */
    const char *told_by;
    const char **servers;
    size_t server_count;
};

/* Committed with the call. Also for a room that is known: an invite, an earlier stay. */
enum errcode room_import(struct call *call, const struct room_import *import) MUST_CHECK;

/* Many outliers at once: events beside the timeline of a room that is known. */
enum errcode room_import_outliers(struct call *call, struct room *room,
                                  const struct pdu_authorised *const *pdus,
                                  size_t count) MUST_CHECK;

#endif
