#ifndef HOMESERVER_MEDIA_MEDIA_ADMIN_H
#define HOMESERVER_MEDIA_MEDIA_ADMIN_H

#include "homeserver/call.h"
#include "storage/media_admin.h"

/* What administrators and retention do with many media. */
enum media_action {
    MEDIA_LIST,
    MEDIA_DELETE, /* the bytes go at once when nothing else refers to them */
    MEDIA_QUARANTINE,
    MEDIA_UNQUARANTINE,
    MEDIA_PROTECT,
    MEDIA_UNPROTECT
};

/* Called for each chosen one, after the action; may be NULL. */
typedef void (*media_visitor)(void *context, const struct media_choice *choice);

struct media_order {
    enum media_action action;
    int64_t by_nid; /* who gave the order; 0: the command line, or retention */
    media_visitor visit;
    void *context;
};

/* Batch by batch, each committed; `count_out` (may be NULL) is how many were chosen. */
enum errcode media_carry_out(struct call *call, const struct media_selection *selection,
                             const struct media_order *order, int64_t *count_out) MUST_CHECK;

/* Removes what nobody wants any more: IDs that were not filled in time, what the configuration says
 * was not looked at for too long, and objects in doubt since `before_ts`. For a job, and the
 * command line. */
enum errcode media_clean(struct call *call, int64_t before_ts) MUST_CHECK;

#endif
