#ifndef HOMESERVER_ROOMS_PERSIST_ASIDE_H
#define HOMESERVER_ROOMS_PERSIST_ASIDE_H

#include "homeserver/rooms/room_service.h"

struct event;

/*
 * Events that are kept but do not move the room on: rejected and soft-failed ones, outliers,
 * history. They are stored because others refer to them.
 */
struct aside {
    const struct event *event;
    const char *bytes; /* canonical, federation form */
    size_t byte_count;
    int64_t event_nid;
    int64_t sender_nid;
    int64_t state_key_nid;     /* 0: not a state event */
    struct nid_list auth_nids; /* as far as they are known */
    struct state_map *before;  /* the state before it; ignored for an outlier */
    int64_t before_nid;        /* its snapshot; 0: to be stored */
    const char *const *missing_prevs;
    size_t missing_prev_count;
    int64_t position;        /* negative for history; else 0 */
    int64_t redacted_by_nid; /* it came after its redaction; `bytes` is the redacted form; else 0 */
    unsigned flags;          /* enum event_flag */
    bool was_outlier;        /* it replaces its own row */
};
enum errcode persist_aside(struct call *call, struct room_build *build,
                           const struct aside *aside) MUST_CHECK;

#endif
