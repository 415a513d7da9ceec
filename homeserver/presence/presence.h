#ifndef HOMESERVER_PRESENCE_PRESENCE_H
#define HOMESERVER_PRESENCE_PRESENCE_H

#include <jansson.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "storage/presence.h"

/*
 * Presence of local users: from what their devices say, and from silence, to the state others see.
 * Each process looks after the users whose devices talk to it; the rows in the database tell who
 * that is, and a process that died is relieved by the others. Thread-safe.
 *
 * Spec: client-server API, "Presence".
 */
struct presence;

enum {
    PRESENCE_IDLE_MS = 5 * 60 * 1000,        /* online without activity, then unavailable */
    PRESENCE_DISCONNECT_MS = 30 * 1000,      /* after the last sync ended, then offline */
    PRESENCE_SET_BY_HAND_MS = 5 * 60 * 1000, /* how long PUT counts without a sync */
    PRESENCE_STATUS_BYTES_MAX = 1024,
};

struct presence *presence_create(void);
void presence_destroy(struct presence *presence);

/* A device says how its user is. */
struct presence_report {
    int64_t user_nid;
    const char *device_id; /* or NULL */
    enum presence_state state;
    int64_t connected_ms; /* how long the device stays connected from now on */
};

/* A device syncs with `set_presence`. Costs nothing while that is no news. */
enum errcode presence_synced(struct call *call, const struct presence_report *report) MUST_CHECK;

/* The user sets state and status message (NULL: none). */
enum errcode presence_set(struct call *call, const struct presence_report *report,
                          const char *status_msg) MUST_CHECK;

/* The user did something: sent a message, say. Ends idleness. */
enum errcode presence_active(struct call *call, int64_t user_nid) MUST_CHECK;

/* Lets time pass: idle and disconnected users, and those of dead processes. For a job that runs
 * every few seconds. */
enum errcode presence_tick(struct call *call) MUST_CHECK;

/* What another server says of one of its users; `node` is 0. Committed with the call. */
enum errcode presence_receive(struct call *call, const struct presence_row *row) MUST_CHECK;

/* What others are told: the content of m.presence. A new reference. */
json_t *presence_content(const struct presence_row *row, int64_t now_ms);

#endif
