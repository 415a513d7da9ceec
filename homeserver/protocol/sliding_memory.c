/*
 * The memory of a sliding sync connection, and its form in storage: a JSON array
 * `[extensions, [wanted, …], room_nid, since, limit, index of wanted, membership, is_dm, …]`.
 */
#include "homeserver/protocol/sliding_memory.h"

#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/json.h"

enum { ROOM_FIELDS = 6, HEAD_FIELDS = 2 };

static int compare_nid(const void *left, const void *right)
{
    const struct sliding_known *a = left, *b = right;

    return a->room_nid < b->room_nid ? -1 : a->room_nid > b->room_nid;
}

/* What is current first, then what was told last. */
static int compare_since(const void *left, const void *right)
{
    const struct sliding_known *a = left, *b = right;
    int64_t x = a->since == 0 ? INT64_MAX : a->since, y = b->since == 0 ? INT64_MAX : b->since;

    return x > y ? -1 : x < y;
}

struct sliding_known *sliding_memory_find(const struct sliding_memory *memory, int64_t room_nid)
{
    const struct sliding_known key = {.room_nid = room_nid};

    if (memory->count == 0)
        return NULL;
    return bsearch(&key, memory->rooms, memory->count, sizeof(key), compare_nid);
}

void sliding_memory_tidy(struct sliding_memory *memory)
{
    if (memory->count > SLIDING_MEMORY_ROOMS_MAX) {
        qsort(memory->rooms, memory->count, sizeof(*memory->rooms), compare_since);
        memory->count = SLIDING_MEMORY_ROOMS_MAX;
    }
    if (memory->count > 1)
        qsort(memory->rooms, memory->count, sizeof(*memory->rooms), compare_nid);
}

static bool known_equal(const struct sliding_known *a, const struct sliding_known *b)
{
    return a->room_nid == b->room_nid && a->since == b->since &&
           a->timeline_limit == b->timeline_limit && a->membership == b->membership &&
           a->is_dm == b->is_dm && strcmp(a->wanted, b->wanted) == 0;
}

bool sliding_memory_equal(const struct sliding_memory *a, const struct sliding_memory *b)
{
    if (a->count != b->count || a->extensions != b->extensions)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!known_equal(&a->rooms[i], &b->rooms[i]))
            return false;
    }
    return true;
}

/* ── Bytes ───────────────────────────────────────────────────────────────────────────────────── */

/* Every wanted text once; the map gives its place, counted from 1. */
static struct map *write_wanted(struct arena *arena, const struct sliding_memory *memory,
                                struct strbuf *out)
{
    struct map *places = map_create(arena);

    strbuf_add_char(out, '[');
    for (size_t i = 0; i < memory->count; i++) {
        const char *text = memory->rooms[i].wanted;
        if (map_contains(places, text))
            continue;
        if (map_count(places) > 0)
            strbuf_add_char(out, ',');
        strbuf_add_json_string(out, text, strlen(text));
        int64_t *place = ARENA_NEW(arena, int64_t);
        *place = (int64_t)map_count(places);
        map_set(places, text, place);
    }
    strbuf_add_char(out, ']');
    return places;
}

const char *sliding_memory_format(struct arena *arena, const struct sliding_memory *memory)
{
    struct strbuf out;

    strbuf_init(&out, SLIDING_MEMORY_BYTES_MAX);
    strbuf_printf(&out, "[%u,", memory->extensions);
    struct map *places = write_wanted(arena, memory, &out);
    for (size_t i = 0; i < memory->count; i++) {
        const struct sliding_known *room = &memory->rooms[i];
        const int64_t *place = map_get(places, room->wanted);
        const int64_t fields[ROOM_FIELDS] = {
            room->room_nid, room->since, room->timeline_limit, *place, (int64_t)room->membership,
            room->is_dm};
        for (size_t j = 0; j < ROOM_FIELDS; j++) {
            strbuf_add_char(&out, ',');
            strbuf_add_int(&out, fields[j]);
        }
    }
    strbuf_add_char(&out, ']');
    const char *text = out.overflowed ? "[0,[]]" : arena_strdup(arena, out.data);
    strbuf_finish(&out);
    return text;
}

static bool read_room(json_t *array, size_t first, json_t *wanted, struct sliding_known *out)
{
    int64_t fields[ROOM_FIELDS];

    for (size_t i = 0; i < ROOM_FIELDS; i++) {
        json_t *field = json_array_get(array, first + i);
        if (!json_is_integer(field) || json_integer_value(field) < 0)
            return false;
        fields[i] = json_integer_value(field);
    }
    *out = (struct sliding_known){
        .room_nid = fields[0],
        .since = fields[1],
        .timeline_limit = fields[2],
        .wanted = json_text(json_array_get(wanted, (size_t)fields[3])),
        .membership = (enum sliding_membership)fields[4],
        .is_dm = fields[5] != 0,
    };
    return out->wanted != NULL && fields[4] >= SLIDING_JOINED && fields[4] <= SLIDING_BANNED;
}

bool sliding_memory_parse(struct arena *arena, const char *bytes, size_t size,
                          struct sliding_memory *out)
{
    json_t *array, *extensions, *wanted;

    *out = (struct sliding_memory){0};
    if (json_parse(arena, bytes, size, NULL, &array) != OK)
        return false;
    extensions = json_array_get(array, 0);
    wanted = json_array_get(array, 1);
    if (!json_is_integer(extensions) || !json_is_array(wanted) ||
        (json_array_size(array) - HEAD_FIELDS) % ROOM_FIELDS != 0)
        return false;
    out->extensions = (unsigned)json_integer_value(extensions);
    out->count = (json_array_size(array) - HEAD_FIELDS) / ROOM_FIELDS;
    out->rooms = ARENA_ARRAY(arena, out->count, struct sliding_known);
    for (size_t i = 0; i < out->count; i++) {
        if (!read_room(array, HEAD_FIELDS + i * ROOM_FIELDS, wanted, &out->rooms[i]) ||
            (i > 0 && out->rooms[i].room_nid <= out->rooms[i - 1].room_nid))
            return false;
    }
    return true;
}

void sliding_wanted_parse(struct arena *arena, const char *text,
                          const struct required_state *const **out, size_t *count_out)
{
    const struct required_state **wanted;
    json_t *array;

    *count_out = 0;
    if (json_parse(arena, text, strlen(text), NULL, &array) != OK)
        return;
    wanted = ARENA_ARRAY(arena, json_array_size(array), const struct required_state *);
    *out = wanted;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct required_state *state = ARENA_NEW(arena, struct required_state);
        if (required_state_parse(arena, json_array_get(array, i), NULL, state) == OK)
            wanted[(*count_out)++] = state;
    }
}
