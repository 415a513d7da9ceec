/* What other servers say of rooms: asked for, remembered as they said it, read into summaries. */
#include "homeserver/rooms/remote_rooms.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "federation/client/space_hierarchy.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/cache.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

enum {
    CACHE_BYTES = 16 << 20,
    REMEMBERED_MS = 5 * 60 * 1000,
    SERVERS_ASKED_MAX = 3,
    CHILDREN_MAX = 1000,
    ALLOWED_ROOMS_MAX = 100,
};

/* ── What is remembered ── */

struct remembered {
    atomic_int references;
    int64_t until_ms; /* monotonic */
    size_t size;
    char json[];
};

static void acquire(void *value)
{
    struct remembered *remembered = value;

    atomic_fetch_add(&remembered->references, 1);
}

static void release(void *value)
{
    struct remembered *remembered = value;

    if (atomic_fetch_sub(&remembered->references, 1) == 1)
        free(remembered);
}

struct cache *remote_rooms_cache_create(void)
{
    const struct cache_options options = {
        .name = "remote_rooms",
        .limit_bytes = CACHE_BYTES,
        .acquire = acquire,
        .release = release,
    };

    return cache_create(&options);
}

/* What a server shows to one of our domains is not for another one. Neither name has a blank. */
static const char *cache_key(struct arena *arena, const char *origin, const char *room_id)
{
    return arena_printf(arena, "%s %s", origin, room_id);
}

static void remember(struct cache *cache, const char *key, const char *json)
{
    size_t size = strlen(json);
    struct remembered *remembered = malloc(sizeof(*remembered) + size);

    if (remembered == NULL)
        abort();
    atomic_init(&remembered->references, 1);
    remembered->until_ms = clock_monotonic_ms() + REMEMBERED_MS;
    remembered->size = size;
    memcpy(remembered->json, json, size);
    cache_put(cache, key, strlen(key), remembered, sizeof(*remembered) + size);
    release(remembered);
}

/* NULL when there is nothing, or it is too old. */
static json_t *recall(struct call *call, struct cache *cache, const char *key, size_t *size_out)
{
    struct remembered *remembered = cache_get(cache, key, strlen(key));
    json_t *answer = NULL;

    if (remembered == NULL)
        return NULL;
    *size_out = remembered->size;
    if (remembered->until_ms < clock_monotonic_ms() ||
        json_parse_object(call->arena, remembered->json, remembered->size, NULL, &answer) != OK)
        answer = NULL;
    release(remembered);
    return answer;
}

/* ── Reading ── */

/* Room IDs of an array; others in it count for nothing. */
static const char **read_ids(struct arena *arena, const json_t *array, size_t max,
                             size_t *count_out)
{
    const char **ids = ARENA_ARRAY(arena, json_array_size(array), const char *);
    json_t *id;
    size_t i;

    *count_out = 0;
    json_array_foreach (array, i, id) {
        if (room_id_is_valid(json_text(id)) && *count_out < max)
            ids[(*count_out)++] = json_text(id);
    }
    return ids;
}

static bool read_room(struct arena *arena, const json_t *json, bool suggested_only,
                      struct remote_room *out)
{
    json_t *children_state = json_get_array(json, "children_state");
    const char *room_type = json_get_string(json, "room_type");
    const char *join_rule = json_get_string(json, "join_rule");
    int64_t members = 0;

    if (!room_id_is_valid(json_get_string(json, "room_id")))
        return false;
    if (!json_get_int(json, "num_joined_members", &members) || members < 0)
        members = 0;
    *out = (struct remote_room){
        .summary =
            {
                .room_id = json_get_string(json, "room_id"),
                .room_version = json_get_string(json, "room_version"),
                .joined_members = members,
                .name = json_get_string(json, "name"),
                .topic = json_get_string(json, "topic"),
                .canonical_alias = json_get_string(json, "canonical_alias"),
                .avatar_url = json_get_string(json, "avatar_url"),
                /* Spec: "When not present, the room is assumed to be public." */
                .join_rule = join_rule != NULL ? join_rule : "public",
                .history_visibility =
                    json_get_bool(json, "world_readable", false) ? "world_readable" : NULL,
                .guest_access = json_get_bool(json, "guest_can_join", false) ? "can_join" : NULL,
                .encryption = json_get_string(json, "encryption"),
                .room_type = room_type,
            },
        /* Rooms that are no spaces have no children, whatever is said. */
        .knows_children =
            children_state != NULL || room_type == NULL || strcmp(room_type, "m.space") != 0,
    };
    out->summary.allowed_rooms = read_ids(arena, json_get_array(json, "allowed_room_ids"),
                                          ALLOWED_ROOMS_MAX, &out->summary.allowed_room_count);
    if (children_state != NULL && room_type != NULL && strcmp(room_type, "m.space") == 0)
        space_children_read(arena, children_state, suggested_only, &out->children,
                            &out->child_count);
    if (out->child_count > CHILDREN_MAX)
        out->child_count = CHILDREN_MAX;
    return true;
}

static struct remote_answer *read_answer(struct arena *arena, const json_t *json,
                                         bool suggested_only, size_t bytes)
{
    struct remote_answer *answer = ARENA_NEW(arena, struct remote_answer);
    json_t *children = json_get_array(json, "children"), *child;
    size_t i;

    *answer = (struct remote_answer){
        .children = ARENA_ARRAY(arena, json_array_size(children), struct remote_room),
        .bytes = bytes,
    };
    if (!read_room(arena, json_get_object(json, "room"), suggested_only, &answer->room))
        return NULL;
    answer->room.knows_children = true;
    json_array_foreach (children, i, child) {
        if (answer->count < CHILDREN_MAX &&
            read_room(arena, child, suggested_only, &answer->children[answer->count]))
            answer->count++;
    }
    answer->inaccessible = read_ids(arena, json_get_array(json, "inaccessible_children"),
                                    CHILDREN_MAX, &answer->inaccessible_count);
    return answer;
}

/* ── Asking ── */

/* A room that is being asked for. */
struct search {
    struct remote_question *question;
    const char *key;
    size_t next_server, asked_count;
};

/* The next server that is worth a call; NULL when there is none. */
static const char *next_server(const struct config *config, struct search *search)
{
    const struct remote_question *question = search->question;

    while (search->next_server < question->server_count &&
           search->asked_count < SERVERS_ASKED_MAX) {
        const char *server = question->servers[search->next_server++];
        if (config_hosts(config, server))
            continue;
        search->asked_count++;
        return server;
    }
    return NULL;
}

/* Asks one server for each room that is still open; `*asked_out` says how many that were. */
static enum errcode ask_round(struct call *call, const struct remote_asking *asking,
                              struct search *searches, size_t count, size_t *asked_out)
{
    const struct config *config = config_current(call->services->config);
    struct cache *cache = room_service_remote_rooms(call->services->rooms);
    struct hierarchy_question *calls = ARENA_ARRAY(call->arena, count, struct hierarchy_question);
    struct search **asked = ARENA_ARRAY(call->arena, count, struct search *);
    size_t asked_count = 0;

    for (size_t i = 0; i < count; i++) {
        const char *server =
            searches[i].question->answer == NULL ? next_server(config, &searches[i]) : NULL;
        if (server == NULL)
            continue;
        calls[asked_count] = (struct hierarchy_question){asking->origin, server,
                                                         searches[i].question->room_id, NULL};
        asked[asked_count++] = &searches[i];
    }
    *asked_out = asked_count;
    if (asked_count > 0)
        TRY(federation_ask_hierarchies(call, calls, asked_count));
    for (size_t i = 0; i < asked_count; i++) {
        const char *json = json_compact(call->arena, calls[i].answer);
        if (json == NULL)
            continue;
        asked[i]->question->answer =
            read_answer(call->arena, calls[i].answer, asking->suggested_only, strlen(json));
        if (asked[i]->question->answer != NULL)
            remember(cache, asked[i]->key, json);
    }
    return OK;
}

enum errcode remote_rooms_ask(struct call *call, const struct remote_asking *asking,
                              struct remote_question *questions, size_t count)
{
    struct search *searches = ARENA_ARRAY(call->arena, count, struct search);
    struct cache *cache = room_service_remote_rooms(call->services->rooms);
    size_t asked = 1;

    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        const char *key = cache_key(call->arena, asking->origin, questions[i].room_id);
        json_t *known = recall(call, cache, key, &bytes);
        searches[i] = (struct search){.question = &questions[i], .key = key};
        questions[i].answer =
            known != NULL ? read_answer(call->arena, known, asking->suggested_only, bytes) : NULL;
    }
    while (asked > 0 && !asking->only_known)
        TRY(ask_round(call, asking, searches, count, &asked));
    return OK;
}
