/* Checking and recording relations between events. */
#include "homeserver/rooms/relations.h"

#include <string.h>

#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/relations.h"
#include "storage/events.h"
#include "storage/relations.h"

/* Longer ones are nobody's convention, and would not fit into an index. */
enum { REL_TYPE_BYTES_MAX = 255 };

static bool is_kind(const struct relation *relation, const char *rel_type)
{
    return strcmp(relation->rel_type, rel_type) == 0;
}

static bool read_relation(const json_t *content, struct relation *out)
{
    return relation_of(content, out) && event_id_is_valid(out->target) &&
           strlen(out->rel_type) <= REL_TYPE_BYTES_MAX;
}

/* Spec: "Avoiding duplicate annotations". */
static enum errcode check_annotation(struct call *call, struct room *room,
                                     const struct event_draft *draft,
                                     const struct relation *relation)
{
    const struct stored_relation wanted = {
        .room_nid = room_nid(room),
        .sender_nid = draft->sender_nid,
        .parent_id = relation->target,
        .rel_type = relation->rel_type,
        .event_type = draft->type,
        .key = relation->key,
    };
    bool is_repeated;

    if (relation->key == NULL)
        return OK;
    TRY(relation_is_repeated(call->db, call->arena, &wanted, &is_repeated));
    return is_repeated ? M_DUPLICATE_ANNOTATION : OK;
}

/* Spec: "Validation of m.thread relationships". */
static enum errcode check_thread(struct call *call, struct room *room,
                                 const struct relation *relation)
{
    struct stored_event root;
    json_t *json;

    enum errcode found = event_load_by_id(call->db, call->arena, relation->target, &root);
    if (found == M_NOT_FOUND || (found == OK && root.room_nid != room_nid(room)))
        return OK;
    TRY(found);
    TRY(json_parse_object(call->arena, root.json, root.json_size, call->error, &json));
    if (relation_may_start_thread(json_get_object(json, "content")))
        return OK;
    return fail(call->error, M_UNKNOWN,
                "A thread can not begin at an event that is related to another one.");
}

enum errcode relations_check(struct call *call, struct room *room, const struct event_draft *draft)
{
    struct relation relation;

    if (draft->state_key != NULL || !read_relation(draft->content, &relation))
        return OK;
    if (is_kind(&relation, "m.annotation"))
        return check_annotation(call, room, draft, &relation);
    if (is_kind(&relation, "m.thread"))
        return check_thread(call, room, &relation);
    return OK;
}

/* The half of a valid edit that does not depend on the original; see relation_is_valid_edit(). */
static bool may_be_edit(const struct event *event, const struct relation *relation)
{
    return is_kind(relation, "m.replace") && event->state_key == NULL &&
           (strcmp(event->type, "m.room.encrypted") == 0 ||
            json_get_object(event->content, "m.new_content") != NULL);
}

void relations_persist_in(struct journal_entry *entry, const struct relating *relating)
{
    const struct event *event = relating->event;
    struct relation relation;

    if (!read_relation(event->content, &relation))
        return;
    const struct stored_relation row = {
        .event_nid = relating->event_nid,
        .room_nid = relating->room_nid,
        .sender_nid = relating->sender_nid,
        .origin_server_ts = event->origin_server_ts,
        .parent_id = relation.target,
        .rel_type = relation.rel_type,
        .event_type = event->type,
        .key = relation.key,
        .is_edit = may_be_edit(event, &relation),
    };
    if (relating->is_own && event->state_key == NULL && row.key != NULL)
        relation_add_once_in(entry, &row);
    else
        relation_add_in(entry, &row);
    if (is_kind(&relation, "m.thread"))
        thread_advance_in(entry, row.room_nid, row.parent_id);
}

void relations_redact_in(struct journal_entry *entry, int64_t room_nid, int64_t event_nid,
                         const struct event *event)
{
    struct relation relation;

    if (!read_relation(event->content, &relation))
        return;
    relation_remove_in(entry, event_nid);
    if (is_kind(&relation, "m.thread"))
        thread_shrink_in(entry, room_nid, relation.target);
}
