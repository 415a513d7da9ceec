#ifndef TESTS_SUPPORT_ROOM_SCRIPT_H
#define TESTS_SUPPORT_ROOM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/array.h"
#include "homeserver/protocol/auth_rules.h"

struct event;
struct map;
struct room_version;

/*
 * A room told as a short text, so that tests read like the stories they are:
 *
 *     "@a create; @a join; @a rules public; @b join; @a power @b 50; !5.6.3 @b ban @a"
 *
 * Statements are separated by `;`. A statement must be allowed by the auth rules, or, with
 * `!<rule>` before it, refused by just that rule; `!` alone accepts any rule. An allowed state
 * event becomes part of the state. `@b` is `@b:one`; another server is written `@b:two`.
 *
 *     @a create [JSON]                     @a join [via @b]      @a leave     @a knock
 *     @a invite|kick|ban|unban|member @b   (member: with JSON after it)
 *     @a rules <join rule>                 @a power @b <level>   @a power <name> <level>
 *     @a power events <type> <level>       @a send <type>        @a state <type> <key>
 *     @a put <type> <key> <JSON>           (key - : no state event; key "" : empty)
 *     @a redact <event ID>
 *     signatures on|off                    what the signature checks of the rules answer
 *
 * JSON is written with ' for ".
 */
struct script_room {
    struct arena *arena;
    const struct room_version *version;
    const char *room_id;
    struct map *state; /* "type key" -> struct event * */
    ARRAY_OF(struct event *) events;
    const struct event *create;
    bool signatures_are_valid;
    bool seals_events;  /* events get their hashes and real IDs; to be set at first */
    const char *branch; /* ends the event IDs; "" at first. Tells forks of a room apart */
    const char *why;    /* of the last refusal */
    char problem[400];
};

struct script_room *script_room_create(struct arena *arena, const struct room_version *version);

/* False when something did not go as the script says; `problem` tells what. */
bool script_room_play(struct script_room *room, const char *script);

struct event *script_room_state(const struct script_room *room, const char *type,
                                const char *state_key);
struct event *script_room_last(const struct script_room *room);

/* The current state as the auth rules want it; valid as long as the room. */
struct auth_state script_room_auth_state(struct script_room *room);

#endif
