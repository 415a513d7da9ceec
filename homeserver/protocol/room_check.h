#ifndef HOMESERVER_PROTOCOL_ROOM_CHECK_H
#define HOMESERVER_PROTOCOL_ROOM_CHECK_H

#include <jansson.h>
#include <stddef.h>

#include "homeserver/base/array.h"
#include "homeserver/base/error.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event_signature.h"

struct arena;
struct event;
struct room_version;

/*
 * A second opinion on a whole room: reads its events again from nothing, in the order of the event
 * graph, and repeats the hashes, the auth rules and the state resolution. For `verify-room`, for
 * imports, and for tests.
 */
enum room_check_kind {
    ROOM_CHECK_NO_EVENT,    /* the JSON is not an event of this room; it is left out */
    ROOM_CHECK_HASH,        /* content hash or event ID differ: redacted, or changed */
    ROOM_CHECK_SIGNATURE,   /* a signature is wrong or missing; it counts as rejected */
    ROOM_CHECK_MISSING,     /* an event it refers to is not in the list */
    ROOM_CHECK_AUTH_EVENTS, /* its list of auth events breaks rule 3; it counts as rejected */
    ROOM_CHECK_REJECTED,    /* not allowed by its auth events or by the state before it */
    ROOM_CHECK_CIRCLE,      /* it is its own ancestor; it is left out */
};

struct room_check_finding {
    enum room_check_kind kind;
    size_t index;         /* in the list that was given */
    const char *event_id; /* NULL when there is none */
    const char *text;     /* a sentence fragment for people */
};

struct room_check_report {
    const struct room_version *version;
    const char *room_id;
    size_t event_count; /* that were judged */
    size_t rejected_count;
    size_t resolution_count; /* events before which states had to be resolved */
    size_t verified_count;   /* whose signatures were verified */
    size_t unverified_count; /* … could not be: a key is not known */
    ARRAY_OF(struct room_check_finding) findings;
    ARRAY_OF(const struct event *) state; /* after the last STATE_SETS_MAX loose ends, at most */
};

/* NULL in its place means all of the defaults, and no member needs to be set. */
struct room_check_options {
    /* NULL: third-party invites are verified, authorising servers are believed. */
    const struct auth_signatures *signatures;
    /* The keys of servers; NULL: the signatures of events are not verified. */
    verify_key_lookup find_key;
    void *find_key_context;
    /* Per PDU of the list, whether the server soft-failed it: then the room does not end in it.
     * NULL: none. */
    const bool *soft_failed;
};

/*
 * Checks the PDUs of one room; an `event_id` that exports add to v3+ events is compared and not
 * taken for a part of the event. Everything in the report is on the arena or borrowed from `pdus`.
 *
 * M_BAD_JSON when no m.room.create event is in the list, M_UNSUPPORTED_ROOM_VERSION when its
 * version is unknown, E_UNAVAILABLE when one resolution exceeds its budget.
 */
enum errcode room_check(struct arena *arena, json_t *const *pdus, size_t count,
                        const struct room_check_options *options, struct error *error,
                        struct room_check_report *out) MUST_CHECK;

#endif
