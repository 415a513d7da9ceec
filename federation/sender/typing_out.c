/* Who types, told to the other servers in the room. Spec: server-server API, "Typing
 * Notifications". */
#include "federation/sender/typing_out.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/presence/typing.h"
#include "homeserver/protocol/edu.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/services.h"
#include "storage/rooms.h"

struct typing_room {
    int64_t room_nid;
    char **users; /* of ours, as last told */
    size_t count;
    UT_hash_handle hh;
};

struct typing_out {
    struct typing_room *rooms;
};

struct typing_out *typing_out_create(void)
{
    struct typing_out *typing = calloc(1, sizeof(*typing));

    if (typing == NULL)
        abort();
    return typing;
}

static void clear(struct typing_room *room)
{
    for (size_t i = 0; i < room->count; i++)
        free(room->users[i]);
    free(room->users);
    room->users = NULL;
    room->count = 0;
}

void typing_out_destroy(struct typing_out *typing)
{
    struct typing_room *room, *next;

    if (typing == NULL)
        return;
    HASH_ITER (hh, typing->rooms, room, next) {
        HASH_DEL(typing->rooms, room);
        clear(room);
        free(room);
    }
    free(typing);
}

static bool is_among(const char *user_id, const char *const *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(users[i], user_id) == 0)
            return true;
    }
    return false;
}

/* Only those of ours: the others' servers tell for themselves. */
static size_t keep_ours(const struct config *config, const char **users, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (config_hosts_user(config, users[i]))
            users[kept++] = users[i];
    }
    return kept;
}

struct typing_news {
    struct sender_queues *queues;
    const char *room_id;
    const char **servers;
    size_t server_count;
};

static void tell(const struct typing_news *news, const char *user_id, bool is_typing)
{
    const struct typing_edu edu = {news->room_id, user_id, is_typing};

    for (size_t i = 0; i < news->server_count; i++)
        sender_queue_add_edu(
            sender_queue_obtain(news->queues, identifier_domain(user_id), news->servers[i]),
            edu_build_typing(&edu));
}

static void remember(struct typing_room *room, const char *const *users, size_t count)
{
    clear(room);
    room->users = calloc(count > 0 ? count : 1, sizeof(*room->users));
    if (room->users == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        room->users[i] = strdup(users[i]);
    room->count = count;
}

enum errcode typing_out_follow(struct typing_out *typing, struct call *call, int64_t room_nid,
                               struct sender_queues *queues)
{
    struct typing_news news = {.queues = queues};
    struct typing_room *room;
    const char **users, **room_ids;
    size_t count;

    users = typing_users(call->services->typing, call->arena, room_nid, &count);
    count = keep_ours(config_current(call->services->config), users, count);
    HASH_FIND(hh, typing->rooms, &room_nid, sizeof(room_nid), room);
    if (room == NULL && count == 0)
        return OK;
    TRY(room_ids_load(call->db, call->arena, &room_nid, 1, &room_ids));
    news.room_id = room_ids[0];
    TRY(federation_servers_in_room(call->db, call->arena, room_nid, &news.servers,
                                   &news.server_count));
    if (room == NULL) {
        room = calloc(1, sizeof(*room));
        if (room == NULL)
            abort();
        room->room_nid = room_nid;
        HASH_ADD(hh, typing->rooms, room_nid, sizeof(room->room_nid), room);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_among(users[i], (const char *const *)room->users, room->count))
            tell(&news, users[i], true);
    }
    for (size_t i = 0; i < room->count; i++) {
        if (!is_among(room->users[i], users, count))
            tell(&news, room->users[i], false);
    }
    remember(room, users, count);
    if (count == 0) {
        HASH_DEL(typing->rooms, room);
        clear(room);
        free(room);
    }
    return OK;
}
