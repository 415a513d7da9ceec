#ifndef HOMESERVER_ROOMS_CREATE_ROOM_H
#define HOMESERVER_ROOMS_CREATE_ROOM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/rooms/room_service.h"

enum { CREATE_ROOM_INVITES_MAX = 500, CREATE_ROOM_STATE_MAX = 200 };

enum room_preset { PRESET_PRIVATE_CHAT, PRESET_TRUSTED_PRIVATE_CHAT, PRESET_PUBLIC_CHAT };

/* Client-server API "createRoom", as checked by the handler: sizes and types are right. */
struct new_room {
    const struct room_version *version;
    enum room_preset preset;
    bool is_listed; /* visibility: public */
    bool is_direct;
    const char *alias;            /* whole alias, or NULL */
    const char *name;             /* or NULL */
    const char *topic;            /* or NULL */
    json_t *creation_content;     /* object, or NULL */
    json_t *initial_state;        /* array of {type, state_key, content}, or NULL */
    json_t *power_level_override; /* object, or NULL */
    bool is_replacement;          /* of an upgraded room: no state but what is given here */
    bool is_never_encrypted;      /* not even where private rooms are by default */
    const char *const *invites; /* user IDs; those of other servers are for the caller to invite */
    size_t invite_count;
};

/* M_ROOM_IN_USE for a taken alias, M_INVALID_ROOM_STATE when the initial state contradicts the
 * rules; an invite that can not be sent does not fail the room. */
enum errcode room_create_new(struct call *call, const struct requester *creator,
                             const struct new_room *wanted, const char **room_id_out) MUST_CHECK;

#endif
