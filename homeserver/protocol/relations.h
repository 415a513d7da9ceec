#ifndef HOMESERVER_PROTOCOL_RELATIONS_H
#define HOMESERVER_PROTOCOL_RELATIONS_H

#include <jansson.h>
#include <stdbool.h>

struct event;

/*
 * How one event refers to another: content's `m.relates_to`. Texts are borrowed from the content.
 * Spec: client-server API "Forming relationships between events", "Rich replies", "Threading",
 * "Event annotations and reactions", "Event replacements".
 */
struct relation {
    const char *rel_type;
    const char *target; /* event ID of the parent */
    const char *key;    /* of an m.annotation; NULL when it has none */
};

/* False when the content has no `m.relates_to` with both a `rel_type` and an `event_id`. */
bool relation_of(const json_t *content, struct relation *out);

/* The event that a rich reply answers, or NULL. */
const char *relation_reply_target(const json_t *content);

/* The root of the thread that an event with this content is in, or NULL. */
const char *relation_thread_root(const json_t *content);

/* A thread can only begin at an event that is not itself related to another. */
bool relation_may_start_thread(const json_t *root_content);

/* Whether `edit` validly replaces `original`, as far as a server can see: the `m.new_content` of an
 * encrypted edit is out of its sight. The caller knows that `edit` points at `original`. */
bool relation_is_valid_edit(const struct event *original, const struct event *edit);

#endif
