/*
 * The threads of a room.
 * Spec: client-server API, "Threading" (threads_list.yaml).
 */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/relations.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 100 };

static enum errcode read_query(struct request *req, const struct room_reader *reader,
                               struct threads_query *out)
{
    const char *include = query_string(req, "include"), *from = query_string(req, "from");

    *out = (struct threads_query){.room_nid = room_nid(reader->room), .until = reader->until};
    if (include != NULL && strcmp(include, "participated") == 0)
        out->viewer_nid = req->requester.user_nid;
    else if (include != NULL && strcmp(include, "all") != 0)
        return fail(&req->error, M_INVALID_PARAM, "include must be all or participated.");
    TRY(query_int(req, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, &out->limit));
    if (from == NULL)
        return OK;
    TRY(page_token_parse(from, journal_position(req->call.services->journal), &req->error,
                         &out->until));
    if (out->until > reader->until)
        out->until = reader->until;
    return OK;
}

/* The roots in the order of the list, which is not that of the timeline. */
static enum errcode load_roots(struct request *req, const struct thread_place *places, size_t count,
                               struct stored_event **out, size_t *count_out)
{
    struct stored_event *loaded;
    int64_t *nids = ARENA_ARRAY(req->call.arena, count, int64_t);
    size_t loaded_count;

    for (size_t i = 0; i < count; i++)
        nids[i] = places[i].root_nid;
    TRY(events_load(req->call.db, req->call.arena, nids, count, &loaded, &loaded_count));
    *out = ARENA_ARRAY(req->call.arena, count, struct stored_event);
    *count_out = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < loaded_count; j++) {
            if (loaded[j].event_nid == nids[i])
                (*out)[(*count_out)++] = loaded[j];
        }
    }
    return OK;
}

/* Spec: the root of an ignored user is shown redacted. */
static enum errcode redact_root(struct request *req, const struct room_version *version,
                                struct stored_event *root)
{
    enum canonical_json_rules rules =
        version->strict_canonical_json ? CANONICAL_JSON_STRICT : CANONICAL_JSON_LEGACY;
    struct strbuf bytes;
    json_t *json;

    TRY(json_parse_object(req->call.arena, root->json, root->json_size, &req->error, &json));
    json_auto_t *redacted = redaction_apply(version, json);
    strbuf_init(&bytes, 0);
    enum errcode written = canonical_json_write(redacted, rules, &bytes, NULL);
    if (written == OK) {
        root->json = arena_strndup(req->call.arena, bytes.data, bytes.length);
        root->json_size = bytes.length;
    }
    strbuf_finish(&bytes);
    return written;
}

static enum errcode redact_ignored(struct request *req, const struct room_reader *reader,
                                   struct stored_event *roots, size_t count)
{
    struct nid_list ignored;

    TRY(ignored_senders_load(&req->call, req->requester.user_nid, &ignored));
    for (size_t i = 0; i < count; i++) {
        if (ignored_senders_have(&ignored, roots[i].sender_nid))
            TRY(redact_root(req, room_version_of(reader->room), &roots[i]));
    }
    return OK;
}

static enum errcode write_threads(struct request *req, const struct room_reader *reader,
                                  const struct threads_query *query, struct strbuf *body)
{
    const struct client_events how = {
        .reader = reader, .with_room_id = true, .with_relations = true};
    struct thread_place *places;
    struct stored_event *roots;
    size_t count, root_count;

    TRY(threads_list(req->call.db, req->call.arena, query, &places, &count));
    TRY(load_roots(req, places, count, &roots, &root_count));
    TRY(visibility_filter(&req->call, reader, roots, &root_count));
    TRY(redact_ignored(req, reader, roots, root_count));
    strbuf_add_string(body, "{\"chunk\":[");
    TRY(client_events_write(&req->call, &how, roots, root_count, body));
    strbuf_add_char(body, ']');
    if (count == (size_t)query->limit) {
        int64_t next = places[count - 1].latest_position - 1;
        strbuf_printf(body, ",\"next_batch\":\"%s\"", page_token_format(req->call.arena, next));
    }
    strbuf_add_char(body, '}');
    return OK;
}

/* GET /_matrix/client/v1/rooms/{roomId}/threads */
enum errcode client_get_thread_roots(struct request *req)
{
    struct threads_query query;
    struct room_reader reader;
    struct strbuf body;
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(room_reader_make(&req->call, room_id, &req->requester, &reader));
    TRY(read_query(req, &reader, &query));
    strbuf_init(&body, 0);
    enum errcode written = write_threads(req, &reader, &query, &body);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}
