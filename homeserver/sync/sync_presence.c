/* Spec: client-server API, "m.presence". */
#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/presence/presence.h"
#include "homeserver/services.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/position_range.h"
#include "storage/presence.h"

static bool anything_changed(const struct sync *sync)
{
    if (sync->since == 0 || sync->view.last_change > sync->since)
        return true;
    for (size_t i = 0; i < sync->view.room_count; i++) {
        if (sync->view.rooms[i].last_other_change > sync->since)
            return true;
    }
    return false;
}

static bool write_one(struct sync *sync, const struct presence_row *row, bool follows,
                      struct strbuf *out)
{
    const struct filter_subject subject = {.sender = row->user_id, .type = "m.presence"};

    if (!event_filter_passes(&sync->request->filter->presence, &subject))
        return false;
    json_auto_t *content = presence_content(row, clock_wall_ms());
    char *text = json_dumps(content, JSON_COMPACT);
    if (text == NULL)
        return false;
    strbuf_add_string(out, follows ? ",{\"type\":\"m.presence\",\"sender\":"
                                   : "{\"type\":\"m.presence\",\"sender\":");
    strbuf_add_json_string(out, row->user_id, strlen(row->user_id));
    strbuf_printf(out, ",\"content\":%s}", text);
    free(text);
    return true;
}

/* The joined rooms in which the user may have met somebody: to see somebody for the first time is
 * news of them too. */
static void find_meetings(struct sync *sync, struct presence_query *query)
{
    int64_t *rooms = ARENA_ARRAY(sync->call->arena, sync->view.room_count, int64_t);

    query->rooms.items = rooms;
    for (size_t i = 0; sync->since > 0 && i < sync->view.room_count; i++) {
        const struct user_room *room = &sync->view.rooms[i];

        if (room->membership.membership == STORED_JOIN && room->last_change > sync->since)
            rooms[query->rooms.count++] = room->membership.room_nid;
    }
}

enum errcode sync_write_presence(struct sync *sync, struct strbuf *out)
{
    struct presence_query query = {.viewer_nid = sync->request->requester->user_nid,
                                   .range = {.since = sync->since, .until = sync->until}};
    size_t start = out->length, count;
    struct presence_row *rows;
    bool any = false;

    if (!config_current(sync->call->services->config)->presence_enabled ||
        !event_filter_can_pass(&sync->request->filter->presence) || !anything_changed(sync))
        return OK;
    find_meetings(sync, &query);
    TRY(presence_changed(sync->call->db, sync->call->arena, &query, &rows, &count));
    sync_begin_member(out, "presence");
    strbuf_add_string(out, "{\"events\":[");
    for (size_t i = 0; i < count; i++)
        any |= write_one(sync, &rows[i], any, out);
    strbuf_add_string(out, "]}");
    if (any)
        sync->is_empty = false;
    else
        strbuf_truncate(out, start);
    return OK;
}
