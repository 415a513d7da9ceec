/* One room of a sliding sync answer. Spec: MSC4186, `RoomResult`. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/client_event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/services.h"
#include "homeserver/sync/sliding_internal.h"
#include "storage/state_keys.h"

static void write_text(struct strbuf *out, const char *name, const char *text)
{
    sync_begin_member(out, name);
    if (text != NULL)
        strbuf_add_json_string(out, text, strlen(text));
    else
        strbuf_add_string(out, "null");
}

static void write_number(struct strbuf *out, const char *name, int64_t number)
{
    sync_begin_member(out, name);
    strbuf_add_int(out, number);
}

static void write_flag(struct strbuf *out, const char *name, bool value)
{
    sync_begin_member(out, name);
    strbuf_add_string(out, value ? "true" : "false");
}

static void write_common(const struct sliding_item *item, struct strbuf *out)
{
    static const char *const names[] = {
        [SLIDING_JOINED] = "join", [SLIDING_INVITED] = "invite", [SLIDING_KNOCKED] = "knock",
        [SLIDING_LEFT] = "leave",  [SLIDING_BANNED] = "ban",
    };
    const struct sliding_match *match = item->match;

    write_text(out, "membership", names[match->room->membership]);
    if (match->list_count == 0)
        return;
    sync_begin_member(out, "lists");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < match->list_count; i++) {
        if (i > 0)
            strbuf_add_char(out, ',');
        strbuf_add_json_string(out, match->lists[i], strlen(match->lists[i]));
    }
    strbuf_add_char(out, ']');
}

/* ── Who the room is named after ─────────────────────────────────────────────────────────────── */

static enum errcode write_hero(struct sliding *sliding, const char *user_id,
                               const struct stored_event *event, struct strbuf *out)
{
    static const char *const members[] = {"displayname", "avatar_url"};
    struct event_subject subject;
    json_t *content = NULL;

    if (event != NULL) {
        TRY(event_subject_read(sliding->sync.call, event, &subject));
        TRY(event_subject_content(sliding->sync.call, &subject, &content));
    }
    strbuf_add_char(out, '{');
    write_text(out, "user_id", user_id);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const char *text = json_get_string(content, members[i]);
        if (text != NULL)
            write_text(out, members[i], text);
    }
    strbuf_add_char(out, '}');
    return OK;
}

/* The member events of the heroes, in the same order; NULL where there is none. */
static enum errcode load_heroes(struct sliding *sliding, const struct sync_room *room,
                                const struct stored_event **out)
{
    struct call *call = sliding->sync.call;
    int64_t *nids = ARENA_ARRAY(call->arena, room->hero_count, int64_t);
    struct stored_event *events;
    struct state_map *state;
    size_t count;

    TRY(sync_state_at_end(&sliding->sync, room, &state));
    for (size_t i = 0; i < room->hero_count; i++) {
        int64_t key;
        TRY(state_key_find(room_service_state_keys(call->services->rooms), call->db,
                           "m.room.member", room->heroes[i], &key));
        nids[i] = key != 0 ? state_map_get(state, key) : 0;
    }
    TRY(events_load(call->db, call->arena, nids, room->hero_count, &events, &count));
    for (size_t i = 0; i < room->hero_count; i++) {
        out[i] = NULL;
        for (size_t j = 0; j < count; j++) {
            if (events[j].event_nid == nids[i])
                out[i] = &events[j];
        }
    }
    return OK;
}

static enum errcode write_heroes(struct sliding *sliding, const struct sync_room *room,
                                 struct strbuf *out)
{
    const struct stored_event **events =
        ARENA_ARRAY(sliding->sync.call->arena, room->hero_count, const struct stored_event *);

    TRY(load_heroes(sliding, room, events));
    sync_begin_member(out, "heroes");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < room->hero_count; i++) {
        if (i > 0)
            strbuf_add_char(out, ',');
        TRY(write_hero(sliding, room->heroes[i], events[i], out));
    }
    strbuf_add_char(out, ']');
    return OK;
}

static enum errcode write_naming(struct sliding *sliding, struct sliding_item *item,
                                 const struct sliding_state *state, struct strbuf *out)
{
    const struct listed_room *listed = sliding_listed(sliding, item->match->room->room_nid);
    const struct member_counts members = item->room.reader.head->members;

    if (item->is_initial ? listed->name != NULL : state->name_changed)
        write_text(out, "name", listed->name);
    if (item->is_initial ? listed->avatar_url != NULL : state->avatar_changed)
        write_text(out, "avatar", listed->avatar_url);
    item->room.is_full |= state->name_changed; /* then it may need heroes from now on */
    TRY(sync_load_heroes(&sliding->sync, &item->room, 1));
    item->room.is_full = item->is_initial;
    if (listed->name == NULL && item->room.heroes != NULL)
        TRY(write_heroes(sliding, &item->room, out));
    if (item->room.tells_summary) {
        write_number(out, "joined_count", members.joined);
        write_number(out, "invited_count", members.invited);
    }
    return OK;
}

/* ── Timeline and numbers ────────────────────────────────────────────────────────────────────── */

static enum errcode write_timeline(struct sliding *sliding, const struct sliding_item *item,
                                   struct strbuf *out)
{
    const struct sync_room *room = &item->room;
    const struct client_events how = {
        .reader = &room->reader,
        .with_relations = room->is_limited,
    };
    int64_t before = room->event_count > 0 ? room->events[0].position - 1 : room->reader.until;
    int64_t live = 0;

    for (size_t i = 0; i < room->event_count; i++)
        live += !sliding->is_new && room->events[i].position > sliding->sync.since;
    if (room->event_count > 0 || room->is_limited || item->is_initial) {
        sync_begin_member(out, "timeline");
        strbuf_add_char(out, '[');
        TRY(client_events_write(sliding->sync.call, &how, room->events, room->event_count, out));
        strbuf_add_char(out, ']');
        write_text(out, "prev_batch", page_token_format(sliding->sync.call->arena, before));
        write_flag(out, "limited", room->is_limited);
        write_number(out, "num_live", live);
    }
    return OK;
}

static int64_t bump_of(const struct sliding_item *item)
{
    const struct sync_room *room = &item->room;

    if (item->match->room->membership != SLIDING_JOINED)
        return item->info->membership.position;
    for (size_t i = room->event_count; i > 0; i--) {
        if ((room->events[i - 1].flags & EVENT_BUMPS) != 0)
            return room->events[i - 1].position;
    }
    return item->bump;
}

static void write_numbers(const struct sliding_item *item, const struct unread_list *unread,
                          struct strbuf *out)
{
    int64_t bump = bump_of(item), notifications, highlights;

    if (bump > 0)
        write_number(out, "bump_stamp", bump);
    if (item->match->room->membership == SLIDING_JOINED &&
        sync_unread_totals(unread, item->match->room->room_nid, &notifications, &highlights)) {
        write_number(out, "notification_count", notifications);
        write_number(out, "highlight_count", highlights);
    }
}

/* ── Rooms ───────────────────────────────────────────────────────────────────────────────────── */

static bool has_something(const struct sliding_item *item, const struct sliding_state *state,
                          const struct unread_list *unread)
{
    const struct sync_room *room = &item->room;
    int64_t notifications, highlights;

    return item->is_initial || room->event_count > 0 || room->is_limited || state->count > 0 ||
           state->deleted_count > 0 || state->name_changed || state->avatar_changed ||
           item->known->membership != item->match->room->membership ||
           item->known->is_dm != item->match->room->is_dm ||
           (item->match->room->membership == SLIDING_JOINED &&
            sync_unread_totals(unread, item->match->room->room_nid, &notifications, &highlights));
}

enum errcode sliding_write_room(struct sliding *sliding, struct sliding_item *item,
                                const struct unread_list *unread, struct strbuf *out)
{
    bool is_dm = item->match->room->is_dm;
    bool was_in = item->room.reader.membership.last_join_position > 0;
    struct sliding_state state = {0};

    if (was_in)
        TRY(sliding_select_state(sliding, item, &state));
    if (!has_something(item, &state, unread))
        return OK;
    write_common(item, out);
    if (item->is_initial)
        write_flag(out, "initial", true);
    if (item->is_initial ? is_dm : item->known->is_dm != is_dm)
        write_flag(out, "is_dm", is_dm);
    if (item->is_expanded) {
        write_flag(out, "expanded_timeline", true);
        write_flag(out, "unstable_expanded_timeline", true);
    }
    /* What became of the room after the user left is not theirs to know. */
    if (item->match->room->membership == SLIDING_JOINED)
        TRY(write_naming(sliding, item, &state, out));
    TRY(sliding_write_state(sliding, item, &state, out));
    TRY(write_timeline(sliding, item, out));
    write_numbers(item, unread, out);
    return OK;
}

enum errcode sliding_write_invited(struct sliding *sliding, struct sliding_item *item,
                                   struct strbuf *out)
{
    /* The second is what clients in use look for. */
    static const char *const names[] = {"stripped_state", "invite_state"};

    write_common(item, out);
    if (item->known == NULL)
        write_flag(out, "initial", true);
    write_number(out, "bump_stamp", item->info->membership.position);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        sync_begin_member(out, names[i]);
        strbuf_add_char(out, '[');
        TRY(sync_write_stripped(&sliding->sync, &item->info->membership, out));
        strbuf_add_char(out, ']');
    }
    return OK;
}
