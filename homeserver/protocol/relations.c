/*
 * Relations between events.
 * Spec: client-server API, "Forming relationships between events".
 */
#include "homeserver/protocol/relations.h"

#include <string.h>

#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"

bool relation_of(const json_t *content, struct relation *out)
{
    const json_t *relates_to = json_get_object(content, "m.relates_to");
    const char *rel_type = json_get_string(relates_to, "rel_type");
    const char *target = json_get_string(relates_to, "event_id");

    if (rel_type == NULL || target == NULL)
        return false;
    *out = (struct relation){.rel_type = rel_type, .target = target};
    if (strcmp(rel_type, "m.annotation") == 0)
        out->key = json_get_string(relates_to, "key");
    return true;
}

const char *relation_reply_target(const json_t *content)
{
    const json_t *relates_to = json_get_object(content, "m.relates_to");

    return json_get_string(json_get_object(relates_to, "m.in_reply_to"), "event_id");
}

const char *relation_thread_root(const json_t *content)
{
    struct relation relation;

    if (!relation_of(content, &relation) || strcmp(relation.rel_type, "m.thread") != 0)
        return NULL;
    return relation.target;
}

bool relation_may_start_thread(const json_t *root_content)
{
    struct relation relation;

    return !relation_of(root_content, &relation);
}

static bool is_edit(const json_t *content)
{
    struct relation relation;

    return relation_of(content, &relation) && strcmp(relation.rel_type, "m.replace") == 0;
}

bool relation_is_valid_edit(const struct event *original, const struct event *edit)
{
    bool is_encrypted = strcmp(edit->type, "m.room.encrypted") == 0;

    if (strcmp(original->room_id, edit->room_id) != 0 ||
        strcmp(original->sender, edit->sender) != 0 || strcmp(original->type, edit->type) != 0)
        return false;
    if (original->state_key != NULL || edit->state_key != NULL)
        return false;
    /* An edit of an edit does not count: both are to name the original. */
    if (is_edit(original->content) || !is_edit(edit->content))
        return false;
    return is_encrypted || json_object_get(edit->content, "m.new_content") != NULL;
}
