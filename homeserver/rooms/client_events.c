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

/* What was fetched for a list of events. */
struct preparation {
    struct call *call;
    const struct client_events *how;
    int64_t now_ms;
    const char **transaction_ids; /* parallel to the events; NULL: none is ours */
    struct stored_event *related; /* redactions and replaced state, ordered by position */
    size_t related_count;
    struct stored_event *memberships; /* the reader's own member events, oldest first */
    size_t membership_count;
    const char **relations; /* parallel to the events; NULL: not asked for */
};

static enum errcode fetch_transaction_ids(struct preparation *p, const struct stored_event *events,
                                          size_t count)
{
    const struct requester *requester = p->how->reader->requester;
    int64_t *nids = ARENA_ARRAY(p->call->arena, count, int64_t);
    bool any = false;

    if (requester == NULL || requester->device_id == NULL)
        return OK;
    for (size_t i = 0; i < count; i++) {
        bool is_own = events[i].sender_nid == requester->user_nid;
        nids[i] = is_own && events[i].effects == NULL ? events[i].event_nid : 0;
        any |= nids[i] != 0;
    }
    if (!any)
        return OK;
    return client_transactions_of_events(p->call->db, p->call->arena, requester->user_nid,
                                         requester->device_id, (struct nid_list){nids, count},
                                         &p->transaction_ids);
}

static enum errcode fetch_related(struct preparation *p, const struct stored_event *events,
                                  size_t count)
{
    ARRAY_OF(int64_t) nids = {0};

    for (size_t i = 0; i < count; i++) {
        if (events[i].redacted_by_nid != 0)
            array_push(p->call->arena, &nids, events[i].redacted_by_nid);
        if (events[i].replaces_nid != 0)
            array_push(p->call->arena, &nids, events[i].replaces_nid);
    }
    if (nids.count == 0)
        return OK;
    return events_load(p->call->db, p->call->arena, nids.items, nids.count, &p->related,
                       &p->related_count);
}

/* The membership is the present one for everything after the reader's latest member event; only for
 * what is older their history is needed. */
static enum errcode fetch_memberships(struct preparation *p, const struct stored_event *events,
                                      size_t count)
{
    const struct room_reader *reader = p->how->reader;
    int64_t key_nid;
    bool is_needed = false;

    if (p->how->without_membership)
        return OK;
    for (size_t i = 0; i < count; i++)
        is_needed |= events[i].position <= reader->membership.position;
    if (!is_needed || reader->requester == NULL)
        return OK;
    TRY(state_key_find(room_service_state_keys(p->call->services->rooms), p->call->db,
                       "m.room.member", reader->requester->user_id, &key_nid));
    if (key_nid == 0)
        return OK;
    return events_of_state_key(p->call->db, p->call->arena, room_nid(reader->room), key_nid,
                               &p->memberships, &p->membership_count);
}

/* Spec: `unsigned.membership`, the reader's membership at the event; "leave" when there was none.
 */
static const char *membership_at(const struct preparation *p, const struct stored_event *event)
{
    const struct membership_row *current = &p->how->reader->membership;
    const char *membership = NULL;

    if (p->how->reader->requester == NULL)
        return NULL;
    if (current->membership != 0 && event->position > current->position)
        return membership_to_text(current->membership);
    for (size_t i = 0; i < p->membership_count; i++) {
        if (p->memberships[i].position > event->position)
            break;
        if (event_subject_membership(p->call, &p->memberships[i], &membership) != OK)
            return NULL;
    }
    return membership != NULL ? membership : "leave";
}

static const struct stored_event *find_related(const struct preparation *p, int64_t nid)
{
    for (size_t i = 0; nid != 0 && i < p->related_count; i++) {
        if (p->related[i].event_nid == nid)
            return &p->related[i];
    }
    return NULL;
}

static const char *content_text(struct call *call, const struct stored_event *stored)
{
    struct event_subject subject;

    if (event_subject_read(call, stored, &subject) != OK)
        return NULL;
    return arena_strndup(call->arena, subject.content, subject.content_size);
}

static const char *redaction_text(const struct preparation *p, const struct stored_event *redaction)
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

static const char *transaction_id_of(const struct preparation *p, const struct stored_event *event,
                                     size_t i)
{
    const struct requester *requester = p->how->reader->requester;
    const struct event_effects *effects = event->effects;

    if (effects == NULL)
        return p->transaction_ids != NULL ? p->transaction_ids[i] : NULL;
    if (requester == NULL || requester->device_id == NULL || effects->transaction_id == NULL ||
        event->sender_nid != requester->user_nid ||
        strcmp(effects->transaction_device_id, requester->device_id) != 0)
        return NULL;
    return effects->transaction_id;
}

static void make_unsigned(const struct preparation *p, const struct stored_event *event, size_t i,
                          struct client_event_unsigned *out)
{
    const struct stored_event *redaction = find_related(p, event->redacted_by_nid);
    const struct stored_event *replaced = find_related(p, event->replaces_nid);

    *out = (struct client_event_unsigned){
        .has_age = true,
        .age_ms = p->now_ms > event->origin_server_ts ? p->now_ms - event->origin_server_ts : 0,
        .relations_json = p->relations != NULL ? p->relations[i] : NULL,
        .membership = p->how->without_membership ? NULL : membership_at(p, event),
        .transaction_id = transaction_id_of(p, event, i),
    };
    if (redaction != NULL)
        out->redacted_because_json = redaction_text(p, redaction);
    if (replaced != NULL) {
        out->replaces_state = replaced->event_id;
        out->prev_content_json = content_text(p->call, replaced);
    }
}

/* Keeps the fields that the filter asks for; the rare case, so a tree is built. */
static enum errcode keep_fields(const struct preparation *p, struct strbuf *out, size_t start)
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

static enum errcode write_one(const struct preparation *p, const struct stored_event *event,
                              size_t i, struct strbuf *out)
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

static enum errcode prepare(struct call *call, const struct client_events *how,
                            const struct stored_event *events, size_t count,
                            struct preparation *out)
{
    *out = (struct preparation){.call = call, .how = how, .now_ms = clock_wall_ms()};
    TRY(fetch_transaction_ids(out, events, count));
    TRY(fetch_related(out, events, count));
    TRY(fetch_memberships(out, events, count));
    if (how->with_relations && count > 0)
        TRY(bundled_relations_make(call, how, events, count, &out->relations));
    return OK;
}

enum errcode client_events_write(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count,
                                 struct strbuf *out)
{
    struct preparation p;

    TRY(prepare(call, how, events, count, &p));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strbuf_add_char(out, ',');
        TRY(write_one(&p, &events[i], i, out));
    }
    return OK;
}

enum errcode client_events_texts(struct call *call, const struct client_events *how,
                                 const struct stored_event *events, size_t count, const char ***out)
{
    struct preparation p;

    TRY(prepare(call, how, events, count, &p));
    *out = ARENA_ARRAY(call->arena, count, const char *);
    for (size_t i = 0; i < count; i++) {
        struct strbuf text;
        strbuf_init(&text, 0);
        enum errcode written = write_one(&p, &events[i], i, &text);
        if (written == OK)
            (*out)[i] = arena_strndup(call->arena, text.data, text.length);
        strbuf_finish(&text);
        TRY(written);
    }
    return OK;
}
