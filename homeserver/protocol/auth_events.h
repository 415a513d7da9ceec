#ifndef HOMESERVER_PROTOCOL_AUTH_EVENTS_H
#define HOMESERVER_PROTOCOL_AUTH_EVENTS_H

#include <jansson.h>
#include <stddef.h>

struct event;
struct room_version;

/* Names a piece of room state. */
struct state_key {
    const char *type;
    const char *state_key;
};

/* Create, power levels, join rules, third-party invite; members: sender, target, authoriser. */
enum { AUTH_EVENT_KEYS_MAX = 7 };

/*
 * The state that decides whether an event is allowed, and that its `auth_events` must therefore
 * name as far as it exists. Each key once; returns their number; strings are borrowed.
 * In v12 the create event is never among them: the room ID stands for it.
 *
 * Spec: server-server API "Auth events selection".
 */
size_t auth_events_select(const struct event *event, struct state_key out[AUTH_EVENT_KEYS_MAX]);

/* The same for an event that is not built yet. `state_key` NULL: not a state event. */
size_t auth_events_select_draft(const struct room_version *version, const struct state_key *event,
                                const char *sender, const json_t *content,
                                struct state_key out[AUTH_EVENT_KEYS_MAX]);

#endif
