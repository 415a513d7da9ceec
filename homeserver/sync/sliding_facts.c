/* What lists know of the user's rooms. Spec: MSC4186, "Lists", `SlidingRoomFilter`. */
#include <stdlib.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/ignored_senders.h"
#include "homeserver/rooms/space_children.h"
#include "homeserver/sync/sliding_internal.h"
#include "storage/account_data.h"

/* Spaces asked about in one request; more are as if unknown. */
enum { SPACES_MAX = 50 };

typedef ARRAY_OF(const char *) text_list;

/* What the user's lists ask for beside the rooms' own facts, by room ID. */
struct lookups {
    struct map *direct; /* m.direct */
    struct map *tags;   /* text_list of each room, by room_nid as text */
    struct map *spaces; /* text_list of each room */
};

static int compare_listed(const void *left, const void *right)
{
    const struct listed_room *a = left, *b = right;

    return a->room_nid < b->room_nid ? -1 : a->room_nid > b->room_nid;
}

const struct listed_room *sliding_listed(const struct sliding *sliding, int64_t room_nid)
{
    const struct listed_room key = {.room_nid = room_nid};

    if (sliding->listed_count == 0)
        return NULL;
    return bsearch(&key, sliding->listed, sliding->listed_count, sizeof(key), compare_listed);
}

/* Spec: client-server API, "m.direct". */
static enum errcode load_direct(struct sliding *sliding, struct map **out)
{
    struct call *call = sliding->sync.call;
    const struct account_data_key key = {sliding->question->requester->user_nid,
                                         ACCOUNT_DATA_GLOBAL, "m.direct"};
    struct account_data_row row;
    json_t *content, *rooms, *room;
    const char *user_id;
    size_t i;

    *out = map_create(call->arena);
    enum errcode found = account_data_load(call->db, call->arena, &key, &row);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    if (json_parse_object(call->arena, row.content, strlen(row.content), NULL, &content) != OK)
        return OK; /* what the client stored is the client's affair */
    json_object_foreach (content, user_id, rooms) {
        json_array_foreach (rooms, i, room) {
            if (json_text(room) != NULL)
                map_set(*out, json_text(room), NULL);
        }
    }
    return OK;
}

static void add_text(struct arena *arena, struct map *map, const char *key, const char *text)
{
    text_list *list = map_get(map, key);

    if (list == NULL) {
        list = ARENA_NEW(arena, text_list);
        map_set(map, key, list);
    }
    array_push(arena, list, text);
}

static const char *nid_text(struct arena *arena, int64_t nid)
{
    return arena_printf(arena, "%lld", (long long)nid);
}

static enum errcode load_tags(struct sliding *sliding, struct map *out)
{
    struct call *call = sliding->sync.call;
    const struct account_data_key key = {.user_nid = sliding->question->requester->user_nid,
                                         .type = "m.tag"};
    struct account_data_row *rows;
    size_t count;

    TRY(account_data_of_type(call->db, call->arena, &key, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        json_t *content, *value;
        const char *tag;
        if (json_parse_object(call->arena, rows[i].content, strlen(rows[i].content), NULL,
                              &content) != OK)
            continue;
        json_object_foreach (json_get_object(content, "tags"), tag, value)
            add_text(call->arena, out, nid_text(call->arena, rows[i].room_nid), tag);
    }
    return OK;
}

static const struct user_room *joined_room(const struct sliding *sliding, const char *room_id)
{
    for (size_t i = 0; i < sliding->sync.view.room_count; i++) {
        const struct user_room *info = &sliding->sync.view.rooms[i];
        const struct listed_room *listed = sliding_listed(sliding, info->membership.room_nid);
        if (info->membership.membership == STORED_JOIN && listed != NULL &&
            strcmp(listed->room_id, room_id) == 0)
            return info;
    }
    return NULL;
}

/* Children of spaces that the user is not in are not given away. */
static enum errcode load_space(struct sliding *sliding, const char *space_id, struct map *out)
{
    struct call *call = sliding->sync.call;
    const struct user_room *info = joined_room(sliding, space_id);
    struct space_child *children;
    size_t count;

    if (info == NULL)
        return OK;
    TRY(space_children_load(call, info->membership.room_nid, false, &children, &count));
    for (size_t i = 0; i < count; i++)
        add_text(call->arena, out, children[i].room_id, space_id);
    return OK;
}

static enum errcode load_lookups(struct sliding *sliding, struct lookups *out)
{
    const struct sliding_request *request = sliding->question->request;
    struct arena *arena = sliding->sync.call->arena;
    struct map *spaces = map_create(arena);
    bool asks_tags = false;

    TRY(load_direct(sliding, &out->direct));
    out->tags = map_create(arena);
    out->spaces = map_create(arena);
    for (size_t i = 0; i < request->list_count; i++) {
        const struct sliding_filter *filter = &request->lists[i].filter;
        asks_tags |= filter->tags.is_present || filter->not_tags.is_present;
        for (size_t j = 0; j < filter->spaces.count; j++) {
            const char *space = filter->spaces.items[j];
            if (space == NULL || map_contains(spaces, space) || map_count(spaces) >= SPACES_MAX)
                continue;
            map_set(spaces, space, NULL);
            TRY(load_space(sliding, space, out->spaces));
        }
    }
    return asks_tags ? load_tags(sliding, out->tags) : OK;
}

/* ── The rooms ───────────────────────────────────────────────────────────────────────────────── */

static enum sliding_membership membership_of(const struct membership_row *row)
{
    switch (row->membership) {
    case STORED_JOIN:
        return SLIDING_JOINED;
    case STORED_INVITE:
        return SLIDING_INVITED;
    case STORED_KNOCK:
        return SLIDING_KNOCKED;
    case STORED_BAN:
        return SLIDING_BANNED;
    case STORED_LEAVE:
        break;
    }
    return SLIDING_LEFT;
}

/* Rooms that the user left by themselves are told once, to clients that know them. */
static bool is_listed(const struct sliding *sliding, const struct membership_row *row)
{
    const struct sliding_known *known = sliding_memory_find(&sliding->told, row->room_nid);
    bool is_gone = row->membership == STORED_LEAVE || row->membership == STORED_BAN;
    bool was_removed = row->membership == STORED_BAN || row->sender_nid != row->user_nid;

    if (!is_gone)
        return true;
    if (known != NULL && known->membership != membership_of(row))
        return true;
    return !row->is_forgotten && was_removed && row->last_join_position > 0;
}

/* Spec: "Ignoring Users", "Invite permission". */
static enum errcode load_unwanted(struct sliding *sliding)
{
    struct sync *sync = &sliding->sync;
    int64_t user_nid = sliding->question->requester->user_nid;

    struct sync_selection all = {
        ARENA_ARRAY(sync->call->arena, sync->view.room_count, const struct user_room *),
        sync->view.room_count};

    for (size_t i = 0; i < all.count; i++)
        all.rooms[i] = &sync->view.rooms[i];
    TRY(ignored_senders_load(sync->call, user_nid, &sync->ignored));
    return sync_load_unwanted_inviters(sync, all);
}

static void fill_room(struct sliding *sliding, const struct lookups *lookups,
                      const struct user_room *info, const struct listed_room *listed,
                      struct sliding_room *out)
{
    const struct membership_row *row = &info->membership;
    struct arena *arena = sliding->sync.call->arena;
    const text_list *tags = map_count(lookups->tags) > 0
                                ? map_get(lookups->tags, nid_text(arena, row->room_nid))
                                : NULL;
    const text_list *spaces = map_get(lookups->spaces, listed->room_id);

    *out = (struct sliding_room){
        .room_nid = row->room_nid,
        .room_id = listed->room_id,
        .index = (size_t)(info - sliding->sync.view.rooms),
        .activity = row->membership == STORED_JOIN ? listed->last_position : row->position,
        .membership = membership_of(row),
        .is_listed = is_listed(sliding, row),
        .is_dm = map_contains(lookups->direct, listed->room_id),
        .is_encrypted = listed->is_encrypted,
        .room_type = listed->room_type,
        .tags = tags != NULL ? tags->items : NULL,
        .tag_count = tags != NULL ? tags->count : 0,
        .spaces = spaces != NULL ? spaces->items : NULL,
        .space_count = spaces != NULL ? spaces->count : 0,
    };
}

enum errcode sliding_load_rooms(struct sliding *sliding, struct sliding_room **out,
                                size_t *count_out)
{
    const struct user_view *view = &sliding->sync.view;
    struct call *call = sliding->sync.call;
    int64_t *nids = ARENA_ARRAY(call->arena, view->room_count, int64_t);
    struct lookups lookups;

    for (size_t i = 0; i < view->room_count; i++)
        nids[i] = view->rooms[i].membership.room_nid;
    TRY(listed_rooms_load(call->db, call->arena, (struct nid_list){nids, view->room_count},
                          &sliding->listed, &sliding->listed_count));
    TRY(load_lookups(sliding, &lookups));
    TRY(load_unwanted(sliding));
    *out = ARENA_ARRAY(call->arena, view->room_count, struct sliding_room);
    *count_out = 0;
    for (size_t i = 0; i < view->room_count; i++) {
        const struct membership_row *row = &view->rooms[i].membership;
        const struct listed_room *listed = sliding_listed(sliding, row->room_nid);
        if (listed == NULL || !sync_shows_invite(&sliding->sync, row))
            continue;
        fill_room(sliding, &lookups, &view->rooms[i], listed, &(*out)[*count_out]);
        if ((*out)[*count_out].is_listed || !row->is_forgotten)
            (*count_out)++;
    }
    return OK;
}
