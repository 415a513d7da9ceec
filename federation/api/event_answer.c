/* Splicing events into answers. */
#include "federation/api/event_answer.h"

#include <string.h>

#include "homeserver/base/arena.h"

/* So many bodies are in memory beside the answer. */
enum { EVENTS_AT_ONCE = 1000 };

typedef void (*add_event_fn)(struct strbuf *out, const struct stored_event *event);

static void add_bytes(struct strbuf *out, const struct stored_event *event)
{
    strbuf_add(out, event->json, event->json_size);
}

static void add_id(struct strbuf *out, const struct stored_event *event)
{
    strbuf_add_json_string(out, event->event_id, strlen(event->event_id));
}

static enum errcode add_all(struct request *req, struct strbuf *out, struct nid_list nids,
                            add_event_fn add)
{
    bool is_first = true;

    strbuf_add_char(out, '[');
    for (size_t start = 0; start < nids.count; start += EVENTS_AT_ONCE) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        size_t count = nids.count - start < EVENTS_AT_ONCE ? nids.count - start : EVENTS_AT_ONCE;
        struct stored_event *events;
        TRY(events_load(req->call.db, arena, nids.items + start, count, &events, &count));
        for (size_t i = 0; i < count; i++) {
            if (!is_first)
                strbuf_add_char(out, ',');
            is_first = false;
            add(out, &events[i]);
        }
    }
    strbuf_add_char(out, ']');
    return OK;
}

enum errcode answer_add_events(struct request *req, struct strbuf *out, struct nid_list nids)
{
    return add_all(req, out, nids, add_bytes);
}

enum errcode answer_add_event_ids(struct request *req, struct strbuf *out, struct nid_list nids)
{
    return add_all(req, out, nids, add_id);
}

void answer_add_stored(struct strbuf *out, const struct stored_event *events, size_t count)
{
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_add_char(out, ',');
        add_bytes(out, &events[i]);
    }
    strbuf_add_char(out, ']');
}

struct nid_list state_event_nids(struct request *req, const struct state_map *state)
{
    return (struct nid_list){state_map_values(state, req->call.arena), state_map_count(state)};
}

enum errcode respond_buffer(struct request *req, struct strbuf *buffer)
{
    size_t size;

    if (buffer->overflowed)
        return fail(&req->error, M_TOO_LARGE, "The answer would be too large.");
    char *bytes = strbuf_detach(buffer, &size);
    return respond_bytes(req, 200, "application/json", bytes, size);
}
