#ifndef HOMESERVER_PROTOCOL_MEMBERSHIP_H
#define HOMESERVER_PROTOCOL_MEMBERSHIP_H

#include <stddef.h>

struct arena;
struct event;
struct room_version;

/* Spec: client-server API "m.room.member". */
enum membership {
    MEMBERSHIP_NONE, /* there is no member event */
    MEMBERSHIP_INVITE,
    MEMBERSHIP_JOIN,
    MEMBERSHIP_KNOCK,
    MEMBERSHIP_LEAVE,
    MEMBERSHIP_BAN,
    MEMBERSHIP_UNKNOWN, /* a word that the specification does not define */
};

/* NULL gives MEMBERSHIP_UNKNOWN. */
enum membership membership_parse(const char *text);

/* "invite" …; "leave" for MEMBERSHIP_NONE: who never was in a room is told the same. */
const char *membership_name(enum membership membership);

/* Of a member event; NULL gives MEMBERSHIP_NONE. */
enum membership membership_of(const struct event *member);

/* Spec: client-server API "m.room.join_rules". */
enum join_rule {
    JOIN_RULE_PUBLIC,
    JOIN_RULE_INVITE,
    JOIN_RULE_KNOCK,
    JOIN_RULE_RESTRICTED,
    JOIN_RULE_KNOCK_RESTRICTED,
    JOIN_RULE_UNKNOWN, /* also `private`, and rules that this room version does not have */
};

/* Without the event, or without the key in it, a room is by invitation only. */
enum join_rule join_rule_of(const struct room_version *version, const struct event *join_rules);

/* The rooms whose members may join a restricted room (`allow` with type m.room_membership).
 * `*rooms_out` is on the arena; returns their number. */
size_t join_rules_allowed_rooms(struct arena *arena, const struct event *join_rules,
                                const char *const **rooms_out);

#endif
