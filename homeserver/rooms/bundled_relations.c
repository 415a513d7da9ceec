/* Aggregating children: threads, edits, references. */
#include "homeserver/rooms/bundled_relations.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/ignored_senders.h"
#include "storage/relations.h"

/* What is known of one parent. Texts are client events. */
struct bundle {
    const struct stored_event *event;
    const struct thread_row *thread;
    const char *latest_json;
    int64_t edit_nid;
    const char *edit_json;
    json_t *references; /* [{"event_id": …}, …]; NULL: none */
};

struct bundling {
    struct call *call;
    const struct client_events *how;
    struct relation_parents parents;
    struct map *by_id; /* event ID -> struct bundle */
    struct bundle *bundles;
    size_t count;
};

/* Spec: state events are not aggregated for. */
static enum errcode collect_parents(struct bundling *b, const struct stored_event *events,
                                    size_t count)
{
    const char **ids = ARENA_ARRAY(b->call->arena, count, const char *);
    size_t parents = 0;

    b->by_id = map_create(b->call->arena);
    b->count = count;
    b->bundles = ARENA_ARRAY(b->call->arena, count, struct bundle);
    for (size_t i = 0; i < count; i++) {
        b->bundles[i].event = &events[i];
        if (events[i].state_key_nid != 0)
            continue;
        map_set(b->by_id, events[i].event_id, &b->bundles[i]);
        ids[parents++] = events[i].event_id;
    }
    b->parents = (struct relation_parents){
        .room_nid = room_nid(b->how->reader->room),
        .event_ids = ids,
        .count = parents,
        .viewer_nid = b->how->reader->requester->user_nid,
        .until = b->how->reader->until,
    };
    if (parents == 0)
        return OK;
    return ignored_senders_load(b->call, b->parents.viewer_nid, &b->parents.ignored);
}

/* Events inside of events, found again by their number. */
struct inner_events {
    struct stored_event *events;
    const char **texts;
    size_t count;
};

static enum errcode load_inner(struct bundling *b, const int64_t *nids, size_t count,
                               const struct client_events *how, struct inner_events *out)
{
    *out = (struct inner_events){0};
    if (count == 0)
        return OK;
    TRY(events_load(b->call->db, b->call->arena, nids, count, &out->events, &out->count));
    return client_events_texts(b->call, how, out->events, out->count, &out->texts);
}

static const char *inner_text(const struct inner_events *inner, int64_t nid)
{
    for (size_t i = 0; i < inner->count; i++) {
        if (inner->events[i].event_nid == nid)
            return inner->texts[i];
    }
    return NULL;
}

/* The latest event of a thread comes with its own edits, but not with a thread of its own: there
 * can be none, and what other servers send must not lead round in circles. */
static enum errcode bundle_threads(struct bundling *b)
{
    struct client_events how = *b->how;
    struct inner_events latest;
    struct thread_row *rows;
    int64_t *nids;
    size_t count;

    if (b->how->without_threads)
        return OK;
    TRY(relations_threads(b->call->db, b->call->arena, &b->parents, &rows, &count));
    nids = ARENA_ARRAY(b->call->arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        nids[i] = rows[i].latest_nid;
    how.without_threads = true;
    TRY(load_inner(b, nids, count, &how, &latest));
    for (size_t i = 0; i < count; i++) {
        struct bundle *bundle = map_get(b->by_id, rows[i].root_id);
        bundle->thread = &rows[i];
        bundle->latest_json = inner_text(&latest, rows[i].latest_nid);
    }
    return OK;
}

/* Spec: "Validity of replacement events": the same type, and the original is no edit itself. The
 * rest was asked of the database. */
static enum errcode is_edit_of(struct call *call, const struct bundle *bundle,
                               const struct edit_row *row, bool *out)
{
    const char *type, *rel_type;
    json_t *json, *content;

    *out = false;
    if (bundle->event->redacted_by_nid != 0)
        return OK;
    TRY(json_parse_object(call->arena, bundle->event->json, bundle->event->json_size, call->error,
                          &json));
    type = json_get_string(json, "type");
    content = json_get_object(json, "content");
    rel_type = json_get_string(json_get_object(content, "m.relates_to"), "rel_type");
    *out = type != NULL && strcmp(type, row->event_type) == 0 &&
           (rel_type == NULL || strcmp(rel_type, "m.replace") != 0);
    return OK;
}

static enum errcode bundle_edits(struct bundling *b)
{
    struct client_events how = *b->how;
    struct inner_events edits;
    struct edit_row *rows;
    size_t count, wanted = 0;
    int64_t *nids;

    TRY(relations_edits(b->call->db, b->call->arena, &b->parents, &rows, &count));
    nids = ARENA_ARRAY(b->call->arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        struct bundle *bundle = map_get(b->by_id, rows[i].parent_id);
        bool is_valid;
        TRY(is_edit_of(b->call, bundle, &rows[i], &is_valid));
        if (is_valid)
            nids[wanted++] = bundle->edit_nid = rows[i].event_nid;
    }
    how.with_relations = false;
    TRY(load_inner(b, nids, wanted, &how, &edits));
    for (size_t i = 0; i < b->count; i++) {
        if (b->bundles[i].edit_nid != 0)
            b->bundles[i].edit_json = inner_text(&edits, b->bundles[i].edit_nid);
    }
    return OK;
}

static enum errcode bundle_references(struct bundling *b)
{
    struct reference_row *rows;
    size_t count;

    TRY(relations_references(b->call->db, b->call->arena, &b->parents, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        struct bundle *bundle = map_get(b->by_id, rows[i].parent_id);
        if (bundle->references == NULL)
            bundle->references = json_on_arena(b->call->arena, json_array());
        json_array_append_new(bundle->references, json_pack("{ss}", "event_id", rows[i].event_id));
    }
    return OK;
}

static void begin_member(struct strbuf *out, const char *name)
{
    strbuf_add_char(out, out->length > 0 ? ',' : '{');
    strbuf_printf(out, "\"%s\":", name);
}

static enum errcode write_references(json_t *references, struct strbuf *out)
{
    char *text = json_dumps(references, JSON_COMPACT);

    if (text == NULL)
        return E_SYSTEM;
    begin_member(out, "m.reference");
    strbuf_printf(out, "{\"chunk\":%s}", text);
    free(text);
    return OK;
}

/* Members in the order of canonical JSON. */
static enum errcode write_bundle(const struct bundling *b, const struct bundle *bundle,
                                 struct strbuf *out)
{
    if (bundle->references != NULL)
        TRY(write_references(bundle->references, out));
    if (bundle->edit_json != NULL) {
        begin_member(out, "m.replace");
        strbuf_add_string(out, bundle->edit_json);
    }
    if (bundle->latest_json != NULL) {
        bool participated =
            bundle->thread->has_viewer || bundle->event->sender_nid == b->parents.viewer_nid;
        begin_member(out, "m.thread");
        strbuf_printf(out, "{\"count\":%lld,\"current_user_participated\":%s,\"latest_event\":",
                      (long long)bundle->thread->count, participated ? "true" : "false");
        strbuf_add_string(out, bundle->latest_json);
        strbuf_add_char(out, '}');
    }
    if (out->length > 0)
        strbuf_add_char(out, '}');
    return OK;
}

static enum errcode write_bundles(const struct bundling *b, const char **texts)
{
    for (size_t i = 0; i < b->count; i++) {
        struct strbuf text;
        strbuf_init(&text, 0);
        enum errcode written = write_bundle(b, &b->bundles[i], &text);
        if (written == OK && text.length > 0 && !text.overflowed)
            texts[i] = arena_strndup(b->call->arena, text.data, text.length);
        strbuf_finish(&text);
        TRY(written);
    }
    return OK;
}

enum errcode bundled_relations_make(struct call *call, const struct client_events *how,
                                    const struct stored_event *events, size_t count,
                                    const char ***out)
{
    struct bundling b = {.call = call, .how = how};

    *out = ARENA_ARRAY(call->arena, count, const char *);
    TRY(collect_parents(&b, events, count));
    if (b.parents.count == 0)
        return OK;
    TRY(bundle_threads(&b));
    TRY(bundle_edits(&b));
    TRY(bundle_references(&b));
    return write_bundles(&b, *out);
}
