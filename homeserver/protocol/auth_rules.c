/*
 * Authorisation rules: the order of the checks, and the rules that concern every event.
 * Spec: "Authorisation rules" of each room version page.
 *
 * Rules are numbered as on the page of version 12. Older pages have the same rules in the same
 * order with these differences: rule 2 of v12 is new, so 3, 4, … were 2, 3, … there; v1 to v5 have
 * a rule on m.room.aliases before the one on m.room.member; v1 and v2 end with one on redactions.
 */
#include "homeserver/protocol/auth_rules.h"

#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_events.h"
#include "homeserver/protocol/auth_rules_internal.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/protocol/owned_state.h"
#include "homeserver/protocol/room_version.h"

static bool answer_yes(UNUSED void *context, UNUSED const struct event *member)
{
    return true;
}

static bool answer_yes_for_invite(UNUSED void *context, UNUSED const struct event *member,
                                  UNUSED const struct event *invite)
{
    return true;
}

const struct auth_signatures auth_signatures_verified_before = {
    .third_party_invite = answer_yes_for_invite,
    .authorising_server = answer_yes,
};

bool refuse(struct auth_check *check, const char *why)
{
    check->why = why;
    return false;
}

const struct event *auth_lookup(const struct auth_check *check, const char *type,
                                const char *state_key)
{
    return check->state->lookup(check->state->context, type, state_key);
}

/* 2. (v12) If the event's `room_id` is not an event ID for an accepted m.room.create event, with
 * the sigil `!` instead of `$`, reject. Before v12 (rule 2.4): there must be a create event. */
static bool check_room_exists(struct auth_check *check)
{
    const struct event *create = check->create;

    if (create == NULL)
        return refuse(check, "the room has no m.room.create event (rule 2)");
    if (!check->event->version->room_id_is_create_hash)
        return true;
    if (create->rejected)
        return refuse(check, "the m.room.create event of the room was rejected (rule 2)");
    if (check->event->room_id[0] != '!' ||
        strcmp(check->event->room_id + 1, create->event_id + 1) != 0)
        return refuse(check, "the room ID is not that of the m.room.create event (rule 2)");
    return true;
}

/* 4. If `m.federate` of the create event is `false` and the domain of the sender is not that of
 * the sender of the create event, reject. */
static bool check_federation(struct auth_check *check)
{
    const json_t *federate = json_object_get(check->create->content, "m.federate");

    if (json_is_false(federate) &&
        !identifier_domains_equal(check->event->sender, check->create->sender))
        return refuse(check, "this room is closed to other servers (rule 4)");
    return true;
}

/* Rule 4 of v1 to v5: m.room.aliases. */
static bool check_aliases(struct auth_check *check)
{
    const struct event *event = check->event;
    const char *domain = identifier_domain(event->sender);

    /* 4.1 If event has no `state_key`, reject. */
    if (event->state_key == NULL)
        return refuse(check, "m.room.aliases must be a state event (rule 4.1 of v1)");
    /* 4.2 If sender's domain doesn't match `state_key`, reject. */
    if (domain == NULL || strcmp(domain, event->state_key) != 0)
        return refuse(check, "the aliases are those of another server (rule 4.2 of v1)");
    /* 4.3 Otherwise, allow. */
    return true;
}

/* 7.1 Allow if and only if the sender's power level is at least the invite level. */
static bool check_third_party_invite(struct auth_check *check)
{
    if (power_levels_user(&check->levels, check->event->sender) <
        power_levels_action(&check->levels, POWER_INVITE))
        return refuse(check, "the sender may not invite (rule 7.1)");
    return true;
}

/* 9. If the `state_key` starts with an `@` and does not match the `sender`, reject. With MSC3757
 * it may go on after the user ID, and those with more power than the user may set it too. */
static bool check_state_key(struct auth_check *check)
{
    const struct event *event = check->event;
    struct state_key_owner owner;

    if (!event->version->owned_state)
        return event->state_key[0] != '@' || strcmp(event->state_key, event->sender) == 0 ||
               refuse(check, "the state key names another user (rule 9)");

    if (!owned_state_key_parse(event->state_key, &owner))
        return refuse(check, "the state key is that of no user or too long (rule 9 of MSC3757)");
    if (owner.user_id[0] != '\0' && strcmp(owner.user_id, event->sender) != 0 &&
        power_levels_user(&check->levels, event->sender) <=
            power_levels_user(&check->levels, owner.user_id))
        return refuse(check, "the state key is another user's (rule 9 of MSC3757)");
    return true;
}

/* Rules 6 to 12: events of a member that are neither membership nor creation. */
static bool check_by_power(struct auth_check *check)
{
    const struct event *event = check->event;

    /* 6. If the `sender`'s current membership state is not `join`, reject. */
    if (membership_of(auth_lookup(check, "m.room.member", event->sender)) != MEMBERSHIP_JOIN)
        return refuse(check, "the sender is not in the room (rule 6)");

    /* 7. If type is m.room.third_party_invite: */
    if (strcmp(event->type, "m.room.third_party_invite") == 0)
        return check_third_party_invite(check);

    /* 8. If the event type's required power level is greater than the sender's, reject. */
    if (power_levels_send(&check->levels, event->type, event->state_key != NULL) >
        power_levels_user(&check->levels, event->sender))
        return refuse(check, "the sender's power level is too low for this event (rule 8)");

    if (event->state_key != NULL && !check_state_key(check))
        return false;

    /* 10. If type is m.room.power_levels: */
    if (strcmp(event->type, "m.room.power_levels") == 0)
        return auth_check_power_levels(check);

    /* 11. (v1, v2) If type is m.room.redaction: */
    if (event->version->redaction_auth_rule && strcmp(event->type, "m.room.redaction") == 0)
        return auth_check_redaction(check);

    /* 11. Otherwise, allow. */
    return true;
}

static bool check_event(struct auth_check *check)
{
    const struct event *event = check->event;

    /* 1. If type is m.room.create: */
    if (strcmp(event->type, "m.room.create") == 0)
        return auth_check_create(check);
    if (!check_room_exists(check) || !check_federation(check))
        return false;

    /* 4. (v1 to v5) If type is m.room.aliases: */
    if (event->version->aliases_auth_rule && strcmp(event->type, "m.room.aliases") == 0)
        return check_aliases(check);

    check->levels = power_levels_of(event->version, check->create,
                                    auth_lookup(check, "m.room.power_levels", ""));

    /* 5. If type is m.room.member: */
    if (strcmp(event->type, "m.room.member") == 0)
        return auth_check_member(check);
    return check_by_power(check);
}

static const struct event *find_create(const struct event *event, const struct auth_state *state)
{
    if (state->create != NULL || event->version->room_id_is_create_hash)
        return state->create;
    return state->lookup(state->context, "m.room.create", "");
}

bool auth_rules_check(const struct event *event, const struct auth_state *state, const char **why)
{
    struct auth_check check = {
        .event = event,
        .state = state,
        .create = find_create(event, state),
    };
    bool allowed = check_event(&check);

    *why = allowed ? NULL : check.why;
    return allowed;
}

static bool is_selected(const struct event *auth_event, const struct state_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (event_is(auth_event, keys[i].type, keys[i].state_key))
            return true;
    }
    return false;
}

static bool is_duplicate(const struct event *const *auth_events, size_t index)
{
    const struct event *later = auth_events[index];

    for (size_t i = 0; i < index; i++) {
        if (event_is(later, auth_events[i]->type, auth_events[i]->state_key))
            return true;
    }
    return false;
}

static const char *why_auth_event_is_wrong(const struct event *event,
                                           const struct event *const *auth_events, size_t index,
                                           const struct state_key *keys, size_t key_count)
{
    const struct event *auth_event = auth_events[index];

    /* 3.2 If there are entries whose `type` and `state_key` don't match those specified by the
     * auth events selection algorithm, reject. (Tested first: it also settles that the entry has
     * a state key.) */
    if (!is_selected(auth_event, keys, key_count))
        return "an auth event is not one that this event needs (rule 3.2)";
    /* 3.1 If there are duplicate entries for a given `type` and `state_key` pair, reject. */
    if (is_duplicate(auth_events, index))
        return "two auth events have the same type and state key (rule 3.1)";
    /* 3.3 If there are entries which were themselves rejected, reject. */
    if (auth_event->rejected)
        return "an auth event was itself rejected (rule 3.3)";
    /* 3.5 If any event has a `room_id` which does not match that of the event, reject. */
    if (strcmp(auth_event->room_id, event->room_id) != 0)
        return "an auth event belongs to another room (rule 3.5)";
    return NULL;
}

bool auth_rules_check_auth_events(const struct event *event, const struct event *const *auth_events,
                                  size_t count, const char **why)
{
    struct state_key keys[AUTH_EVENT_KEYS_MAX];
    size_t key_count = auth_events_select(event, keys);
    bool has_create = false;

    *why = NULL;
    /* A create event is judged by rule 1 alone, which ends in "allow". */
    if (strcmp(event->type, "m.room.create") == 0)
        return true;
    /* Bounds the pairwise comparison below. */
    if (count > AUTH_EVENT_KEYS_MAX) {
        *why = "there are more auth events than any event needs (rule 3.2)";
        return false;
    }
    for (size_t i = 0; i < count && *why == NULL; i++) {
        *why = why_auth_event_is_wrong(event, auth_events, i, keys, key_count);
        has_create = has_create || event_is(auth_events[i], "m.room.create", "");
    }
    /* 2.4 (until v11) If there is no m.room.create event among the entries, reject. */
    if (*why == NULL && !has_create && !event->version->room_id_is_create_hash)
        *why = "the m.room.create event is not among the auth events (rule 2.4 of v11)";
    return *why == NULL;
}
