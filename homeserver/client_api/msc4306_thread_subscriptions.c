/* Which threads a user follows. Spec: MSC4306; the list of changes: MSC4308; under the names of the
 * unstable API. */
#include <string.h>

#include "config/config.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/push/event_thread.h"
#include "homeserver/rooms/visibility.h"
#include "homeserver/services.h"
#include "homeserver/sync/thread_changes.h"
#include "storage/journal.h"
#include "storage/thread_subscriptions.h"

/* As if the paths did not exist: clients look at unstable_features, others learn it here. */
static enum errcode check_enabled(struct request *req)
{
    if (config_current(req->call.services->config)->rooms.thread_subscriptions)
        return OK;
    return fail(&req->error, M_UNRECOGNIZED, "This server has no thread subscriptions.");
}

/* The thread of the path. M_NOT_FOUND also when the user may not see it. */
static enum errcode open_thread(struct request *req, struct room_reader *reader,
                                struct thread_subscription *out)
{
    struct stored_event root;
    const char *room_id;

    TRY(check_enabled(req));
    TRY(path_room_id(req, "roomId", &room_id));
    TRY(path_event_id(req, "eventId", &out->root_event_id));
    enum errcode seen = room_reader_make(&req->call, room_id, &req->requester, reader);
    if (seen == OK)
        seen = visible_event_load(&req->call, reader, out->root_event_id, &root);
    if (seen == M_FORBIDDEN || seen == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no such thread.");
    TRY(seen);
    out->user_nid = req->requester.user_nid;
    out->room_nid = room_nid(reader->room);
    return OK;
}

/* Where in the thread the event is because of which the client subscribes its user. */
static enum errcode find_cause(struct request *req, const struct room_reader *reader,
                               const struct thread_subscription *subscription, const char *event_id,
                               int64_t *position_out)
{
    struct stored_event cause;
    const char *root;
    json_t *json;

    enum errcode found = visible_event_load(&req->call, reader, event_id, &cause);
    if (found == M_NOT_FOUND)
        return M_NOT_IN_THREAD;
    TRY(found);
    TRY(json_parse_object(req->call.arena, cause.json, cause.json_size, &req->error, &json));
    TRY(event_thread_root(&req->call, subscription->room_nid, json_get_object(json, "content"),
                          &root));
    if (root == NULL || strcmp(root, subscription->root_event_id) != 0)
        return M_NOT_IN_THREAD;
    *position_out = cause.position;
    return OK;
}

/* MSC4306, "Server-side automatic subscription ordering": what the user knew when leaving the
 * thread does not bring them back. */
static enum errcode check_order(struct request *req, const struct thread_subscription *wanted,
                                int64_t cause_position)
{
    struct thread_subscription now;
    enum errcode found = thread_subscription_load(req->call.db, req->call.arena, wanted->user_nid,
                                                  wanted->room_nid, wanted->root_event_id, &now);

    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    return now.is_subscribed || now.unsubscribed_position < cause_position
               ? OK
               : M_CONFLICTING_UNSUBSCRIPTION;
}

static void submit(struct request *req, struct journal_entry *entry)
{
    journal_entry_wake_user(entry, req->requester.user_nid);
    journal_submit(req->call.services->journal, entry, req->call.commits);
}

/* PUT /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription */
enum errcode client_subscribe_to_thread(struct request *req)
{
    struct thread_subscription subscription = {.is_subscribed = true};
    struct room_reader reader;
    const char *cause;
    int64_t cause_position = 0;

    TRY(body_string_optional(req, "automatic", &cause));
    TRY(open_thread(req, &reader, &subscription));
    subscription.is_automatic = cause != NULL;
    if (cause != NULL) {
        TRY(find_cause(req, &reader, &subscription, cause, &cause_position));
        TRY(check_order(req, &subscription, cause_position));
    }
    struct journal_entry *entry = journal_entry_create();
    thread_subscribe_in(entry, &subscription, cause_position);
    submit(req, entry);
    return respond_empty(req);
}

/* DELETE … */
enum errcode client_unsubscribe_from_thread(struct request *req)
{
    struct thread_subscription subscription = {0};
    struct room_reader reader;

    TRY(open_thread(req, &reader, &subscription));
    struct journal_entry *entry = journal_entry_create();
    thread_unsubscribe_in(entry, &subscription);
    submit(req, entry);
    return respond_empty(req);
}

/* GET … */
enum errcode client_get_thread_subscription(struct request *req)
{
    struct thread_subscription subscription = {0};
    struct room_reader reader;

    TRY(open_thread(req, &reader, &subscription));
    enum errcode found =
        thread_subscription_load(req->call.db, req->call.arena, subscription.user_nid,
                                 subscription.room_nid, subscription.root_event_id, &subscription);
    if (found == M_NOT_FOUND || (found == OK && !subscription.is_subscribed))
        return fail(&req->error, M_NOT_FOUND, "You do not follow this thread.");
    TRY(found);
    return respond(req, 200, json_pack("{s:b}", "automatic", subscription.is_automatic));
}

/* A position in the query: of our own tokens, or of sliding sync's. */
static enum errcode read_token(struct request *req, const char *name, int64_t *out)
{
    const char *text = query_string(req, name);

    if (text == NULL)
        return OK;
    return page_token_parse(text, journal_position(req->call.services->journal), &req->error, out);
}

/* GET /_matrix/client/unstable/io.element.msc4308/thread_subscriptions */
enum errcode client_get_thread_subscriptions(struct request *req)
{
    struct position_range range = {0, journal_position(req->call.services->journal), 0};
    const char *direction = query_string(req, "dir");
    int64_t older;
    json_t *changes;

    TRY(check_enabled(req));
    if (direction == NULL)
        return fail(&req->error, M_MISSING_PARAM, "dir must be given.");
    if (strcmp(direction, "b") != 0)
        return fail(&req->error, M_INVALID_PARAM, "dir must be b.");
    TRY(query_int(req, "limit", THREAD_CHANGES_DEFAULT, INT64_MIN, THREAD_CHANGES_MAX,
                  &range.limit));
    if (range.limit < 1)
        return fail(&req->error, M_INVALID_PARAM, "limit must be greater than zero.");
    TRY(read_token(req, "from", &range.until));
    TRY(read_token(req, "to", &range.since));
    TRY(thread_changes(&req->call, req->requester.user_nid, range, &changes, &older));
    if (older != 0)
        json_object_set_new(changes, "end", json_string(page_token_format(req->call.arena, older)));
    return respond(req, 200, json_incref(changes));
}
