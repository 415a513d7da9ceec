/* Walking the rooms below a space with a stack of our own: how deep it goes is for others to say.
 */
#include "homeserver/rooms/space_hierarchy.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_preview.h"
#include "homeserver/rooms/space_children.h"

/* A room that is to be visited. */
struct step {
    const struct room_summary *summary;
    int64_t depth;
};

struct walk {
    struct call *call;
    const struct hierarchy_query *query;
    struct hierarchy_page *page;
    ARRAY_OF(struct step) stack;
    struct map *visited;
    size_t seen; /* rooms so far, those of earlier pages included */
};

/* Puts those of the rooms that the user may see on the stack, the first on top. */
static enum errcode push_rooms(struct walk *walk, const char *const *room_ids, size_t count,
                               int64_t depth)
{
    struct map *found = map_create(walk->call->arena);
    struct room_summary *summaries;
    struct preview *previews;
    size_t found_count;

    TRY(room_summaries_load_by_ids(walk->call->db, walk->call->arena, room_ids, count, &summaries,
                                   &found_count));
    TRY(previews_make(walk->call, walk->query->user_nid, summaries, found_count, &previews));
    for (size_t i = 0; i < found_count; i++) {
        if (previews[i].is_allowed)
            map_set(found, summaries[i].room_id, &summaries[i]);
    }
    for (size_t i = count; i > 0; i--) {
        const struct room_summary *summary = map_get(found, room_ids[i - 1]);
        if (summary != NULL)
            array_push(walk->call->arena, &walk->stack, ((struct step){summary, depth}));
    }
    return OK;
}

static enum errcode push_children(struct walk *walk, const struct step *step,
                                  const struct space_child *children, size_t count)
{
    const char **room_ids = ARENA_ARRAY(walk->call->arena, count, const char *);
    size_t wanted = 0;

    if (step->depth >= walk->query->max_depth)
        return OK;
    for (size_t i = 0; i < count; i++) {
        if (!map_contains(walk->visited, children[i].room_id))
            room_ids[wanted++] = children[i].room_id;
    }
    return wanted > 0 ? push_rooms(walk, room_ids, wanted, step->depth + 1) : OK;
}

static void add_to_page(struct walk *walk, const struct step *step,
                        const struct space_child *children, size_t count)
{
    json_t *state;

    if (walk->seen++ < walk->query->skip)
        return;
    state = json_on_arena(walk->call->arena, json_array());
    for (size_t i = 0; i < count; i++)
        json_array_append(state, children[i].stripped);
    walk->page->rooms[walk->page->count++] = (struct hierarchy_room){step->summary, state};
}

static enum errcode visit(struct walk *walk, const struct step *step)
{
    const char *room_type = step->summary->room_type;
    struct space_child *children = NULL;
    size_t count = 0;

    map_set(walk->visited, step->summary->room_id, NULL);
    if (room_type != NULL && strcmp(room_type, "m.space") == 0)
        TRY(space_children_load(walk->call, step->summary->room_nid, walk->query->suggested_only,
                                &children, &count));
    add_to_page(walk, step, children, count);
    return push_children(walk, step, children, count);
}

static bool pop_unvisited(struct walk *walk, struct step *out)
{
    while (walk->stack.count > 0) {
        *out = walk->stack.items[--walk->stack.count];
        if (!map_contains(walk->visited, out->summary->room_id))
            return true;
    }
    return false;
}

enum errcode hierarchy_walk(struct call *call, const struct hierarchy_query *query,
                            struct hierarchy_page *out)
{
    struct walk walk = {
        .call = call,
        .query = query,
        .page = out,
        .visited = map_create(call->arena),
    };
    struct step step;

    *out = (struct hierarchy_page){
        .rooms = ARENA_ARRAY(call->arena, query->limit, struct hierarchy_room)};
    TRY(push_rooms(&walk, &query->root, 1, 0));
    if (walk.stack.count == 0)
        return fail(call->error, M_FORBIDDEN, "You may not see this room, or it does not exist.");
    while (walk.seen < HIERARCHY_ROOMS_MAX && pop_unvisited(&walk, &step)) {
        if (out->count == query->limit) {
            out->has_more = true;
            return OK;
        }
        TRY(visit(&walk, &step));
    }
    return OK;
}
