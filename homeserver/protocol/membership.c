/*
 * Memberships and join rules as words and as numbers.
 * Spec: client-server API, "m.room.member" and "m.room.join_rules".
 */
#include "homeserver/protocol/membership.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"

static const char *const names[] = {
    [MEMBERSHIP_NONE] = "leave",    [MEMBERSHIP_INVITE] = "invite", [MEMBERSHIP_JOIN] = "join",
    [MEMBERSHIP_KNOCK] = "knock",   [MEMBERSHIP_LEAVE] = "leave",   [MEMBERSHIP_BAN] = "ban",
    [MEMBERSHIP_UNKNOWN] = "leave",
};

enum membership membership_parse(const char *text)
{
    for (enum membership i = MEMBERSHIP_INVITE; text != NULL && i <= MEMBERSHIP_BAN; i++) {
        if (strcmp(text, names[i]) == 0)
            return i;
    }
    return MEMBERSHIP_UNKNOWN;
}

const char *membership_name(enum membership membership)
{
    return names[membership];
}

enum membership membership_of(const struct event *member)
{
    if (member == NULL)
        return MEMBERSHIP_NONE;
    return membership_parse(json_get_string(member->content, "membership"));
}

static enum join_rule only_if(bool known, enum join_rule rule)
{
    return known ? rule : JOIN_RULE_UNKNOWN;
}

enum join_rule join_rule_of(const struct room_version *version, const struct event *join_rules)
{
    const json_t *value =
        join_rules != NULL ? json_object_get(join_rules->content, "join_rule") : NULL;

    if (value == NULL)
        return JOIN_RULE_INVITE;
    const char *text = json_text(value);
    if (text == NULL)
        return JOIN_RULE_UNKNOWN;
    if (strcmp(text, "public") == 0)
        return JOIN_RULE_PUBLIC;
    if (strcmp(text, "invite") == 0)
        return JOIN_RULE_INVITE;
    if (strcmp(text, "knock") == 0)
        return only_if(version->knock, JOIN_RULE_KNOCK);
    if (strcmp(text, "restricted") == 0)
        return only_if(version->restricted_join, JOIN_RULE_RESTRICTED);
    if (strcmp(text, "knock_restricted") == 0)
        return only_if(version->knock_restricted, JOIN_RULE_KNOCK_RESTRICTED);
    return JOIN_RULE_UNKNOWN;
}

size_t join_rules_allowed_rooms(struct arena *arena, const struct event *join_rules,
                                const char *const **rooms_out)
{
    ARRAY_OF(const char *) rooms = {0};
    const json_t *allow = join_rules != NULL ? json_get_array(join_rules->content, "allow") : NULL;

    for (size_t i = 0; i < json_array_size(allow); i++) {
        const json_t *condition = json_array_get(allow, i);
        const char *type = json_get_string(condition, "type");
        const char *room_id = json_get_string(condition, "room_id");
        if (type != NULL && room_id != NULL && strcmp(type, "m.room_membership") == 0)
            array_push(arena, &rooms, room_id);
    }
    *rooms_out = rooms.items;
    return rooms.count;
}
