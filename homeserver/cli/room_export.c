/* The events of a room for `beffroi verify-room`. */
#include "homeserver/cli/room_export.h"

#include <errno.h>
#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/json.h"
#include "storage/rooms.h"
#include "storage/state_snapshots.h"

enum { EVENTS_PER_READ = 1000, BYTES_PER_READ = 1 << 16 };

#define FILE_BYTES_MAX (INT64_C(1) << 30)

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

static enum errcode read_bytes(struct arena *arena, const char *path, struct error *error,
                               struct strbuf *out)
{
    SCOPED(close_file) FILE *file = fopen(path, "rb");
    char *piece = arena_alloc(arena, BYTES_PER_READ);
    size_t got;

    if (file == NULL)
        return fail(error, M_NOT_FOUND, "%s: %s", path, strerrordesc_np(errno));
    while ((got = fread(piece, 1, BYTES_PER_READ, file)) > 0) {
        if (out->length + got > FILE_BYTES_MAX)
            return fail(error, M_TOO_LARGE, "%s: the file is larger than 1 GiB.", path);
        strbuf_add(out, piece, got);
    }
    if (ferror(file))
        return fail(error, M_NOT_FOUND, "%s: %s", path, strerrordesc_np(errno));
    return OK;
}

static void add_pdu(struct arena *arena, struct room_export *export, json_t *pdu)
{
    const struct exported_pdu detail = {0};

    array_push(arena, &export->pdus, pdu);
    array_push(arena, &export->details, detail);
    array_push(arena, &export->soft_failed, false);
}

static void add_list(struct arena *arena, struct room_export *export, const json_t *list)
{
    json_t *pdu;
    size_t i;

    json_array_foreach (list, i, pdu) {
        add_pdu(arena, export, pdu);
    }
}

/* What /state, /send_join, /event_auth, /backfill and exports call their lists. */
static const char *const list_names[] = {"auth_chain", "auth_events", "state", "pdus", "events"};

static void add_lists(struct arena *arena, struct room_export *export, const json_t *json)
{
    for (size_t i = 0; i < COUNT_OF(list_names); i++)
        add_list(arena, export, json_get_array(json, list_names[i]));
}

static enum errcode add_lines(struct arena *arena, struct room_export *export, const char *text,
                              size_t size, struct error *error)
{
    const char *end = text + size;
    json_t *pdu;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((newline != NULL ? newline : end) - text);
        if (length > 0) {
            TRY(json_parse_object(arena, text, length, error, &pdu));
            add_pdu(arena, export, pdu);
        }
        text += length + 1;
    }
    return OK;
}

enum errcode json_file_read(struct arena *arena, const char *path, struct error *error,
                            json_t **out)
{
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    TRY(read_bytes(arena, path, error, &bytes));
    return json_parse(arena, bytes.data, bytes.length, error, out);
}

enum errcode room_export_read_file(struct arena *arena, const char *path, struct error *error,
                                   struct room_export *out)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    json_t *json;

    strbuf_init(&bytes, 0);
    TRY(read_bytes(arena, path, error, &bytes));
    if (json_parse(arena, bytes.data, bytes.length, NULL, &json) != OK)
        return add_lines(arena, out, bytes.data, bytes.length, error);
    if (json_is_array(json))
        add_list(arena, out, json);
    else
        add_lists(arena, out, json);
    if (out->pdus.count == 0)
        return fail(error, M_BAD_JSON, "%s: there is no list of events in this file.", path);
    return OK;
}

/* From the database. */

struct state_listing {
    struct arena *arena;
    ARRAY_OF(int64_t) event_nids;
};

static bool list_state_event(void *context, UNUSED int64_t key, int64_t event_nid)
{
    struct state_listing *listing = context;

    array_push(listing->arena, &listing->event_nids, event_nid);
    return true;
}

static void release_map(struct state_map **map)
{
    state_map_release(*map);
}

static enum errcode load_state(struct db *db, struct arena *arena, int64_t snapshot_nid,
                               struct room_export *out)
{
    SCOPED(release_map) struct state_map *map = NULL;
    struct state_listing listing = {.arena = arena};
    struct stored_event *events;
    struct snapshot_ref ref;
    size_t count;

    TRY(snapshot_load(db, snapshot_nid, &ref, &map));
    state_map_visit(map, list_state_event, &listing);
    TRY(events_load(db, arena, listing.event_nids.items, listing.event_nids.count, &events,
                    &count));
    for (size_t i = 0; i < count; i++)
        array_push(arena, &out->state_event_ids, events[i].event_id);
    out->has_state = true;
    return OK;
}

static enum errcode add_stored(struct arena *arena, const struct stored_event *event,
                               struct room_export *out)
{
    const struct exported_pdu detail = {
        .is_redacted = event->redacted_by_nid != 0,
        .is_rejected = (event->flags & EVENT_REJECTED) != 0,
    };
    json_t *pdu;

    TRY(json_parse_object(arena, event->json, event->json_size, NULL, &pdu));
    array_push(arena, &out->pdus, pdu);
    array_push(arena, &out->details, detail);
    array_push(arena, &out->soft_failed, (event->flags & EVENT_SOFT_FAILED) != 0);
    return OK;
}

enum errcode room_export_load(struct db *db, struct arena *arena, const char *room_id,
                              struct error *error, struct room_export *out)
{
    struct event_place place = {.position = INT64_MIN, .limit = EVENTS_PER_READ};
    struct stored_room room;
    size_t count;

    enum errcode code = room_load(db, arena, room_id, &room);
    if (code == M_NOT_FOUND)
        return fail(error, code, "There is no room %s in the database.", room_id);
    TRY(code);
    place.room_nid = room.room_nid;
    do {
        SCOPED(arena_release) struct arena *page = arena_create();
        struct stored_event *events;
        TRY(events_of_whole_room(db, page, &place, &events, &count));
        for (size_t i = 0; i < count; i++)
            TRY(add_stored(arena, &events[i], out));
        if (count > 0) {
            place.position = events[count - 1].position;
            place.event_nid = events[count - 1].event_nid;
        }
    } while (count == EVENTS_PER_READ);
    return load_state(db, arena, room.head.snapshot_nid, out);
}
