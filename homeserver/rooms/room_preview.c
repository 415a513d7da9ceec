/* Which summaries a user may see. */
#include "homeserver/rooms/room_preview.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/room_version.h"

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

/* Rules that a room version does not know let nobody in. Other servers do not tell the version
 * before v1.15 of the specification: they are taken at their word. */
static const struct room_version *version_of(const struct room_summary *summary)
{
    return room_version_find(summary->room_version != NULL ? summary->room_version
                                                           : ROOM_VERSION_DEFAULT);
}

static bool anyone_may_come(const struct room_summary *summary)
{
    const struct room_version *version = version_of(summary);

    if (is(summary->join_rule, "public") || is(summary->history_visibility, "world_readable"))
        return true;
    return version != NULL &&
           ((is(summary->join_rule, "knock") && version->knock) ||
            (is(summary->join_rule, "knock_restricted") && version->knock_restricted));
}

static bool is_restricted(const struct room_summary *summary)
{
    const struct room_version *version = version_of(summary);

    return is(summary->join_rule, "restricted") && version != NULL && version->restricted_join;
}

static enum errcode fill_memberships(struct call *call, int64_t user_nid, struct preview *previews,
                                     size_t count)
{
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);
    enum stored_membership *memberships;

    for (size_t i = 0; i < count; i++)
        nids[i] = previews[i].summary->room_nid;
    TRY(memberships_of_user_in(call->db, call->arena, user_nid, (struct nid_list){nids, count},
                               &memberships));
    for (size_t i = 0; i < count; i++)
        previews[i].membership = memberships[i];
    return OK;
}

/* Restricted rooms that are not settled otherwise: the viewer may be in one of the rooms that their
 * rules name. */
static enum errcode settle_restricted(struct call *call, int64_t user_nid, struct preview *previews,
                                      size_t count)
{
    ARRAY_OF(const char *) wanted = {0};
    struct map *joined = map_create(call->arena);
    const char **room_ids;
    size_t joined_count;

    for (size_t i = 0; i < count; i++) {
        const struct room_summary *summary = previews[i].summary;
        if (previews[i].is_allowed || !is_restricted(summary))
            continue;
        for (size_t j = 0; j < summary->allowed_room_count; j++)
            array_push(call->arena, &wanted, summary->allowed_rooms[j]);
    }
    if (wanted.count == 0)
        return OK;
    const struct joined_query query = {user_nid, wanted.items, wanted.count};
    TRY(memberships_joined_among(call->db, call->arena, &query, &room_ids, &joined_count));
    for (size_t i = 0; i < joined_count; i++)
        map_set(joined, room_ids[i], NULL);
    for (size_t i = 0; i < count; i++) {
        const struct room_summary *summary = previews[i].summary;
        if (!is_restricted(summary) || previews[i].membership == STORED_BAN)
            continue;
        for (size_t j = 0; j < summary->allowed_room_count; j++)
            previews[i].is_allowed |= map_contains(joined, summary->allowed_rooms[j]);
    }
    return OK;
}

enum errcode previews_make(struct call *call, int64_t user_nid,
                           const struct room_summary *summaries, size_t count, struct preview **out)
{
    struct preview *previews = ARENA_ARRAY(call->arena, count, struct preview);

    for (size_t i = 0; i < count; i++)
        previews[i].summary = &summaries[i];
    if (user_nid != 0)
        TRY(fill_memberships(call, user_nid, previews, count));
    for (size_t i = 0; i < count; i++) {
        enum stored_membership membership = previews[i].membership;
        previews[i].is_allowed = membership == STORED_JOIN || membership == STORED_INVITE ||
                                 (membership != STORED_BAN && anyone_may_come(&summaries[i]));
    }
    *out = previews;
    return user_nid != 0 ? settle_restricted(call, user_nid, previews, count) : OK;
}
