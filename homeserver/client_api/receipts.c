/* Spec: client-server API, "Receipts" (receipts.yaml). */
#include "homeserver/rooms/receipts.h"

#include <string.h>

#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/own_user.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"

enum kind { KIND_READ, KIND_READ_PRIVATE, KIND_FULLY_READ, KIND_UNKNOWN };

static const char *const kind_names[] = {
    [KIND_READ] = "m.read",
    [KIND_READ_PRIVATE] = "m.read.private",
    [KIND_FULLY_READ] = "m.fully_read",
};

static enum errcode read_kind(struct request *req, enum kind *out)
{
    const char *name;

    TRY(path_string(req, "receiptType", &name));
    for (size_t i = 0; i < COUNT_OF(kind_names); i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *out = (enum kind)i;
            return OK;
        }
    }
    return fail(&req->error, M_INVALID_PARAM, "This type of receipt is not known.");
}

/* NULL when the receipt is unthreaded. */
static enum errcode read_thread(struct request *req, enum kind kind, const char **out)
{
    const json_t *thread = json_object_get(request_body(req), "thread_id");
    const char *text = json_string_value(thread);

    *out = NULL;
    if (thread == NULL)
        return OK;
    if (kind == KIND_FULLY_READ)
        return fail(&req->error, M_INVALID_PARAM, "m.fully_read takes no thread_id.");
    if (text == NULL || strlen(text) != json_string_length(thread) ||
        (strcmp(text, RECEIPT_MAIN) != 0 && !event_id_is_valid(text)))
        return fail(&req->error, M_INVALID_PARAM,
                    "thread_id must be `main` or the event ID of a thread's root.");
    *out = text;
    return OK;
}

/* POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId} */
enum errcode client_post_receipt(struct request *req)
{
    const char *room_id;
    const char *event_id;
    const char *thread;
    struct room *room;
    enum kind kind;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(path_event_id(req, "eventId", &event_id));
    TRY(read_kind(req, &kind));
    TRY(read_thread(req, kind, &thread));
    TRY(room_open_as_member(&req->call, room_id, req->requester.user_id, &room));

    if (kind == KIND_FULLY_READ) {
        TRY(read_marker_send(&req->call, room, &req->requester, event_id));
    } else {
        const struct receipt_draft draft = {
            .type = kind == KIND_READ ? RECEIPT_READ : RECEIPT_READ_PRIVATE,
            .event_id = event_id,
            .thread = thread,
        };
        TRY(receipt_send(&req->call, room, &req->requester, &draft));
    }
    TRY(note_activity(req));
    return respond_empty(req);
}
