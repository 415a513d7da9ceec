/*
 * Auth events selection.
 * Spec: server-server API, "Auth events selection".
 */
#include "homeserver/protocol/auth_events.h"

#include <string.h>

#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/protocol/room_version.h"

struct selection {
    struct state_key *keys;
    size_t count;
};

static void select_key(struct selection *selection, const char *type, const char *state_key)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct state_key *known = &selection->keys[i];
        if (strcmp(known->type, type) == 0 && strcmp(known->state_key, state_key) == 0)
            return;
    }
    selection->keys[selection->count++] = (struct state_key){type, state_key};
}

static void select_for_member(struct selection *selection, const struct room_version *version,
                              const char *target, const json_t *content)
{
    enum membership membership = membership_parse(json_get_string(content, "membership"));
    const json_t *third_party = json_get_object(content, "third_party_invite");
    const char *token = json_get_string(json_get_object(third_party, "signed"), "token");
    const char *authoriser = json_get_string(content, "join_authorised_via_users_server");

    if (target != NULL)
        select_key(selection, "m.room.member", target);
    if (membership == MEMBERSHIP_JOIN || membership == MEMBERSHIP_INVITE ||
        membership == MEMBERSHIP_KNOCK)
        select_key(selection, "m.room.join_rules", "");
    if (membership == MEMBERSHIP_INVITE && token != NULL)
        select_key(selection, "m.room.third_party_invite", token);
    if (membership == MEMBERSHIP_JOIN && authoriser != NULL && version->restricted_join)
        select_key(selection, "m.room.member", authoriser);
}

size_t auth_events_select_draft(const struct room_version *version, const struct state_key *event,
                                const char *sender, const json_t *content,
                                struct state_key out[AUTH_EVENT_KEYS_MAX])
{
    struct selection selection = {.keys = out};

    if (strcmp(event->type, "m.room.create") == 0)
        return 0;
    if (!version->room_id_is_create_hash)
        select_key(&selection, "m.room.create", "");
    select_key(&selection, "m.room.power_levels", "");
    select_key(&selection, "m.room.member", sender);
    if (strcmp(event->type, "m.room.member") == 0)
        select_for_member(&selection, version, event->state_key, content);
    return selection.count;
}

size_t auth_events_select(const struct event *event, struct state_key out[AUTH_EVENT_KEYS_MAX])
{
    const struct state_key key = {event->type, event->state_key};

    return auth_events_select_draft(event->version, &key, event->sender, event->content, out);
}
