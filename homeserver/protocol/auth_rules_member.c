/* Rule 5: m.room.member, one function per membership.
 * Spec: "Authorisation rules" of each room version page. */
#include <string.h>

#include "homeserver/protocol/auth_rules_internal.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/protocol/room_version.h"

static enum membership current_membership(const struct auth_check *check, const char *user_id)
{
    return membership_of(auth_lookup(check, "m.room.member", user_id));
}

static enum join_rule current_join_rule(const struct auth_check *check)
{
    return join_rule_of(check->event->version, auth_lookup(check, "m.room.join_rules", ""));
}

static bool is_own_membership(const struct auth_check *check)
{
    return strcmp(check->event->sender, check->event->state_key) == 0;
}

static int64_t sender_level(const struct auth_check *check)
{
    return power_levels_user(&check->levels, check->event->sender);
}

static bool sender_outranks_target(const struct auth_check *check)
{
    return power_levels_user(&check->levels, check->event->state_key) < sender_level(check);
}

/* 5.3.1 The only previous event is an m.room.create and the `state_key` is the creator: the
 * creator (before v11) or the sender of the m.room.create. */
static bool is_first_join_of_creator(const struct auth_check *check)
{
    const struct event *event = check->event;
    const struct event *create = check->create;

    if (event->prev_event_count != 1 || strcmp(event->prev_events[0], create->event_id) != 0)
        return false;
    const char *creator = event->version->creator_in_content
                              ? json_get_string(create->content, "creator")
                              : create->sender;
    return creator != NULL && strcmp(creator, event->state_key) == 0;
}

/* 5.3.5 Restricted rooms: somebody who may invite vouches for who joins. */
static bool check_restricted_join(struct auth_check *check, enum membership membership)
{
    const char *authoriser =
        json_get_string(check->event->content, "join_authorised_via_users_server");

    /* 5.3.5.1 If membership state is `join` or `invite`, allow. */
    if (membership == MEMBERSHIP_JOIN || membership == MEMBERSHIP_INVITE)
        return true;

    /* 5.3.5.2 If `join_authorised_via_users_server` is not a user with sufficient permission to
     * invite other users or is not a joined member of the room, reject. */
    if (authoriser == NULL || current_membership(check, authoriser) != MEMBERSHIP_JOIN)
        return refuse(check, "no member of the room authorised the join (rule 5.3.5.2)");
    if (power_levels_user(&check->levels, authoriser) <
        power_levels_action(&check->levels, POWER_INVITE))
        return refuse(check, "the join was authorised by a user who may not invite (rule 5.3.5.2)");

    /* 5.3.5.3 Otherwise, allow. */
    return true;
}

static bool check_join_rule(struct auth_check *check, enum membership membership)
{
    bool is_expected = membership == MEMBERSHIP_INVITE || membership == MEMBERSHIP_JOIN;

    switch (current_join_rule(check)) {
    /* 5.3.4 If the `join_rule` is `invite` or `knock` then allow if membership state is `invite`
     * or `join`. */
    case JOIN_RULE_INVITE:
    case JOIN_RULE_KNOCK:
        return is_expected || refuse(check, "the sender is not invited (rule 5.3.4)");
    /* 5.3.5 If the `join_rule` is `restricted` or `knock_restricted`: */
    case JOIN_RULE_RESTRICTED:
    case JOIN_RULE_KNOCK_RESTRICTED:
        return check_restricted_join(check, membership);
    /* 5.3.6 If the `join_rule` is `public`, allow. */
    case JOIN_RULE_PUBLIC:
        return true;
    /* 5.3.7 Otherwise, reject. */
    case JOIN_RULE_UNKNOWN:
        break;
    }
    return refuse(check, "the join rule of the room lets nobody in (rule 5.3.7)");
}

static bool check_join(struct auth_check *check)
{
    if (is_first_join_of_creator(check))
        return true;

    /* 5.3.2 If the `sender` does not match `state_key`, reject. */
    if (!is_own_membership(check))
        return refuse(check, "nobody can join for another user (rule 5.3.2)");

    /* 5.3.3 If the `sender` is banned, reject. */
    enum membership membership = current_membership(check, check->event->sender);
    if (membership == MEMBERSHIP_BAN)
        return refuse(check, "the sender is banned (rule 5.3.3)");

    return check_join_rule(check, membership);
}

/* 5.4.1.5 to 5.4.1.8: the invite must answer the third-party invite that bears its token. */
static bool check_third_party_token(struct auth_check *check, const char *token)
{
    const struct auth_signatures *signatures = check->state->signatures;

    /* 5.4.1.5 If there is no m.room.third_party_invite event in the current room state with
     * `state_key` matching `token`, reject. */
    const struct event *invite = auth_lookup(check, "m.room.third_party_invite", token);
    if (invite == NULL)
        return refuse(check, "there is no such third-party invite (rule 5.4.1.5)");

    /* 5.4.1.6 If `sender` does not match `sender` of the m.room.third_party_invite, reject. */
    if (strcmp(check->event->sender, invite->sender) != 0)
        return refuse(check, "the third-party invite is by another user (rule 5.4.1.6)");

    /* 5.4.1.7 If any signature in `signed` matches any public key in the
     * m.room.third_party_invite event, allow. */
    if (signatures != NULL && signatures->third_party_invite != NULL &&
        signatures->third_party_invite(signatures->context, check->event, invite))
        return true;

    /* 5.4.1.8 Otherwise, reject. */
    return refuse(check, "the third-party invite is not signed (rule 5.4.1.8)");
}

static bool check_third_party_invite(struct auth_check *check, enum membership target)
{
    const json_t *third_party = json_get_object(check->event->content, "third_party_invite");
    const json_t *signed_object = json_get_object(third_party, "signed");
    const char *mxid = json_get_string(signed_object, "mxid");
    const char *token = json_get_string(signed_object, "token");

    /* 5.4.1.1 If target user is banned, reject. */
    if (target == MEMBERSHIP_BAN)
        return refuse(check, "the user is banned (rule 5.4.1.1)");

    /* 5.4.1.2 If `third_party_invite` does not have a `signed` property, reject. */
    if (signed_object == NULL)
        return refuse(check, "the third-party invite has no `signed` part (rule 5.4.1.2)");

    /* 5.4.1.3 If `signed` does not have `mxid` and `token` properties, reject. */
    if (mxid == NULL || token == NULL)
        return refuse(check, "the third-party invite names no user or token (rule 5.4.1.3)");

    /* 5.4.1.4 If `mxid` does not match `state_key`, reject. */
    if (strcmp(mxid, check->event->state_key) != 0)
        return refuse(check, "the third-party invite is for another user (rule 5.4.1.4)");

    return check_third_party_token(check, token);
}

static bool check_invite(struct auth_check *check)
{
    const struct event *event = check->event;
    enum membership target = current_membership(check, event->state_key);

    /* 5.4.1 If `content` has a `third_party_invite` property: */
    if (json_object_get(event->content, "third_party_invite") != NULL)
        return check_third_party_invite(check, target);

    /* 5.4.2 If the `sender`'s current membership state is not `join`, reject. */
    if (current_membership(check, event->sender) != MEMBERSHIP_JOIN)
        return refuse(check, "the sender is not in the room (rule 5.4.2)");

    /* 5.4.3 If target user's current membership state is `join` or `ban`, reject. */
    if (target == MEMBERSHIP_JOIN)
        return refuse(check, "the user is in the room already (rule 5.4.3)");
    if (target == MEMBERSHIP_BAN)
        return refuse(check, "the user is banned (rule 5.4.3)");

    /* 5.4.4 If the `sender`'s power level is at least the invite level, allow. 5.4.5 */
    if (sender_level(check) >= power_levels_action(&check->levels, POWER_INVITE))
        return true;
    return refuse(check, "the sender may not invite (rule 5.4.5)");
}

static bool check_leave(struct auth_check *check)
{
    const struct event *event = check->event;
    enum membership sender = current_membership(check, event->sender);

    /* 5.5.1 If the `sender` matches `state_key`, allow if and only if that user's current
     * membership state is `invite`, `join`, or (since v7) `knock`. */
    if (is_own_membership(check)) {
        if (sender == MEMBERSHIP_INVITE || sender == MEMBERSHIP_JOIN ||
            (sender == MEMBERSHIP_KNOCK && event->version->knock))
            return true;
        return refuse(check, "the sender is not in the room (rule 5.5.1)");
    }

    /* 5.5.2 If the `sender`'s current membership state is not `join`, reject. */
    if (sender != MEMBERSHIP_JOIN)
        return refuse(check, "the sender is not in the room (rule 5.5.2)");

    /* 5.5.3 If the target user is banned, and the `sender`'s power level is less than the ban
     * level, reject. */
    if (current_membership(check, event->state_key) == MEMBERSHIP_BAN &&
        sender_level(check) < power_levels_action(&check->levels, POWER_BAN))
        return refuse(check, "the sender may not lift bans (rule 5.5.3)");

    /* 5.5.4 If the `sender`'s power level is at least the kick level, and the target user's power
     * level is less than the `sender`'s, allow. 5.5.5 */
    if (sender_level(check) >= power_levels_action(&check->levels, POWER_KICK) &&
        sender_outranks_target(check))
        return true;
    return refuse(check, "the sender may not remove this user (rule 5.5.5)");
}

static bool check_ban(struct auth_check *check)
{
    /* 5.6.1 If the `sender`'s current membership state is not `join`, reject. */
    if (current_membership(check, check->event->sender) != MEMBERSHIP_JOIN)
        return refuse(check, "the sender is not in the room (rule 5.6.1)");

    /* 5.6.2 If the `sender`'s power level is at least the ban level, and the target user's power
     * level is less than the `sender`'s, allow. 5.6.3 */
    if (sender_level(check) >= power_levels_action(&check->levels, POWER_BAN) &&
        sender_outranks_target(check))
        return true;
    return refuse(check, "the sender may not ban this user (rule 5.6.3)");
}

static bool check_knock(struct auth_check *check)
{
    enum join_rule rule = current_join_rule(check);

    /* 5.7.1 If the `join_rule` is anything other than `knock` or `knock_restricted`, reject. */
    if (rule != JOIN_RULE_KNOCK && rule != JOIN_RULE_KNOCK_RESTRICTED)
        return refuse(check, "the room does not accept knocks (rule 5.7.1)");

    /* 5.7.2 If `sender` does not match `state_key`, reject. */
    if (!is_own_membership(check))
        return refuse(check, "nobody can knock for another user (rule 5.7.2)");

    /* 5.7.3 If the `sender`'s current membership is not `ban`, `invite`, or `join`, allow. 5.7.4 */
    enum membership membership = current_membership(check, check->event->sender);
    if (membership != MEMBERSHIP_BAN && membership != MEMBERSHIP_INVITE &&
        membership != MEMBERSHIP_JOIN)
        return true;
    return refuse(check, "the sender is banned, invited or in the room already (rule 5.7.4)");
}

/* 5.2 (since v8) If `content` has a `join_authorised_via_users_server` key:
 * 5.2.1 If the event is not validly signed by the homeserver of that user, reject. */
static bool check_authorising_signature(struct auth_check *check)
{
    const struct event *event = check->event;
    const struct auth_signatures *signatures = check->state->signatures;

    if (!event->version->restricted_join ||
        json_object_get(event->content, "join_authorised_via_users_server") == NULL)
        return true;
    if (json_get_string(event->content, "join_authorised_via_users_server") != NULL &&
        signatures != NULL && signatures->authorising_server != NULL &&
        signatures->authorising_server(signatures->context, event))
        return true;
    return refuse(check, "the authorising server did not sign the join (rule 5.2.1)");
}

bool auth_check_member(struct auth_check *check)
{
    const struct event *event = check->event;

    /* 5.1 If there is no `state_key` property, or no `membership` property in `content`, reject. */
    if (event->state_key == NULL || json_object_get(event->content, "membership") == NULL)
        return refuse(check, "the member event names no user or no membership (rule 5.1)");
    if (!check_authorising_signature(check))
        return false;

    switch (membership_of(event)) {
    case MEMBERSHIP_JOIN:
        return check_join(check);
    case MEMBERSHIP_INVITE:
        return check_invite(check);
    case MEMBERSHIP_LEAVE:
        return check_leave(check);
    case MEMBERSHIP_BAN:
        return check_ban(check);
    case MEMBERSHIP_KNOCK:
        if (event->version->knock)
            return check_knock(check);
        break;
    case MEMBERSHIP_NONE:
    case MEMBERSHIP_UNKNOWN:
        break;
    }
    /* 5.8 Otherwise, the membership is unknown. Reject. */
    return refuse(check, "the membership is unknown (rule 5.8)");
}
