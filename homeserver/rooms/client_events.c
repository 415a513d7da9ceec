/*
 * From stored events to client events. What many events need is fetched once for all of them:
 * transaction IDs, what redacted them, the state they replaced, the reader's memberships.
 */
#include "homeserver/rooms/client_events.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/bundled_relations.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/client_transactions.h"
#include "storage/recent_events.h"

/* What was fetched for a list of events. */
struct event_needs {
    int64_t now_ms;
    const char **transaction_ids; /* parallel to the events; NULL: none is ours */
    struct stored_event *related; /* of all lists: redactions and replaced state, by event_nid */
    size_t related_count;
    struct stored_event *memberships; /* the reader's own member events, oldest first */
    size_t membership_count;
    const char **relations; /* parallel to the events; NULL: not asked for */
};

/* Lists that are prepared together. */
struct preparing {
    struct call *call;
    struct client_events_list *lists;
    size_t count;
};

static bool is_own_unknown(const struct requester *requester, const struct stored_event *event)
{
    return event->sender_nid == requester->user_nid && event->effects == NULL;
}

static enum errcode fetch_transaction_ids(struct preparing *p)
{
    const struct requester *requester = p->lists[0].how.reader->requester;
    ARRAY_OF(int64_t) nids = {0};
    const char **ids;
    size_t next = 0;

    if (requester == NULL || requester->device_id == NULL)
        return OK;
    for (size_t l = 0; l < p->count; l++) {
        for (size_t i = 0; i < p->lists[l].count; i++) {
            if (is_own_unknown(requester, &p->lists[l].events[i]))
                array_push(p->call->arena, &nids, p->lists[l].events[i].event_nid);
        }
    }
    if (nids.count == 0)
        return OK;
    TRY(client_transactions_of_events(p->call->db, p->call->arena, requester->device_id,
                                      (struct nid_list){nids.items, nids.count}, &ids));
    for (size_t l = 0; l < p->count; l++) {
        const struct client_events_list *list = &p->lists[l];
        list->needs->transaction_ids = ARENA_ARRAY(p->call->arena, list->count, const char *);
        for (size_t i = 0; i < list->count; i++) {
            if (is_own_unknown(requester, &list->events[i]))
                list->needs->transaction_ids[i] = ids[next++];
        }
    }
    return OK;
}

static int by_nid(const void *a, const void *b)
{
    const struct stored_event *left = a, *right = b;

    return left->event_nid < right->event_nid ? -1 : left->event_nid > right->event_nid;
}

static enum errcode fetch_related(struct preparing *p)
{
    ARRAY_OF(int64_t) nids = {0};
    struct stored_event *related;
    size_t count;

    for (size_t l = 0; l < p->count; l++) {
        for (size_t i = 0; i < p->lists[l].count; i++) {
            const struct stored_event *event = &p->lists[l].events[i];
            if (event->redacted_by_nid != 0)
                array_push(p->call->arena, &nids, event->redacted_by_nid);
            if (event->replaces_nid != 0)
                array_push(p->call->arena, &nids, event->replaces_nid);
        }
    }
    if (nids.count == 0)
        return OK;
    TRY(recent_events_load(p->call->services->recent_events, p->call->db, p->call->arena,
                           (struct nid_list){nids.items, nids.count}, &related, &count));
    qsort(related, count, sizeof(*related), by_nid);
    for (size_t l = 0; l < p->count; l++) {
        p->lists[l].needs->related = related;
        p->lists[l].needs->related_count = count;
    }
    return OK;
}

/* The membership is the present one for everything after the reader's latest member event; only for
 * what is older their history is needed. */
static bool needs_memberships(const struct client_events_list *list)
{
    bool is_needed = false;

    if (list->how.without_membership || list->how.reader->requester == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++)
        is_needed |= list->events[i].position <= list->how.reader->membership.position;
    return is_needed;
}

static enum errcode fetch_memberships(struct preparing *p)
{
    int64_t *nids = ARENA_ARRAY(p->call->arena, p->count, int64_t), key_nid;
    struct nid_list rooms = {nids, 0};
    struct stored_event *events;
    size_t count;

    for (size_t l = 0; l < p->count; l++) {
        if (needs_memberships(&p->lists[l]))
            nids[rooms.count++] = room_nid(p->lists[l].how.reader->room);
    }
    if (rooms.count == 0)
        return OK;
    TRY(state_key_find(room_service_state_keys(p->call->services->rooms), p->call->db,
                       "m.room.member", p->lists[0].how.reader->requester->user_id, &key_nid));
    if (key_nid == 0)
        return OK;
    TRY(events_of_state_key(p->call->db, p->call->arena, rooms, key_nid, &events, &count));
    for (size_t l = 0; l < p->count; l++) {
        struct event_needs *needs = p->lists[l].needs;
        needs->memberships = events_part_of_room(
            events, count, room_nid(p->lists[l].how.reader->room), &needs->membership_count);
    }
    return OK;
}

static enum errcode fetch_relations(struct preparing *p)
{
    const char ***texts = ARENA_ARRAY(p->call->arena, p->count, const char **);

    TRY(bundled_relations_make(p->call, p->lists, p->count, texts));
    for (size_t l = 0; l < p->count; l++)
        p->lists[l].needs->relations = texts[l];
    return OK;
}

/* What one event is written from. */
struct writing {
    struct call *call;
    const struct client_events *how;
    const struct event_needs *needs;
};

/* Spec: `unsigned.membership`, the reader's membership at the event; "leave" when there was none.
 */
static const char *membership_at(const struct writing *p, const struct stored_event *event)
{
    const struct membership_row *current = &p->how->reader->membership;
    const char *membership = NULL;

    if (p->how->reader->requester == NULL)
        return NULL;
    if (current->membership != 0 && event->position > current->position)
        return membership_to_text(current->membership);
    for (size_t i = 0; i < p->needs->membership_count; i++) {
        if (p->needs->memberships[i].position > event->position)
            break;
        if (event_subject_membership(p->call, &p->needs->memberships[i], &membership) != OK)
            return NULL;
    }
    return membership != NULL ? membership : "leave";
}

static const struct stored_event *find_related(const struct writing *p, int64_t nid)
{
    const struct stored_event wanted = {.event_nid = nid};

    if (nid == 0 || p->needs->related_count == 0)
        return NULL;
    return bsearch(&wanted, p->needs->related, p->needs->related_count, sizeof(wanted), by_nid);
}

static const char *sender_text(struct call *call, const struct stored_event *stored)
{
    struct event_subject subject;

    return event_subject_read(call, stored, &subject) == OK ? subject.sender : NULL;
}

static const char *content_text(struct call *call, const struct stored_event *stored)
{
    struct event_subject subject;

    if (event_subject_read(call, stored, &subject) != OK)
        return NULL;
    return arena_strndup(call->arena, subject.content, subject.content_size);
}

static const char *redaction_text(const struct writing *p, const struct stored_event *redaction)
{
    const struct client_event_options options = {
        .version = room_version_of(p->how->reader->room),
        .event_id = redaction->event_id,
        .room_id = room_id(p->how->reader->room),
    };
    struct strbuf text;
    const char *copy = NULL;

    strbuf_init(&text, 2 * EVENT_BYTES_MAX);
    if (client_event_write(&text, redaction->json, redaction->json_size, &options) == OK &&
        !text.overflowed)
        copy = arena_strdup(p->call->arena, text.data);
    strbuf_finish(&text);
    return copy;
}

static const char *transaction_id_of(const struct writing *p, const struct stored_event *event,
                                     size_t i)
{
    const struct requester *requester = p->how->reader->requester;
    const struct event_effects *effects = event->effects;

    if (effects == NULL)
        return p->needs->transaction_ids != NULL ? p->needs->transaction_ids[i] : NULL;
    if (requester == NULL || requester->device_id == NULL || effects->transaction_id == NULL ||
        event->sender_nid != requester->user_nid ||
        strcmp(effects->transaction_device_id, requester->device_id) != 0)
        return NULL;
    return effects->transaction_id;
}

static void make_unsigned(const struct writing *p, const struct stored_event *event, size_t i,
                          struct client_event_unsigned *out)
{
    const struct stored_event *redaction = find_related(p, event->redacted_by_nid);
    const struct stored_event *replaced = find_related(p, event->replaces_nid);

    *out = (struct client_event_unsigned){
        .has_age = true,
        .age_ms = p->needs->now_ms > event->origin_server_ts
                      ? p->needs->now_ms - event->origin_server_ts
                      : 0,
        .relations_json = p->needs->relations != NULL ? p->needs->relations[i] : NULL,
        .membership = p->how->without_membership ? NULL : membership_at(p, event),
        .transaction_id = transaction_id_of(p, event, i),
    };
    if (redaction != NULL)
        out->redacted_because_json = redaction_text(p, redaction);
    if (replaced != NULL) {
        out->replaces_state = replaced->event_id;
        out->prev_content_json = content_text(p->call, replaced);
        out->prev_sender = sender_text(p->call, replaced);
    }
}

/* Keeps the fields that the filter asks for; the rare case, so a tree is built. */
static enum errcode keep_fields(const struct writing *p, struct strbuf *out, size_t start)
{
    json_t *event;

    TRY(json_parse_object(p->call->arena, out->data + start, out->length - start, p->call->error,
                          &event));
    json_auto_t *kept = filter_event_fields(p->how->filter, event);
    char *text = json_dumps(kept, JSON_COMPACT);
    if (text == NULL)
        return E_SYSTEM;
    strbuf_truncate(out, start);
    strbuf_add_string(out, text);
    free(text);
    return OK;
}

static enum errcode write_one(const struct writing *p, const struct stored_event *event, size_t i,
                              struct strbuf *out)
{
    struct client_event_unsigned unsigned_members;
    const struct client_event_options options = {
        .version = room_version_of(p->how->reader->room),
        .event_id = event->event_id,
        .room_id = p->how->with_room_id ? room_id(p->how->reader->room) : NULL,
        .unsigned_members = &unsigned_members,
        .format = p->how->format,
    };
    size_t start = out->length;

    make_unsigned(p, event, i, &unsigned_members);
    TRY(client_event_write(out, event->json, event->json_size, &options));
    if (p->how->filter != NULL && p->how->filter->has_event_fields)
        return keep_fields(p, out, start);
    return OK;
}

enum errcode client_events_prepare(struct call *call, struct client_events_list *lists,
                                   size_t count)
{
    struct preparing p = {.call = call, .lists = lists, .count = count};
    int64_t now_ms = clock_wall_ms();

    if (count == 0)
        return OK;
    for (size_t l = 0; l < count; l++) {
        lists[l].needs = ARENA_NEW(call->arena, struct event_needs);
        lists[l].needs->now_ms = now_ms;
    }
    TRY(fetch_transaction_ids(&p));
    TRY(fetch_related(&p));
    TRY(fetch_memberships(&p));
    return fetch_relations(&p);
}

enum errcode client_events_write_list(struct call *call, const struct client_events_list *list,
                                      struct strbuf *out)
{
    const struct writing writing = {.call = call, .how = &list->how, .needs = list->needs};

    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            strbuf_add_char(out, ',');
        TRY(write_one(&writing, &list->events[i], i, out));
    }
    return OK;
}

enum errcode client_events_list_texts(struct call *call, const struct client_events_list *list,
                                      const char ***out)
{
    const struct writing writing = {.call = call, .how = &list->how, .needs = list->needs};

    *out = ARENA_ARRAY(call->arena, list->count, const char *);
    for (size_t i = 0; i < list->count; i++) {
        struct strbuf text;
        strbuf_init(&text, 0);
        enum errcode written = write_one(&writing, &list->events[i], i, &text);
        if (written == OK)
            (*out)[i] = arena_strndup(call->arena, text.data, text.length);
        strbuf_finish(&text);
        TRY(written);
    }
    return OK;
}

enum errcode client_events_write(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count,
                                 struct strbuf *out)
{
    struct client_events_list list = {.how = *how, .events = events, .count = count};

    TRY(client_events_prepare(call, &list, 1));
    return client_events_write_list(call, &list, out);
}

enum errcode client_events_texts(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count, const char ***out)
{
    struct client_events_list list = {.how = *how, .events = events, .count = count};

    TRY(client_events_prepare(call, &list, 1));
    return client_events_list_texts(call, &list, out);
}
