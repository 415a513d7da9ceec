/*
 * Redactions: rule 11 of v1 and v2, and what became of it in v3.
 * Spec: "Authorisation rules" of v1 and v2; "Handling redactions" since v3.
 */
#include <string.h>

#include "homeserver/protocol/auth_rules_internal.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/room_version.h"

static bool has_redact_level(const struct power_levels *levels, const char *user_id)
{
    return power_levels_user(levels, user_id) >= power_levels_action(levels, POWER_REDACT);
}

bool auth_check_redaction(struct auth_check *check)
{
    const struct event *event = check->event;

    /* 11.1 If the sender's power level is at least the redact level, allow. */
    if (has_redact_level(&check->levels, event->sender))
        return true;

    /* 11.2 If the domain of the `event_id` of the event being redacted is the same as the domain
     * of the `event_id` of the m.room.redaction, allow. */
    if (event->redacts != NULL && identifier_domains_equal(event->redacts, event->event_id))
        return true;

    /* 11.3 Otherwise, reject. */
    return refuse(check, "the sender may not redact other servers' events (rule 11.3 of v1)");
}

bool auth_rules_redaction_applies(const struct event *redaction, const struct event *target,
                                  const struct auth_state *state)
{
    const struct event *create =
        state->create != NULL ? state->create : state->lookup(state->context, "m.room.create", "");
    const struct power_levels levels = power_levels_of(
        redaction->version, create, state->lookup(state->context, "m.room.power_levels", ""));

    if (strcmp(redaction->room_id, target->room_id) != 0)
        return false;
    /* v1 and v2 judged the redaction when it came in. */
    if (redaction->version->redaction_auth_rule)
        return true;
    return has_redact_level(&levels, redaction->sender) ||
           identifier_domains_equal(redaction->sender, target->sender);
}
