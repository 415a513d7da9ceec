/* Splicing events into answers. */
#include "federation/api/event_answer.h"

#include <string.h>

#include "homeserver/base/arena.h"

/* So many bodies are in memory beside the answer. */
enum { EVENTS_AT_ONCE = 1000 };

static enum errcode add_bodies(struct request *req, struct strbuf *out, struct nid_list nids)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct stored_event *events;
    size_t count;

    TRY(events_load(req->call.db, arena, nids.items, nids.count, &events, &count));
    for (size_t i = 0; i < count; i++) {
        strbuf_add_separator(out);
        strbuf_add(out, events[i].json, events[i].json_size);
    }
    return OK;
}

static enum errcode add_ids(struct request *req, struct strbuf *out, struct nid_list nids)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char **ids;
    size_t count;

    TRY(event_ids_load(req->call.db, arena, nids.items, nids.count, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        strbuf_add_separator(out);
        strbuf_add_json_string(out, ids[i], strlen(ids[i]));
    }
    return OK;
}

static enum errcode add_all(struct request *req, struct strbuf *out, struct nid_list nids,
                            enum errcode (*add)(struct request *req, struct strbuf *out,
                                                struct nid_list nids))
{
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < nids.count; i += EVENTS_AT_ONCE) {
        size_t count = nids.count - i < EVENTS_AT_ONCE ? nids.count - i : EVENTS_AT_ONCE;
        TRY(add(req, out, (struct nid_list){nids.items + i, count}));
    }
    strbuf_add_char(out, ']');
    return OK;
}

enum errcode answer_add_events(struct request *req, struct strbuf *out, struct nid_list nids)
{
    return add_all(req, out, nids, add_bodies);
}

enum errcode answer_add_event_ids(struct request *req, struct strbuf *out, struct nid_list nids)
{
    return add_all(req, out, nids, add_ids);
}

void answer_add_stored(struct strbuf *out, const struct stored_event *events, size_t count)
{
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        strbuf_add_separator(out);
        strbuf_add(out, events[i].json, events[i].json_size);
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
