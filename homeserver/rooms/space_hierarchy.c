/* Walking the rooms below a space with a stack of our own: how deep it goes is for others to say.
 * Rooms that we are not in are asked for when the walk comes to them, with those that come next.
 */
#include "homeserver/rooms/space_hierarchy.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/remote_rooms.h"
#include "homeserver/rooms/room_preview.h"
#include "homeserver/rooms/space_children.h"
#include "storage/rooms.h"

enum {
    ASKED_AT_ONCE_MAX = 16,
    ASKED_MAX = 320,            /* rooms, in one walk */
    ASKED_BYTES_MAX = 16 << 20, /* of answers in one walk, remembered ones too */
    ASKED_UNTIL_MS = 30 * 1000, /* into the walk: the last round may take as long again */
};

/* A room that is to be visited. */
struct step {
    const struct space_child *child;    /* that led here; NULL for the root */
    const struct room_summary *summary; /* what we know ourselves; may be NULL */
    const struct remote_room *remote;   /* what others told; may be NULL */
    bool is_ours;                       /* somebody of this server is in it: no need to ask */
    bool is_allowed;                    /* by what we know ourselves */
    int64_t depth;
};

struct walk {
    struct call *call;
    const struct hierarchy_query *query;
    struct hierarchy_page *page;
    ARRAY_OF(struct step) stack;
    struct map *visited;
    struct map *told;         /* room ID -> struct remote_room: by the servers asked so far */
    struct map *inaccessible; /* room IDs that others may not show us */
    size_t seen;              /* rooms so far, those of earlier pages included */
    size_t asked_count, asked_bytes;
    int64_t ask_until_ms;
};

/* ── What we know ourselves ── */

/* Puts the rooms on the stack that the user may see, or that others may show, the first on top. */
static enum errcode push_rooms(struct walk *walk, const struct space_child *children, size_t count,
                               int64_t depth)
{
    struct arena *arena = walk->call->arena;
    const char **room_ids = ARENA_ARRAY(arena, count, const char *);
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);
    struct map *known = map_create(arena);
    struct room_summary *summaries;
    struct preview *previews;
    struct nid_list here;
    size_t known_count;

    for (size_t i = 0; i < count; i++)
        room_ids[i] = children[i].room_id;
    TRY(room_summaries_load_by_ids(walk->call->db, arena, room_ids, count, &summaries,
                                   &known_count));
    TRY(previews_make(walk->call, walk->query->user_nid, summaries, known_count, &previews));
    for (size_t i = 0; i < known_count; i++)
        nids[i] = summaries[i].room_nid;
    TRY(memberships_joined_here(walk->call->db, arena, (struct nid_list){nids, known_count},
                                &here));
    struct step *steps = ARENA_ARRAY(arena, known_count, struct step);
    for (size_t i = 0; i < known_count; i++) {
        steps[i] = (struct step){.summary = &summaries[i], .is_allowed = previews[i].is_allowed};
        for (size_t j = 0; j < here.count && !steps[i].is_ours; j++)
            steps[i].is_ours = here.items[j] == summaries[i].room_nid;
        map_set(known, summaries[i].room_id, &steps[i]);
    }
    for (size_t i = count; i > 0; i--) {
        const struct step *found = map_get(known, room_ids[i - 1]);
        struct step step = found != NULL ? *found : (struct step){0};
        step.child = &children[i - 1];
        step.depth = depth;
        if (step.is_allowed || !step.is_ours)
            array_push(arena, &walk->stack, step);
    }
    return OK;
}

/* The root is named without servers to ask: we know it, or nobody does. */
static enum errcode push_root(struct walk *walk)
{
    struct space_child *root = ARENA_NEW(walk->call->arena, struct space_child);

    *root = (struct space_child){.room_id = walk->query->root};
    TRY(push_rooms(walk, root, 1, 0));
    if (walk->stack.count == 0 || !walk->stack.items[0].is_allowed)
        return fail(walk->call->error, M_FORBIDDEN,
                    "You may not see this room, or it does not exist.");
    walk->stack.items[0].is_ours = true;
    return OK;
}

/* ── What others know ── */

/* Takes over what has been told of the room; true when nobody needs to be asked (any more). */
static bool is_settled(struct walk *walk, struct step *step)
{
    if (!step->is_ours && step->remote == NULL)
        step->remote = map_get(walk->told, step->child->room_id);
    return step->is_ours || (step->remote != NULL && step->remote->knows_children) ||
           map_contains(walk->inaccessible, step->child->room_id);
}

/* Of rooms below a space that server is believed which knows the space, and for this walk only. */
static void learn(struct walk *walk, struct remote_answer *answer)
{
    struct map *below = map_create(walk->call->arena);

    map_set(walk->told, answer->room.summary.room_id, &answer->room);
    for (size_t i = 0; i < answer->room.child_count; i++)
        map_set(below, answer->room.children[i].room_id, NULL);
    for (size_t i = 0; i < answer->count; i++) {
        const char *room_id = answer->children[i].summary.room_id;
        if (map_contains(below, room_id) && !map_contains(walk->told, room_id))
            map_set(walk->told, room_id, &answer->children[i]);
    }
    for (size_t i = 0; i < answer->inaccessible_count; i++) {
        if (map_contains(below, answer->inaccessible[i]))
            map_set(walk->inaccessible, answer->inaccessible[i], NULL);
    }
    walk->asked_bytes += answer->bytes;
}

/* Asks for this room and for the next on the stack that have to be asked for. */
static enum errcode ask_for(struct walk *walk, const struct step *step)
{
    struct remote_question questions[ASKED_AT_ONCE_MAX];
    const struct remote_asking asking = {
        .origin = walk->query->origin,
        .suggested_only = walk->query->suggested_only,
        .only_known = walk->asked_count >= ASKED_MAX || clock_monotonic_ms() > walk->ask_until_ms,
    };
    size_t count = 0;

    if (walk->asked_bytes > ASKED_BYTES_MAX)
        return OK;
    const struct space_child *child = step->child;
    questions[count++] = (struct remote_question){
        .room_id = child->room_id, .servers = child->servers, .server_count = child->server_count};
    for (size_t i = walk->stack.count; i > 0 && count < ASKED_AT_ONCE_MAX; i--) {
        struct step *next = &walk->stack.items[i - 1];
        child = next->child;
        if (!is_settled(walk, next) && !map_contains(walk->visited, child->room_id))
            questions[count++] = (struct remote_question){.room_id = child->room_id,
                                                          .servers = child->servers,
                                                          .server_count = child->server_count};
    }
    TRY(remote_rooms_ask(walk->call, &asking, questions, count));
    walk->asked_count += count;
    for (size_t i = 0; i < count; i++) {
        if (questions[i].answer != NULL)
            learn(walk, questions[i].answer);
    }
    return OK;
}

/* The user may be invited to a room that nobody of ours is in, or banned from it. */
static enum errcode judge_remote(struct walk *walk, struct step *step)
{
    struct room_summary *summary = ARENA_NEW(walk->call->arena, struct room_summary);
    struct stored_room stored = {0};
    struct preview *preview;

    enum errcode known =
        room_load(walk->call->db, walk->call->arena, step->child->room_id, &stored);
    if (known != OK && known != M_NOT_FOUND)
        return known;
    *summary = step->remote->summary;
    summary->room_nid = stored.room_nid;
    TRY(previews_make(walk->call, walk->query->user_nid, summary, 1, &preview));
    step->summary = summary;
    step->is_allowed = preview->is_allowed;
    return OK;
}

/* ── The walk ── */

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

static enum errcode push_children(struct walk *walk, const struct step *step,
                                  const struct space_child *children, size_t count)
{
    struct space_child *wanted = ARENA_ARRAY(walk->call->arena, count, struct space_child);
    size_t wanted_count = 0;

    if (step->depth >= walk->query->max_depth)
        return OK;
    for (size_t i = 0; i < count; i++) {
        if (!map_contains(walk->visited, children[i].room_id))
            wanted[wanted_count++] = children[i];
    }
    return wanted_count > 0 ? push_rooms(walk, wanted, wanted_count, step->depth + 1) : OK;
}

static enum errcode visit(struct walk *walk, const struct step *step)
{
    const char *room_type = step->summary->room_type;
    struct space_child *children = NULL;
    size_t count = 0;

    if (step->remote != NULL) {
        children = step->remote->children;
        count = step->remote->child_count;
    } else if (room_type != NULL && strcmp(room_type, "m.space") == 0) {
        TRY(space_children_load(walk->call, step->summary->room_nid, walk->query->suggested_only,
                                &children, &count));
    }
    add_to_page(walk, step, children, count);
    return push_children(walk, step, children, count);
}

/* The next room that the user may see; `*found_out` is false at the end of the walk. */
static enum errcode next_room(struct walk *walk, struct step *out, bool *found_out)
{
    *found_out = false;
    while (!*found_out && walk->stack.count > 0) {
        *out = walk->stack.items[--walk->stack.count];
        if (map_contains(walk->visited, out->child->room_id))
            continue;
        map_set(walk->visited, out->child->room_id, NULL);
        if (!is_settled(walk, out)) {
            TRY(ask_for(walk, out));
            out->remote = map_get(walk->told, out->child->room_id);
        }
        if (out->remote != NULL)
            TRY(judge_remote(walk, out));
        *found_out = out->is_allowed;
    }
    return OK;
}

enum errcode hierarchy_walk(struct call *call, const struct hierarchy_query *query,
                            struct hierarchy_page *out)
{
    struct walk walk = {
        .call = call,
        .query = query,
        .page = out,
        .visited = map_create(call->arena),
        .told = map_create(call->arena),
        .inaccessible = map_create(call->arena),
        .ask_until_ms = clock_monotonic_ms() + ASKED_UNTIL_MS,
    };
    struct step step;
    bool found = true;

    *out = (struct hierarchy_page){
        .rooms = ARENA_ARRAY(call->arena, query->limit, struct hierarchy_room)};
    TRY(push_root(&walk));
    while (found && walk.seen < HIERARCHY_ROOMS_MAX) {
        TRY(next_room(&walk, &step, &found));
        if (found && out->count == query->limit) {
            out->has_more = true;
            return OK;
        }
        if (found)
            TRY(visit(&walk, &step));
    }
    return OK;
}
