/* Sending delayed events. Spec: MSC4140. */
#include "homeserver/rooms/delayed_events.h"

#include <string.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/redact.h"
#include "homeserver/rooms/send_event.h"
#include "storage/journal.h"

enum { DUE_AT_ONCE = 100 };

static enum errcode send(struct call *call, const struct delayed_event *delayed)
{
    const struct requester sender = {.user_id = delayed->user_id, .user_nid = delayed->user_nid};
    const struct client_transaction transaction = {
        .user_nid = delayed->user_nid,
        .device_id = "",
        .txn_key = arena_printf(call->arena, "delayed %s", delayed->delay_id),
    };
    struct event_draft draft = {
        .type = delayed->type,
        .sender = delayed->user_id,
        .sender_nid = delayed->user_nid,
        .state_key = delayed->state_key,
        .transaction = &transaction,
    };
    const char *event_id;

    TRY(client_transaction_find(call->db, call->arena, &transaction, &event_id));
    if (event_id != NULL)
        return OK;
    TRY(json_parse_object(call->arena, delayed->content, strlen(delayed->content), call->error,
                          &draft.content));
    if (draft.state_key == NULL && strcmp(draft.type, "m.room.redaction") == 0)
        draft.redacts = json_get_string(draft.content, "redacts");
    if (draft.redacts != NULL)
        TRY(redaction_check_allowed(call, delayed->room_id, &sender, draft.redacts));
    TRY(room_send_event(call, delayed->room_id, &draft, &event_id));
    return commit_group_wait(call->commits);
}

enum errcode delayed_event_send(struct call *call, const char *delay_id)
{
    struct delayed_event delayed;

    TRY(delayed_event_load(call->db, call->arena, delay_id, &delayed));
    TRY(send(call, &delayed));
    return delayed_event_finish(call->db, delay_id, clock_wall_ms());
}

enum errcode delayed_events_send_due(struct call *call)
{
    struct delayed_event *due;
    size_t count;

    TRY(delayed_events_due(call->db, call->arena, clock_wall_ms(), DUE_AT_ONCE, &due, &count));
    for (size_t i = 0; i < count; i++) {
        enum errcode sent = send(call, &due[i]);
        if (errcode_is_internal(sent))
            return sent; /* the job repeats it */
        if (sent != OK)
            log_info(LOG_ROOMS, "A delayed event in %s was refused: %s", due[i].room_id,
                     call->error->text);
        error_clear(call->error);
        enum errcode finished = delayed_event_finish(call->db, due[i].delay_id, clock_wall_ms());
        if (finished != M_NOT_FOUND) /* cancelled, or sent by another node, at the same moment */
            TRY(finished);
    }
    return OK;
}
