/*
 * Searching messages, room names and topics.
 * Spec: client-server API, "Server Side Search" (search.yaml).
 */
#include "storage/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/base/utf8.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/client_api/search_answer.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/rooms.h"

enum {
    LIMIT_DEFAULT = 10,
    LIMIT_MAX = 50,
    CONTEXT_DEFAULT = 5,
    CONTEXT_MAX = 50,
    TERM_BYTES_MAX = 1000,
    /* So many of the newest hits are ranked, and counted. */
    HITS_MAX = 1000,
    KEYS = 3,
};

struct search_request {
    struct search_query query;
    bool by_rank;  /* the best first; otherwise the newest first */
    int64_t limit; /* of a page */
    int64_t skip;  /* by rank: results of earlier pages */
    int64_t total; /* by age: as the first page counted; 0: this is the first page */
    struct search_style style;
    const struct event_filter *filter;
    int64_t keys[KEYS];
};

static enum errcode read_keys(struct request *req, json_t *criteria, struct search_request *out)
{
    static const char *const names[KEYS] = {"content.body", "content.name", "content.topic"};
    json_t *keys = json_get_array(criteria, "keys"), *key;
    bool wanted[KEYS] = {false};
    size_t i;

    json_array_foreach (keys, i, key) {
        size_t j = 0;
        while (j < KEYS && (!json_is_string(key) || strcmp(json_string_value(key), names[j]) != 0))
            j++;
        if (j == KEYS)
            return fail(&req->error, M_INVALID_PARAM, "keys[%zu] can not be searched.", i);
        wanted[j] = true;
    }
    for (int64_t j = 0; j < KEYS; j++) {
        if (keys == NULL || wanted[j])
            out->keys[out->query.key_count++] = j + SEARCH_BODY;
    }
    return OK;
}

static enum errcode read_order(struct request *req, json_t *criteria, struct search_request *out)
{
    const char *order = json_get_string(criteria, "order_by");

    out->by_rank = order == NULL || strcmp(order, "rank") == 0;
    if (!out->by_rank && strcmp(order, "recent") != 0)
        return fail(&req->error, M_INVALID_PARAM, "order_by must be rank or recent.");
    return OK;
}

static int64_t read_count(const json_t *object, const char *name)
{
    int64_t count = CONTEXT_DEFAULT;

    if (!json_get_int(object, name, &count) || count < 0)
        return count < 0 ? 0 : CONTEXT_DEFAULT;
    return count < CONTEXT_MAX ? count : CONTEXT_MAX;
}

static enum errcode read_style(struct request *req, json_t *criteria, struct search_style *out)
{
    json_t *context = json_get_object(criteria, "event_context"), *group;
    json_t *groups = json_get_array(json_get_object(criteria, "groupings"), "group_by");
    size_t i;

    out->with_context = context != NULL;
    out->before_limit = read_count(context, "before_limit");
    out->after_limit = read_count(context, "after_limit");
    out->with_profiles = json_get_bool(context, "include_profile", false);
    out->with_state = json_get_bool(criteria, "include_state", false);
    json_array_foreach (groups, i, group) {
        const char *key = json_get_string(group, "key");
        bool by_room = key != NULL && strcmp(key, "room_id") == 0;
        if (!by_room && (key == NULL || strcmp(key, "sender") != 0))
            return fail(&req->error, M_INVALID_PARAM, "Results are grouped by room_id or sender.");
        *(by_room ? &out->group_by_room : &out->group_by_sender) = true;
    }
    return OK;
}

/* `r<results so far>` by rank, `t<position>.<results in all>` by age. */
static enum errcode read_token(struct request *req, struct search_request *out)
{
    const char *token = query_string(req, "next_batch");
    int64_t *place = out->by_rank ? &out->skip : &out->query.until_position;
    int end = 0;

    out->query.until_position = journal_position(req->call.services->journal);
    if (token == NULL)
        return OK;
    if (strlen(token) <= 40 && *token == (out->by_rank ? 'r' : 't')) {
        if (out->by_rank)
            (void)sscanf(token + 1, "%18" SCNd64 "%n", place, &end);
        else
            (void)sscanf(token + 1, "%18" SCNd64 ".%18" SCNd64 "%n", place, &out->total, &end);
    }
    if (end == 0 || token[1 + end] != '\0' || *place < 0 || out->skip > HITS_MAX ||
        out->total < 0 || out->total > HITS_MAX)
        return fail(&req->error, M_INVALID_PARAM, "next_batch is no token of this server.");
    return OK;
}

/* Members that may be left out, but not be something else. */
static enum errcode check_types(struct request *req, const json_t *criteria)
{
    static const struct {
        const char *name;
        json_type type; /* JSON_TRUE: either boolean */
    } members[] = {
        {"event_context", JSON_OBJECT}, {"filter", JSON_OBJECT}, {"groupings", JSON_OBJECT},
        {"include_state", JSON_TRUE},   {"keys", JSON_ARRAY},    {"order_by", JSON_STRING},
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const json_t *value = json_object_get(criteria, members[i].name);
        if (value == NULL || json_is_null(value))
            continue;
        if ((json_is_boolean(value) ? JSON_TRUE : json_typeof(value)) != members[i].type)
            return fail(&req->error, M_BAD_JSON, "%s has the wrong type.", members[i].name);
    }
    return OK;
}

static enum errcode read_request(struct request *req, json_t *criteria, struct search_request *out)
{
    json_t *filter = json_get_object(criteria, "filter");
    int64_t limit = LIMIT_DEFAULT;
    const char *term;
    size_t length;

    TRY(check_types(req, criteria));
    TRY(json_require_string(criteria, "search_term", &req->error, &term));
    if (strlen(term) > TERM_BYTES_MAX)
        return fail(&req->error, M_INVALID_PARAM, "The search term is too long.");
    out->query.term = utf8_casefold(req->call.arena, term, strlen(term), &length);
    TRY(read_keys(req, criteria, out));
    TRY(read_order(req, criteria, out));
    TRY(read_style(req, criteria, &out->style));
    TRY(event_filter_parse(req->call.arena, filter, &req->error, &out->filter));
    if (json_get_int(filter, "limit", &limit) && (limit < 1 || limit > LIMIT_MAX))
        limit = limit < 1 ? 1 : LIMIT_MAX;
    out->limit = limit;
    return read_token(req, out);
}

static bool passes_room(const struct event_filter *filter, const char *room_id)
{
    return (!filter->rooms.present || map_contains(filter->rooms.ids, room_id)) &&
           (!filter->not_rooms.present || !map_contains(filter->not_rooms.ids, room_id));
}

/* Spec: rooms that the user is in or was in, as far as the filter names them. */
static enum errcode find_rooms(struct request *req, struct search_request *search)
{
    struct membership_row *rows;
    int64_t *nids, *until;
    const char **ids;
    size_t count;

    TRY(memberships_of_user(req->call.db, req->call.arena, req->requester.user_nid, false, &rows,
                            &count));
    nids = ARENA_ARRAY(req->call.arena, count, int64_t);
    until = ARENA_ARRAY(req->call.arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        nids[i] = rows[i].room_nid;
    TRY(room_ids_load(req->call.db, req->call.arena, nids, count, &ids));
    for (size_t i = 0; i < count; i++) {
        bool is_in = rows[i].membership == STORED_JOIN;
        if (ids[i] == NULL || (!is_in && rows[i].last_join_position == 0) ||
            !passes_room(search->filter, ids[i]))
            continue;
        nids[search->query.room_count] = rows[i].room_nid;
        until[search->query.room_count++] = is_in ? INT64_MAX : rows[i].position;
    }
    search->query.room_nids = nids;
    search->query.until = until;
    search->query.keys = search->keys;
    return OK;
}

static int compare_ranks(const void *one, const void *other)
{
    const struct search_hit *a = one, *b = other;

    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    return a->position != b->position ? (a->position > b->position ? -1 : 1) : 0;
}

static const char *next_token(struct arena *arena, const struct search_request *search,
                              const struct search_found *found)
{
    if (search->by_rank)
        return arena_printf(arena, "r%" PRId64, search->skip + search->limit);
    return arena_printf(arena, "t%" PRId64 ".%" PRId64, found->hits[search->limit - 1].position - 1,
                        found->total);
}

/* The page of all the hits. Spec, `count`: "An approximate count of the total number of results".
 */
static void choose_page(struct arena *arena, const struct search_request *search,
                        struct search_hit *hits, size_t count, struct search_found *out)
{
    size_t skip = (size_t)search->skip;

    out->total = search->total > 0 ? search->total : (int64_t)count;
    if (skip >= count)
        return;
    if (search->by_rank)
        qsort(hits, count, sizeof(*hits), compare_ranks);
    out->hits = hits + skip;
    out->hit_count = count - skip;
    if (out->hit_count <= (size_t)search->limit)
        return;
    out->hit_count = (size_t)search->limit;
    out->next_batch = next_token(arena, search, out);
}

static enum errcode run(struct request *req, struct search_request *search, json_t **out)
{
    struct search_found found = {.style = &search->style, .filter = search->filter};
    struct search_hit *hits;
    size_t count;

    TRY(find_rooms(req, search));
    search->query.limit = search->total > 0 ? search->limit + 1 : HITS_MAX;
    TRY(search_events(req->call.db, req->call.arena, &search->query, &hits, &count));
    choose_page(req->call.arena, search, hits, count, &found);
    TRY(search_words(req->call.db, req->call.arena, search->query.term, &found.words,
                     &found.word_count));
    return search_answer_make(req, &found, out);
}

/* POST /_matrix/client/v3/search */
enum errcode client_search(struct request *req)
{
    struct search_request search = {0};
    json_t *categories, *criteria, *results;

    TRY(body_object(req, "search_categories", &categories));
    criteria = json_object_get(categories, "room_events");
    if (criteria == NULL)
        return respond(req, 200, json_pack("{s:{}}", "search_categories"));
    if (!json_is_object(criteria))
        return fail(&req->error, M_BAD_JSON, "room_events must be an object.");
    TRY(read_request(req, criteria, &search));
    TRY(run(req, &search, &results));
    return respond(req, 200, json_pack("{s:{s:O}}", "search_categories", "room_events", results));
}
