/* From the items of a queue to the body of a transaction. */
#include "homeserver/appservice/transaction_body.h"

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
    if (out->data[out->length - 1] != '[')
        strbuf_add_char(out, ',');
    return client_events_write(call, &how, events, count, out);
}

static enum errcode write_events(struct call *call, const struct transaction_content *content,
                                 struct strbuf *out)
{
    int64_t *nids = ARENA_ARRAY(call->arena, content->count, int64_t);
    struct stored_event *events;
    size_t wanted = 0, count, end;

    for (size_t i = 0; i < content->count; i++) {
        if (content->items[i].kind == APPSERVICE_EVENT)
            nids[wanted++] = content->items[i].event_nid;
    }
    TRY(events_load(call->db, call->arena, nids, wanted, &events, &count));
    for (size_t i = 0; i < count; i = end) {
        for (end = i + 1; end < count && events[end].room_nid == events[i].room_nid; end++)
            ;
        TRY(write_run(call, events + i, end - i, out));
    }
    return OK;
}

enum errcode transaction_body_write(struct call *call, const struct transaction_content *content,
                                    struct strbuf *out)
{
    strbuf_add_string(out, "{\"events\":[");
    TRY(write_events(call, content, out));
    strbuf_add_string(out, "]}");
    return out->overflowed ? E_SYSTEM : OK;
}
