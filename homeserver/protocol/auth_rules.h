#ifndef HOMESERVER_PROTOCOL_AUTH_RULES_H
#define HOMESERVER_PROTOCOL_AUTH_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct event;

/*
 * The two rules that need signatures are answered by the caller, so that the rules stay free of
 * keys. A missing function means "not signed".
 */
struct auth_signatures {
    /* Rule 5.4.1.7: a signature in `member`'s content.third_party_invite.signed is by one of the
     * public keys in `invite` (m.room.third_party_invite). */
    bool (*third_party_invite)(void *context, const struct event *member,
                               const struct event *invite);
    /* Rule 5.2.1: `member` is signed by the server of content.join_authorised_via_users_server. */
    bool (*authorising_server)(void *context, const struct event *member);
    void *context;
};

/* For events whose signatures were verified when they were received or stored, and for our own
 * events before they are signed: answers yes to both. */
extern const struct auth_signatures auth_signatures_verified_before;

/* The room state that an event is judged by. */
struct auth_state {
    /* The state event at this key, or NULL. Asked only for keys that auth_events_select() gives. */
    const struct event *(*lookup)(void *context, const char *type, const char *state_key);
    void *context;
    /* The m.room.create event: in v12 found by the room ID. NULL: `lookup` is asked for it. */
    const struct event *create;
    const struct auth_signatures *signatures; /* NULL: nothing is signed */
};

/*
 * Whether the event is allowed in this state, by the authorisation rules of its room version, but
 * for those on its own list of `auth_events` (see below).
 *
 * `*why` gets a sentence fragment for people, ending in the number of the rule that refused:
 * "the sender is banned (rule 5.3.3)". Numbers are those of the version 12 page. It is a constant
 * and is NULL when the event is allowed.
 */
bool auth_rules_check(const struct event *event, const struct auth_state *state, const char **why);

/* Rule 3 (rule 2 before v12) on the events that `event->auth_events` names, in any order; those
 * that could not be found are left out by the caller, who decides what that means. */
bool auth_rules_check_auth_events(const struct event *event, const struct event *const *auth_events,
                                  size_t count, const char **why);

/*
 * Whether a redaction takes effect: since v3 anyone who may send the type may send redactions, and
 * what they do is decided when both events are there. `state` is that of the redaction.
 * Spec: room version pages, "Handling redactions".
 */
bool auth_rules_redaction_applies(const struct event *redaction, const struct event *target,
                                  const struct auth_state *state);

#endif
