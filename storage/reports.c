/* Reports of events, rooms and users. */
#include "storage/reports.h"

#include "storage/statements.h"

enum { ADD };

static const struct db_statement statements[] = {
    [ADD] = {"report_add",
             "INSERT INTO reports (reporter_nid, received_ts, room_nid, event_nid, user_nid, "
             "                     reason) "
             "SELECT $1, $2, nullif($3::bigint, 0), nullif($4::bigint, 0), "
             "       nullif($5::bigint, 0), $6 "
             " WHERE (SELECT count(*) FROM reports WHERE reporter_nid = $1) < $7"},
};

STATEMENT_TABLE(reports, statements);

enum errcode report_add(struct db *db, const struct report *report)
{
    int64_t added;

    TRY(db_execute(db, &statements[ADD],
                   PARAMS(INT(report->reporter_nid), INT(report->received_ts),
                          INT(report->room_nid), INT(report->event_nid), INT(report->user_nid),
                          TEXT(report->reason), INT(REPORTS_OF_USER_MAX)),
                   &added));
    return added > 0 ? OK : M_LIMIT_EXCEEDED;
}
