/*
 * Walking the event graph backwards for others.
 * Spec: server-server API, "Backfilling and retrieving missing events" (backfill.yaml).
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "federation/api/event_answer.h"
#include "federation/api/federation_api.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/services.h"

enum {
    BACKFILL_MAX = 100,
    MISSING_MAX = 50,
    STARTS_MAX = 50,
    LOOKED_AT_MAX = 1000 /* events on the way, those that are not told included */
};

struct walk {
    struct request *req;
    struct server_view view;
    struct map *visited;   /* event IDs that are not to be visited (again) */
    const char **frontier; /* event IDs */
    size_t frontier_count;
    struct stored_event *found;
    size_t found_count;
    size_t found_max;
    int64_t min_depth;
};

/* The next events to look at: the previous ones of those just seen. */
static enum errcode push_prevs(struct walk *walk, const struct stored_event *stored,
                               const char **next, size_t *next_count)
{
    struct request *req = walk->req;
    const struct event *event;

    TRY(stored_event_parse(req->call.arena, room_version_of(walk->view.room), stored, &event));
    for (size_t i = 0; i < event->prev_event_count && *next_count < LOOKED_AT_MAX; i++) {
        if (!map_contains(walk->visited, event->prev_events[i])) {
            map_set(walk->visited, event->prev_events[i], NULL);
            next[(*next_count)++] = event->prev_events[i];
        }
    }
    return OK;
}

static int compare_depth(const void *a, const void *b)
{
    const struct stored_event *left = a, *right = b;

    return (left->depth < right->depth) - (left->depth > right->depth);
}

/* What the server may not read it gets without its content: its graph has no holes, and the
 * signatures cover what is left. */
static enum errcode redact_copy(const struct walk *walk, struct stored_event *stored)
{
    const struct room_version *version = room_version_of(walk->view.room);
    struct call *call = &walk->req->call;
    SCOPED(strbuf_finish) struct strbuf bytes;
    const struct event *event;

    strbuf_init(&bytes, 0);
    TRY(stored_event_parse(call->arena, version, stored, &event));
    TRY(redaction_write(version, event->json, &bytes));
    stored->json = arena_strndup(call->arena, bytes.data, bytes.length);
    stored->json_size = bytes.length;
    return OK;
}

/* One generation, the deepest first. */
static enum errcode step(struct walk *walk, size_t *looked_at)
{
    struct request *req = walk->req;
    const char **next = ARENA_ARRAY(req->call.arena, LOOKED_AT_MAX, const char *);
    size_t next_count = 0, count;
    struct stored_event *events;

    TRY(events_load_by_ids(req->call.db, req->call.arena, walk->frontier, walk->frontier_count,
                           &events, &count));
    qsort(events, count, sizeof(*events), compare_depth);
    bool *visible = ARENA_ARRAY(req->call.arena, count, bool);
    TRY(server_view_filter(&req->call, &walk->view, events, count, visible));
    for (size_t i = 0; i < count && walk->found_count < walk->found_max; i++) {
        (*looked_at)++;
        if (events[i].room_nid != room_nid(walk->view.room) || events[i].depth < walk->min_depth)
            continue;
        TRY(push_prevs(walk, &events[i], next, &next_count));
        if ((events[i].flags & (EVENT_REJECTED | EVENT_OUTLIER)) != 0)
            continue;
        if (!visible[i])
            TRY(redact_copy(walk, &events[i]));
        walk->found[walk->found_count++] = events[i];
    }
    walk->frontier = next;
    walk->frontier_count = next_count;
    return OK;
}

static enum errcode run(struct walk *walk)
{
    size_t looked_at = 0;

    walk->found = ARENA_ARRAY(walk->req->call.arena, walk->found_max, struct stored_event);
    while (walk->frontier_count > 0 && walk->found_count < walk->found_max &&
           looked_at < LOOKED_AT_MAX)
        TRY(step(walk, &looked_at));
    return OK;
}

static enum errcode open_view(struct request *req, struct walk *walk)
{
    const char *room_id_text;

    walk->req = req;
    walk->visited = map_create(req->call.arena);
    TRY(path_room_id(req, "roomId", &room_id_text));
    return server_view_open_reader(&req->call, room_id_text, req->requester.server_name,
                                   &walk->view);
}

/* GET /_matrix/federation/v1/backfill/{roomId} */
enum errcode federation_backfill_room(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;
    struct walk walk = {.min_depth = INT64_MIN};
    const char *name = config_current(req->call.services->config)->domains[0].name;
    int64_t limit;

    strbuf_init(&out, 0);
    TRY(open_view(req, &walk));
    TRY(query_int(req, "limit", BACKFILL_MAX, 1, BACKFILL_MAX, &limit));
    walk.frontier = query_strings(req, "v", STARTS_MAX, &walk.frontier_count);
    if (walk.frontier_count == 0)
        return fail(&req->error, M_MISSING_PARAM, "v is required.");
    for (size_t i = 0; i < walk.frontier_count; i++)
        map_set(walk.visited, walk.frontier[i], NULL);
    walk.found_max = (size_t)limit;
    TRY(run(&walk));
    strbuf_add_string(&out, "{\"origin\":");
    strbuf_add_json_string(&out, name, strlen(name));
    strbuf_printf(&out, ",\"origin_server_ts\":%lld,\"pdus\":", (long long)clock_wall_ms());
    answer_add_stored(&out, walk.found, walk.found_count);
    strbuf_add_char(&out, '}');
    return respond_buffer(req, &out);
}

static enum errcode read_ids(struct request *req, const char *name, const char ***out,
                             size_t *count_out)
{
    json_t *list, *id;
    size_t i;

    TRY(body_array_optional(req, name, &list));
    if (json_array_size(list) > STARTS_MAX)
        return fail(&req->error, M_TOO_LARGE, "%s has more than %d events.", name, STARTS_MAX);
    *out = ARENA_ARRAY(req->call.arena, json_array_size(list), const char *);
    *count_out = 0;
    json_array_foreach (list, i, id) {
        if (json_text(id) == NULL)
            return fail(&req->error, M_BAD_JSON, "%s must be event IDs.", name);
        (*out)[(*count_out)++] = json_text(id);
    }
    return OK;
}

/* The events before the latest ones: those are not told again. */
static enum errcode start_before(struct walk *walk, const char **latest, size_t count)
{
    struct request *req = walk->req;
    const char **next = ARENA_ARRAY(req->call.arena, LOOKED_AT_MAX, const char *);
    struct stored_event *events;
    size_t next_count = 0;

    for (size_t i = 0; i < count; i++)
        map_set(walk->visited, latest[i], NULL);
    TRY(events_load_by_ids(req->call.db, req->call.arena, latest, count, &events, &count));
    for (size_t i = 0; i < count; i++) {
        if (events[i].room_nid == room_nid(walk->view.room))
            TRY(push_prevs(walk, &events[i], next, &next_count));
    }
    walk->frontier = next;
    walk->frontier_count = next_count;
    return OK;
}

/* POST /_matrix/federation/v1/get_missing_events/{roomId} */
enum errcode federation_get_missing_previous_events(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;
    struct walk walk = {0};
    const char **earliest, **latest;
    size_t earliest_count, latest_count;
    int64_t limit;

    strbuf_init(&out, 0);
    TRY(open_view(req, &walk));
    TRY(body_int_optional(req, "limit", 10, &limit));
    TRY(body_int_optional(req, "min_depth", 0, &walk.min_depth));
    TRY(read_ids(req, "earliest_events", &earliest, &earliest_count));
    TRY(read_ids(req, "latest_events", &latest, &latest_count));
    walk.found_max = limit < 1 ? 1 : limit > MISSING_MAX ? MISSING_MAX : (size_t)limit;
    for (size_t i = 0; i < earliest_count; i++)
        map_set(walk.visited, earliest[i], NULL);
    TRY(start_before(&walk, latest, latest_count));
    TRY(run(&walk));
    /* Oldest first, so that each can be taken after those before it. */
    for (size_t i = 0; i < walk.found_count / 2; i++) {
        struct stored_event swapped = walk.found[i];
        walk.found[i] = walk.found[walk.found_count - 1 - i];
        walk.found[walk.found_count - 1 - i] = swapped;
    }
    strbuf_add_string(&out, "{\"events\":");
    answer_add_stored(&out, walk.found, walk.found_count);
    strbuf_add_char(&out, '}');
    return respond_buffer(req, &out);
}
