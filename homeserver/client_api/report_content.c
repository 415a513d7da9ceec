/*
 * Telling the administrators about events, rooms and users.
 * Spec: client-server API, "Reporting Content" (report_content.yaml).
 */
#include <string.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/rooms/visibility.h"
#include "storage/reports.h"
#include "storage/users.h"

/* `about` is for the log alone: an administrator looks there first. */
static enum errcode file_report(struct request *req, struct report *report, const char *about)
{
    if (report->reason != NULL && strlen(report->reason) > REPORT_REASON_BYTES_MAX)
        return fail(&req->error, M_TOO_LARGE, "The reason of a report is limited to %d bytes.",
                    REPORT_REASON_BYTES_MAX);
    report->reporter_nid = req->requester.user_nid;
    report->received_ts = clock_wall_ms();
    enum errcode added = report_add(req->call.db, report);
    if (added == M_LIMIT_EXCEEDED)
        return fail(&req->error, M_LIMIT_EXCEEDED, "You have made many reports already.");
    TRY(added);
    log_info(LOG_ROOMS, "%s reported %s", req->requester.user_id, about);
    return respond_empty(req);
}

/* POST /_matrix/client/v3/rooms/{roomId}/report/{eventId} */
enum errcode client_report_event(struct request *req)
{
    const char *room_id, *event_id;
    struct report report = {0};
    struct room_reader reader;
    struct stored_event event;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(path_event_id(req, "eventId", &event_id));
    TRY(body_string_optional(req, "reason", &report.reason));
    enum errcode found = room_reader_make_joined(&req->call, room_id, &req->requester, &reader);
    /* Spec: who is not in the room is told the same as when there is no such event. */
    if (found == M_FORBIDDEN)
        return fail(&req->error, M_NOT_FOUND, "There is no such event that you can see.");
    TRY(found);
    TRY(visible_event_load(&req->call, &reader, event_id, &event));
    report.room_nid = event.room_nid;
    report.event_nid = event.event_nid;
    return file_report(req, &report, event_id);
}

/* POST /_matrix/client/v3/rooms/{roomId}/report */
enum errcode client_report_room(struct request *req)
{
    struct report report = {0};
    const char *room_id;
    struct room *room;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(body_string(req, "reason", &report.reason));
    enum errcode found = room_open(&req->call, room_id, &room);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "This server does not know the room.");
    TRY(found);
    report.room_nid = room_nid(room);
    return file_report(req, &report, room_id);
}

/* POST /_matrix/client/v3/users/{userId}/report */
enum errcode client_report_user(struct request *req)
{
    struct report report = {0};
    const char *user_id;

    TRY(path_user_id(req, "userId", &user_id));
    TRY(body_string(req, "reason", &report.reason));
    enum errcode found = user_nid_find(req->call.db, req->call.arena, user_id, &report.user_nid);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "This server does not know the user.");
    TRY(found);
    return file_report(req, &report, user_id);
}
