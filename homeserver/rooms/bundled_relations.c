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
    const struct client_events_list *lists;
    size_t list_count;
    struct relation_parents parents;
    struct map *by_id;      /* event ID -> struct bundle */
    struct bundle *bundles; /* of all lists that ask for them, one after the other */
    size_t count;
};

static size_t wanted_count(const struct client_events_list *list)
{
    return list->how.with_relations ? list->count : 0;
}

/* Spec: state events are not aggregated for. */
static enum errcode collect_parents(struct bundling *b)
{
    size_t total = 0, parents = 0;

    for (size_t l = 0; l < b->list_count; l++)
        total += wanted_count(&b->lists[l]);
    if (total == 0)
        return OK;
    const char **ids = ARENA_ARRAY(b->call->arena, total, const char *);
    int64_t *room_nids = ARENA_ARRAY(b->call->arena, total, int64_t);
    b->by_id = map_create(b->call->arena);
    b->bundles = ARENA_ARRAY(b->call->arena, total, struct bundle);
    for (size_t l = 0; l < b->list_count; l++) {
        for (size_t i = 0; i < wanted_count(&b->lists[l]); i++) {
            const struct stored_event *event = &b->lists[l].events[i];
            struct bundle *bundle = &b->bundles[b->count++];
            bundle->event = event;
            if (event->state_key_nid != 0)
                continue;
            map_set(b->by_id, event->event_id, bundle);
            room_nids[parents] = event->room_nid;
            ids[parents++] = event->event_id;
        }
    }
    b->parents = (struct relation_parents){
        .room_nids = room_nids,
        .event_ids = ids,
        .count = parents,
        .viewer_nid = b->lists[0].how.reader->requester->user_nid,
        .until = b->lists[0].how.reader->until,
    };
    if (parents == 0)
        return OK;
    return ignored_senders_load(b->call, b->parents.viewer_nid, &b->parents.ignored);
}

/* Events inside of events, found again by their number. */
struct inner_events {
    struct client_events_list *lists; /* parallel to those of the parents */
    const char ***texts;
    size_t count;
};

/* Those of `events` that belong to the parents' list. */
static void select_of_room(struct bundling *b, const struct client_events_list *parents,
                           const struct stored_event *events, size_t count,
                           struct client_events_list *out)
{
    struct stored_event *chosen = ARENA_ARRAY(b->call->arena, count, struct stored_event);

    for (size_t i = 0; i < count; i++) {
        if (events[i].room_nid == room_nid(parents->how.reader->room))
            chosen[out->count++] = events[i];
    }
    out->events = chosen;
}

/* `is_latest`: of threads, which come with relations of their own but no threads. */
static enum errcode load_inner(struct bundling *b, struct nid_list nids, bool is_latest,
                               struct inner_events *out)
{
    struct stored_event *events;
    size_t count;

    *out = (struct inner_events){0};
    if (nids.count == 0)
        return OK;
    TRY(events_load(b->call->db, b->call->arena, nids.items, nids.count, &events, &count));
    out->count = b->list_count;
    out->lists = ARENA_ARRAY(b->call->arena, out->count, struct client_events_list);
    out->texts = ARENA_ARRAY(b->call->arena, out->count, const char **);
    for (size_t l = 0; l < out->count; l++) {
        out->lists[l].how = b->lists[l].how;
        out->lists[l].how.without_threads |= is_latest;
        out->lists[l].how.with_relations &= is_latest;
        select_of_room(b, &b->lists[l], events, count, &out->lists[l]);
    }
    TRY(client_events_prepare(b->call, out->lists, out->count));
    for (size_t l = 0; l < out->count; l++)
        TRY(client_events_list_texts(b->call, &out->lists[l], &out->texts[l]));
    return OK;
}

static const char *inner_text(const struct inner_events *inner, int64_t nid)
{
    for (size_t l = 0; l < inner->count; l++) {
        for (size_t i = 0; i < inner->lists[l].count; i++) {
            if (inner->lists[l].events[i].event_nid == nid)
                return inner->texts[l][i];
        }
    }
    return NULL;
}

/* The latest event of a thread comes with its own edits, but not with a thread of its own: there
 * can be none, and what other servers send must not lead round in circles. */
static enum errcode bundle_threads(struct bundling *b)
{
    struct inner_events latest;
    struct thread_row *rows;
    int64_t *nids;
    size_t count;

    if (b->lists[0].how.without_threads)
        return OK;
    TRY(relations_threads(b->call->db, b->call->arena, &b->parents, &rows, &count));
    nids = ARENA_ARRAY(b->call->arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        nids[i] = rows[i].latest_nid;
    TRY(load_inner(b, (struct nid_list){nids, count}, true, &latest));
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
    TRY(load_inner(b, (struct nid_list){nids, wanted}, false, &edits));
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

/* NULL when the list has none: then nothing is kept of it. */
static enum errcode write_bundles(const struct bundling *b, const struct bundle *bundles,
                                  size_t count, const char ***out)
{
    for (size_t i = 0; i < count; i++) {
        struct strbuf text;
        if (bundles[i].references == NULL && bundles[i].edit_json == NULL &&
            bundles[i].latest_json == NULL)
            continue;
        strbuf_init(&text, 0);
        enum errcode written = write_bundle(b, &bundles[i], &text);
        if (written == OK && text.length > 0 && !text.overflowed) {
            if (*out == NULL)
                *out = ARENA_ARRAY(b->call->arena, count, const char *);
            (*out)[i] = arena_strndup(b->call->arena, text.data, text.length);
        }
        strbuf_finish(&text);
        TRY(written);
    }
    return OK;
}

enum errcode bundled_relations_make(struct call *call, const struct client_events_list *lists,
                                    size_t count, const char ***out)
{
    struct bundling b = {.call = call, .lists = lists, .list_count = count};
    const struct bundle *next;

    TRY(collect_parents(&b));
    if (b.parents.count == 0)
        return OK;
    TRY(bundle_threads(&b));
    TRY(bundle_edits(&b));
    TRY(bundle_references(&b));
    next = b.bundles;
    for (size_t l = 0; l < count; l++) {
        size_t wanted = wanted_count(&lists[l]);
        TRY(write_bundles(&b, next, wanted, &out[l]));
        next += wanted;
    }
    return OK;
}
