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

/* An event of the state that was stored before, as room_import_outliers() numbered it. */
struct stored_state {
    int64_t key_nid;
    int64_t event_nid;
};

struct room_import {
    const char *room_id;
    const struct room_version *version;
    struct room *room; /* of room_import_open(); NULL: it is opened, or made, here */
    /* More of the state: the first of a key counts. None of them is of a type that clients or rules
     * know (m.room.*). */
    const struct stored_state *stored;
    size_t stored_count;
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

/* The room for events that are stored before it begins for us: made, and committed, where it is
 * not known. */
enum errcode room_import_open(struct call *call, const char *room_id,
                              const struct room_version *version, struct room **out) MUST_CHECK;

/* Many outliers at once: events beside the timeline of a room that is known. `numbers_out`, where
 * it is not NULL, has a place for each. */
enum errcode room_import_outliers(struct call *call, struct room *room,
                                  const struct pdu_authorised *const *pdus, size_t count,
                                  struct stored_state *numbers_out) MUST_CHECK;

#endif
