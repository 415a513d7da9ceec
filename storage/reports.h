#ifndef STORAGE_REPORTS_H
#define STORAGE_REPORTS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/* What users report to the administrators. */
enum { REPORT_REASON_BYTES_MAX = 1024, REPORTS_OF_USER_MAX = 1000 };

struct report {
    int64_t reporter_nid;
    int64_t received_ts; /* ms */
    int64_t room_nid;    /* 0: not about a room */
    int64_t event_nid;   /* 0: not about an event */
    int64_t user_nid;    /* 0: not about a user */
    const char *reason;  /* or NULL */
};

/* M_LIMIT_EXCEEDED when the reporter has REPORTS_OF_USER_MAX waiting. */
enum errcode report_add(struct db *db, const struct report *report) MUST_CHECK;

#endif
