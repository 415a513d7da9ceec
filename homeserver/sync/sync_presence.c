/* Spec: client-server API, "m.presence". */
#include "config/config.h"
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
        if (sync->view.rooms[i].last_change > sync->since)
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

enum errcode sync_write_presence(struct sync *sync, struct strbuf *out)
{
    const struct position_range range = {.since = sync->since, .until = sync->until};
    size_t start = out->length, count;
    struct presence_row *rows;
    bool any = false;

    if (!config_current(sync->call->services->config)->presence_enabled ||
        !event_filter_can_pass(&sync->request->filter->presence) || !anything_changed(sync))
        return OK;
    TRY(presence_changed(sync->call->db, sync->call->arena, sync->request->requester->user_nid,
                         range, &rows, &count));
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
