#ifndef HOMESERVER_PROTOCOL_AUTH_RULES_INTERNAL_H
#define HOMESERVER_PROTOCOL_AUTH_RULES_INTERNAL_H

#include <stdbool.h>

#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/power_levels.h"

/* One event being judged. Each function below answers for the rules of one event type. */
struct auth_check {
    const struct event *event;
    const struct auth_state *state;
    const struct event *create;
    struct power_levels levels;
    const char *why; /* the reason of the last refusal */
};

/* `return refuse(check, "… (rule 5.3.3)");` */
bool refuse(struct auth_check *check, const char *why);

const struct event *auth_lookup(const struct auth_check *check, const char *type,
                                const char *state_key);

bool auth_check_create(struct auth_check *check);       /* rule 1 */
bool auth_check_member(struct auth_check *check);       /* rule 5 */
bool auth_check_power_levels(struct auth_check *check); /* rule 10 */
bool auth_check_redaction(struct auth_check *check);    /* rule 11 of v1 and v2 */

#endif
