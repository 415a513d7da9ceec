/* Following relations up to a thread's root. */
#include "homeserver/push/event_thread.h"

#include <string.h>

#include "homeserver/protocol/json.h"
#include "storage/events.h"

enum { HOPS_MAX = 3 };

struct relation {
    const char *type;
    const char *event_id;
};

/* Members are NULL when there is no relation of the usual form. */
static struct relation relation_of(json_t *content)
{
    json_t *relates_to = json_get_object(content, "m.relates_to");

    return (struct relation){
        .type = json_get_string(relates_to, "rel_type"),
        .event_id = json_get_string(relates_to, "event_id"),
    };
}

/* A thread that is called "main" would be taken for the main timeline. */
static bool is_thread(const struct relation *relation)
{
    return relation->type != NULL && relation->event_id != NULL && *relation->event_id == '$' &&
           strcmp(relation->type, "m.thread") == 0;
}

/* The content of an event of the room; NULL when we do not have it. */
static enum errcode load_content(struct call *call, int64_t room_nid, const char *event_id,
                                 json_t **out)
{
    struct stored_event event;
    enum errcode found = event_load_by_id(call->db, call->arena, event_id, &event);
    json_t *json;

    *out = NULL;
    if (found == M_NOT_FOUND || (found == OK && event.room_nid != room_nid))
        return OK;
    TRY(found);
    TRY(json_parse_object(call->arena, event.json, event.json_size, call->error, &json));
    *out = json_get_object(json, "content");
    return OK;
}

enum errcode event_thread_root(struct call *call, int64_t room_nid, json_t *content,
                               const char **root_out)
{
    struct relation relation = relation_of(content);

    *root_out = NULL;
    for (int hops = 0; relation.event_id != NULL && relation.type != NULL; hops++) {
        if (is_thread(&relation)) {
            *root_out = relation.event_id;
            return OK;
        }
        if (hops == HOPS_MAX)
            return OK;
        TRY(load_content(call, room_nid, relation.event_id, &content));
        relation = relation_of(content);
    }
    return OK;
}

enum errcode event_thread_is_related(struct call *call, int64_t room_nid, json_t *content,
                                     const char *root, bool *out)
{
    struct relation relation = relation_of(content);

    *out = false;
    for (int hops = 0; relation.event_id != NULL && hops <= HOPS_MAX; hops++) {
        if (strcmp(relation.event_id, root) == 0) {
            *out = true;
            return OK;
        }
        TRY(load_content(call, room_nid, relation.event_id, &content));
        relation = relation_of(content);
    }
    return OK;
}
