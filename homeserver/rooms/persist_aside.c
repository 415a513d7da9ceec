/* Storing events beside the timeline. */
#include "homeserver/rooms/persist_aside.h"

#include "homeserver/protocol/event.h"
#include "homeserver/rooms/persist_event.h"
#include "homeserver/rooms/redact.h"
#include "homeserver/rooms/relations.h"
#include "homeserver/services.h"
#include "storage/auth_edges.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/missing_prev_events.h"

static enum errcode find_snapshot(struct call *call, const struct room_build *build,
                                  const struct aside *aside, struct journal_entry *entry,
                                  int64_t *out)
{
    struct snapshot_ref snapshot = {.snapshot_nid = aside->before_nid};

    if ((aside->flags & EVENT_OUTLIER) == 0 && aside->before_nid == 0 &&
        state_map_count(aside->before) > 0)
        TRY(persist_snapshot_in(call, build, entry, aside->before, &snapshot));
    *out = snapshot.snapshot_nid;
    return OK;
}

static void add_row(const struct room_build *build, const struct aside *aside, int64_t snapshot_nid,
                    struct journal_entry *entry)
{
    const struct new_event row = {
        .event =
            {
                .event_nid = aside->event_nid,
                .room_nid = room_nid(build->room),
                .position = aside->position,
                .depth = aside->event->depth,
                .origin_server_ts = aside->event->origin_server_ts,
                .snapshot_nid = snapshot_nid,
                .sender_nid = aside->sender_nid,
                .state_key_nid = aside->state_key_nid,
                .replaces_nid = aside->state_key_nid != 0 && snapshot_nid != 0
                                    ? state_map_get(aside->before, aside->state_key_nid)
                                    : 0,
                .redacted_by_nid = aside->redacted_by_nid,
                .flags = aside->flags,
                .event_id = aside->event->event_id,
                .json = aside->bytes,
                .json_size = aside->byte_count,
            },
    };

    journal_entry_set_event(entry, &row);
}

static void add_what_follows(const struct room_build *build, const struct aside *aside,
                             struct journal_entry *entry)
{
    const struct relating relating = {
        .event = aside->event,
        .room_nid = room_nid(build->room),
        .event_nid = aside->event_nid,
        .sender_nid = aside->sender_nid,
    };

    if (aside->was_outlier)
        event_drop_outlier_in(entry, aside->event_nid);
    if (aside->state_key_nid != 0)
        auth_edges_add_in(entry, aside->event_nid, aside->auth_nids);
    if ((aside->flags & EVENT_OUTLIER) != 0)
        return;
    missing_prev_events_add_in(entry, room_nid(build->room), aside->event_nid, aside->missing_prevs,
                               aside->missing_prev_count);
    missing_prev_event_filled_in(entry, room_nid(build->room), aside->event->event_id);
    if (aside->position < 0)
        relations_persist_in(entry, &relating);
}

enum errcode persist_aside(struct call *call, struct room_build *build, const struct aside *aside)
{
    struct journal_entry *entry = journal_entry_create();
    int64_t snapshot_nid;

    enum errcode outcome = find_snapshot(call, build, aside, entry, &snapshot_nid);
    if (outcome == OK && aside->position < 0)
        outcome = redact_in(call, build, aside->event, aside->event_nid, entry);
    if (outcome != OK) {
        journal_entry_destroy(entry);
        return outcome;
    }
    add_what_follows(build, aside, entry);
    add_row(build, aside, snapshot_nid, entry);
    room_build_add(call, build, entry);
    return OK;
}
