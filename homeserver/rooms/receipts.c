/* Receipts and read markers. */
#include "homeserver/rooms/receipts.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/json.h"
#include "homeserver/push/event_thread.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/account_data.h"
#include "storage/events.h"
#include "storage/journal.h"

static const char FULLY_READ[] = "m.fully_read";

enum errcode room_open_as_member(struct call *call, const char *room_id, const char *user_id,
                                 struct room **out)
{
    const char *membership = NULL;
    struct room_head *head;
    struct room *room;
    enum errcode found = room_open(call, room_id, &room);

    if (found == OK) {
        TRY(room_committed_head(call, room, &head));
        TRY(room_head_membership(call, room, head, user_id, &membership));
    } else if (found != M_NOT_FOUND) {
        return found;
    }
    if (membership == NULL || strcmp(membership, "join") != 0)
        return fail(call->error, M_FORBIDDEN, "You are not in this room.");
    *out = room;
    return OK;
}

static enum errcode load_event_of(struct call *call, struct room *room, const char *event_id,
                                  struct stored_event *out)
{
    enum errcode found = event_load_by_id(call->db, call->arena, event_id, out);

    if (found == M_NOT_FOUND || (found == OK && out->room_nid != room_nid(room)))
        return fail(call->error, M_NOT_FOUND, "There is no such event in this room.");
    return found;
}

/* Receipts of a thread stand at its events or at its root; those of `main` at all others. */
static enum errcode check_thread(struct call *call, const struct stored_event *event,
                                 const char *thread)
{
    json_t *json;
    json_t *content;
    const char *root;
    bool is_related;

    if (strcmp(thread, event->event_id) == 0)
        return OK;
    TRY(json_parse_object(call->arena, event->json, event->json_size, call->error, &json));
    content = json_get_object(json, "content");
    if (strcmp(thread, RECEIPT_MAIN) == 0) {
        TRY(event_thread_root(call, event->room_nid, content, &root));
        is_related = root == NULL;
    } else {
        TRY(event_thread_is_related(call, event->room_nid, content, thread, &is_related));
    }
    if (!is_related)
        return fail(call->error, M_INVALID_PARAM, "The event does not belong to this thread.");
    return OK;
}

enum errcode receipt_send(struct call *call, struct room *room, const struct requester *requester,
                          const struct receipt_draft *draft)
{
    struct stored_event event;
    struct journal_entry *entry;

    TRY(load_event_of(call, room, draft->event_id, &event));
    if (draft->thread != NULL)
        TRY(check_thread(call, &event, draft->thread));

    const struct receipt receipt = {
        .room_nid = room_nid(room),
        .user_nid = requester->user_nid,
        .type = draft->type,
        .thread = draft->thread != NULL ? draft->thread : RECEIPT_UNTHREADED,
        .event_id = draft->event_id,
        .event_position = event.position,
        .ts = clock_wall_ms(),
    };
    entry = journal_entry_create();
    receipt_set_in(entry, &receipt);
    /* A private one changes the user's own counts in this room; others find nothing to tell. */
    journal_entry_wake_room(entry, receipt.room_nid);
    journal_entry_wake_user(entry, requester->user_nid);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

/* Where the marker stands; INT64_MIN when it stands nowhere we know. */
static enum errcode marker_position(struct call *call, const struct account_data_key *key,
                                    int64_t *out)
{
    struct account_data_row row;
    struct stored_event event;
    json_t *content;
    const char *event_id;
    enum errcode found = account_data_load(call->db, call->arena, key, &row);

    *out = INT64_MIN;
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(json_parse_object(call->arena, row.content, strlen(row.content), call->error, &content));
    event_id = json_get_string(content, "event_id");
    if (event_id == NULL)
        return OK;
    found = event_load_by_id(call->db, call->arena, event_id, &event);
    if (found == OK)
        *out = event.position;
    return found == M_NOT_FOUND ? OK : found;
}

enum errcode read_marker_send(struct call *call, struct room *room,
                              const struct requester *requester, const char *event_id)
{
    const struct account_data_key key = {requester->user_nid, room_nid(room), FULLY_READ};
    struct stored_event event;
    int64_t position;
    json_t *content;
    char *text;

    TRY(load_event_of(call, room, event_id, &event));
    TRY(marker_position(call, &key, &position));
    if (event.position <= position)
        return OK;

    content = json_pack("{s:s}", "event_id", event_id);
    text = json_dumps(content, JSON_COMPACT);
    json_decref(content);
    struct journal_entry *entry = journal_entry_create();
    account_data_set_in(entry, &key, text);
    free(text);
    journal_entry_wake_user(entry, requester->user_nid);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

static json_t *child_object(json_t *parent, const char *name)
{
    json_t *child = json_object_get(parent, name);

    if (child == NULL) {
        child = json_object();
        json_object_set_new(parent, name, child);
    }
    return child;
}

void receipt_add_to_content(json_t *content, const struct receipt *receipt)
{
    const char *type = receipt->type == RECEIPT_READ ? "m.read" : "m.read.private";
    json_t *users = child_object(child_object(content, receipt->event_id), type);
    bool is_threaded = receipt->thread[0] != '\0';

    if (is_threaded && json_object_get(users, receipt->user_id) != NULL)
        return;
    json_t *data = json_pack("{s:I}", "ts", (json_int_t)receipt->ts);
    if (is_threaded)
        json_object_set_new(data, "thread_id", json_string(receipt->thread));
    json_object_set_new(users, receipt->user_id, data);
}
