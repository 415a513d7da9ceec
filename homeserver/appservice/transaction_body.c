/* From the items of a queue to the body of a transaction. */
#include "homeserver/appservice/transaction_body.h"

#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/room_service.h"
#include "storage/events.h"

/* Events of one room that follow each other. */
static enum errcode write_run(struct call *call, const struct stored_event *events, size_t count,
                              struct strbuf *out)
{
    struct room_reader nobody = {0};
    const struct client_events how = {.reader = &nobody, .with_room_id = true};
    enum errcode opened = room_open_by_nid(call, events[0].room_nid, &nobody.room);

    /* The room was deleted meanwhile: there is nothing to tell any more. */
    if (opened == M_NOT_FOUND)
        return OK;
    TRY(opened);
    strbuf_add_separator(out);
    return client_events_write(call, &how, events, count, out);
}

struct nid_list transaction_event_nids(struct call *call, const struct transaction_content *content)
{
    int64_t *nids = ARENA_ARRAY(call->arena, content->count, int64_t);
    size_t wanted = 0;

    for (size_t i = 0; i < content->count; i++) {
        if (content->items[i].kind == APPSERVICE_EVENT)
            nids[wanted++] = content->items[i].event_nid;
    }
    return (struct nid_list){nids, wanted};
}

static enum errcode write_events(struct call *call, const struct transaction_content *content,
                                 struct strbuf *out)
{
    struct nid_list nids = transaction_event_nids(call, content);
    struct stored_event *events;
    size_t count, end;

    TRY(events_load(call->db, call->arena, nids.items, nids.count, &events, &count));
    for (size_t i = 0; i < count; i = end) {
        for (end = i + 1; end < count && events[end].room_nid == events[i].room_nid; end++)
            ;
        TRY(write_run(call, events + i, end - i, out));
    }
    return OK;
}

struct nid_list transaction_positions(struct call *call, const struct transaction_content *content,
                                      enum appservice_item_kind kind)
{
    int64_t *positions = ARENA_ARRAY(call->arena, content->count, int64_t);
    size_t wanted = 0;

    for (size_t i = 0; i < content->count; i++) {
        if (content->items[i].kind == kind)
            positions[wanted++] = content->items[i].position;
    }
    return (struct nid_list){positions, wanted};
}

static void write_message(const struct appservice_to_device *message, struct strbuf *out)
{
    strbuf_add_separator(out);
    strbuf_printf(out, "{\"content\":%s,\"sender\":", message->content);
    strbuf_add_json_string(out, message->sender, strlen(message->sender));
    strbuf_add_string(out, ",\"to_device_id\":");
    strbuf_add_json_string(out, message->to_device_id, strlen(message->to_device_id));
    strbuf_add_string(out, ",\"to_user_id\":");
    strbuf_add_json_string(out, message->to_user_id, strlen(message->to_user_id));
    strbuf_add_string(out, ",\"type\":");
    strbuf_add_json_string(out, message->type, strlen(message->type));
    strbuf_add_char(out, '}');
}

static enum errcode write_to_device(struct call *call, const struct transaction_content *content,
                                    struct strbuf *out)
{
    struct nid_list positions = transaction_positions(call, content, APPSERVICE_TO_DEVICE);
    struct appservice_to_device *messages;
    size_t count;

    if (positions.count == 0)
        return OK;
    TRY(appservice_to_device_load(call->db, call->arena, content->appservice->id, positions,
                                  &messages, &count));
    for (size_t i = 0; i < count; i++)
        write_message(&messages[i], out);
    return OK;
}

/* A list under its name and the name it had before it was in the specification; left out when there
 * is nothing in it. */
static void close_list(struct strbuf *out, size_t start, const char *old_name)
{
    size_t list = start + strcspn(out->data + start, "[");
    char *copy;

    if (out->length == list + 1) {
        strbuf_truncate(out, start);
        return;
    }
    strbuf_add_char(out, ']');
    copy = strdup(out->data + list);
    if (copy == NULL)
        abort();
    strbuf_printf(out, ",\"%s\":%s", old_name, copy);
    free(copy);
}

enum errcode transaction_body_write(struct call *call, const struct transaction_content *content,
                                    struct strbuf *out)
{
    size_t start;

    strbuf_add_string(out, "{\"events\":[");
    TRY(write_events(call, content, out));
    strbuf_add_char(out, ']');
    start = out->length;
    strbuf_add_string(out, ",\"ephemeral\":[");
    TRY(transaction_write_ephemeral(call, content, out));
    close_list(out, start, "de.sorunome.msc2409.ephemeral");
    start = out->length;
    strbuf_add_string(out, ",\"to_device\":[");
    TRY(write_to_device(call, content, out));
    close_list(out, start, "de.sorunome.msc2409.to_device");
    if (content->appservice->wants_encryption_fields)
        TRY(transaction_write_encryption(call, content, out));
    strbuf_add_char(out, '}');
    return out->overflowed ? E_SYSTEM : OK;
}
