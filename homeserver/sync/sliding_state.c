/* The state that a client asked for, as far as it does not know it. Spec: MSC4186,
 * `required_state`, "Lazy loaded memberships", "Changing room configs". */
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/services.h"
#include "homeserver/sync/sliding_internal.h"
#include "storage/state_keys.h"

struct state_entry {
    int64_t key_nid;
    int64_t event_nid; /* 0: there is none any more */
};

struct selection {
    struct sliding *sliding;
    struct sliding_item *item;
    struct state_map *state;                  /* what is current */
    const struct required_state *const *told; /* what was wanted before, when that was less */
    size_t told_count;
    ARRAY_OF(struct state_entry) found;
    ARRAY_OF(struct state_entry) chosen;
    struct state_map *chosen_keys;
    struct sliding_state *out;
};

static bool collect(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    struct selection *selection = context;
    const struct state_entry entry = {key, new_value};

    (void)old_value;
    array_push(selection->sliding->sync.call->arena, &selection->found, entry);
    return true;
}

static bool visit(void *context, int64_t key, int64_t value)
{
    return collect(context, key, 0, value);
}

static bool is_member(const struct state_key_pair *pair)
{
    return strcmp(pair->type, "m.room.member") == 0;
}

static bool is_lazy(const struct sliding_item *item)
{
    for (size_t i = 0; i < item->match->wanted_count; i++) {
        if (item->match->wanted[i]->lazy_members)
            return true;
    }
    return false;
}

static bool is_selected(const struct selection *selection, const struct state_key_pair *pair)
{
    const struct sliding_match *match = selection->item->match;
    const struct state_pattern key = {pair->type, pair->state_key};

    return sliding_wanted_selects(match->wanted, match->wanted_count, &key,
                                  selection->sliding->question->requester->user_id);
}

static bool was_selected(const struct selection *selection, const struct state_key_pair *pair)
{
    const struct state_pattern key = {pair->type, pair->state_key};

    return sliding_wanted_selects(selection->told, selection->told_count, &key,
                                  selection->sliding->question->requester->user_id);
}

static void choose(struct selection *selection, int64_t key_nid, int64_t event_nid)
{
    const struct state_entry entry = {key_nid, event_nid};

    if (state_map_get(selection->chosen_keys, key_nid) != 0)
        return;
    state_map_put(&selection->chosen_keys, key_nid, 1);
    array_push(selection->sliding->sync.call->arena, &selection->chosen, entry);
}

static enum errcode resolve(struct selection *selection, struct state_key_pair **out)
{
    struct call *call = selection->sliding->sync.call;
    int64_t *keys = ARENA_ARRAY(call->arena, selection->found.count, int64_t);

    for (size_t i = 0; i < selection->found.count; i++)
        keys[i] = selection->found.items[i].key_nid;
    return state_keys_resolve(room_service_state_keys(call->services->rooms), call->db, call->arena,
                              keys, selection->found.count, out);
}

static enum errcode find_key(struct selection *selection, const char *type, const char *state_key,
                             int64_t *out)
{
    struct call *call = selection->sliding->sync.call;

    return state_key_find(room_service_state_keys(call->services->rooms), call->db, type, state_key,
                          out);
}

static void note_change(struct selection *selection, const struct state_key_pair *pair)
{
    if (*pair->state_key != '\0')
        return;
    selection->out->name_changed |=
        strcmp(pair->type, "m.room.name") == 0 || strcmp(pair->type, "m.room.canonical_alias") == 0;
    selection->out->avatar_changed |= strcmp(pair->type, "m.room.avatar") == 0;
}

/* What changed since the client was told. Lazily loading clients keep the members they know up to
 * date with it, unless there is a gap: then they are to forget them. Where the whole state is new,
 * its members are as if they had always been there, but for those that the client knows otherwise.
 */
static enum errcode choose_changes(struct selection *selection)
{
    struct sync_room *room = &selection->item->room;
    bool lazy = is_lazy(selection->item);
    bool all_members = lazy && !room->is_limited && !room->all_state;
    struct state_key_pair *pairs;
    struct state_map *known;

    if (lazy)
        TRY(sync_load_corrected(&selection->sliding->sync, room));
    TRY(sync_known_state(&selection->sliding->sync, room, &known));
    state_map_diff(known, selection->state, collect, selection);
    TRY(resolve(selection, &pairs));
    for (size_t i = 0; i < selection->found.count; i++) {
        if (pairs[i].type == NULL)
            continue;
        note_change(selection, &pairs[i]);
        bool is_told_member =
            is_member(&pairs[i]) && (all_members || sync_is_corrected(room, pairs[i].state_key));
        if (is_told_member || is_selected(selection, &pairs[i]))
            choose(selection, selection->found.items[i].key_nid,
                   selection->found.items[i].event_nid);
    }
    selection->found.count = 0;
    return OK;
}

/* Everything current that is wanted and was not before. */
static enum errcode choose_from_all(struct selection *selection)
{
    struct state_key_pair *pairs;

    state_map_visit(selection->state, visit, selection);
    TRY(resolve(selection, &pairs));
    for (size_t i = 0; i < selection->found.count; i++) {
        if (pairs[i].type != NULL && is_selected(selection, &pairs[i]) &&
            !was_selected(selection, &pairs[i]))
            choose(selection, selection->found.items[i].key_nid,
                   selection->found.items[i].event_nid);
    }
    return OK;
}

/* The same where the request names every piece of state: found without a look at all of it. */
static enum errcode choose_by_name(struct selection *selection)
{
    const struct sliding_match *match = selection->item->match;
    const char *me = selection->sliding->question->requester->user_id;

    for (size_t i = 0; i < match->wanted_count; i++) {
        for (size_t j = 0; j < match->wanted[i]->include_count; j++) {
            const struct state_pattern *wanted = &match->wanted[i]->include[j];
            const struct state_key_pair pair = {
                wanted->type, strcmp(wanted->state_key, "$ME") == 0 ? me : wanted->state_key};
            int64_t key, event;
            TRY(find_key(selection, pair.type, pair.state_key, &key));
            event = state_map_get(selection->state, key);
            if (event != 0 && is_selected(selection, &pair) && !was_selected(selection, &pair))
                choose(selection, key, event);
        }
    }
    return OK;
}

static bool names_everything(const struct sliding_match *match)
{
    for (size_t i = 0; i < match->wanted_count; i++) {
        for (size_t j = 0; j < match->wanted[i]->include_count; j++) {
            const struct state_pattern *wanted = &match->wanted[i]->include[j];
            if (wanted->type == NULL || wanted->state_key == NULL)
                return false;
        }
    }
    return true;
}

static enum errcode choose_member(struct selection *selection, const char *user_id)
{
    int64_t key;

    TRY(find_key(selection, "m.room.member", user_id, &key));
    if (key != 0 && state_map_get(selection->state, key) != 0)
        choose(selection, key, state_map_get(selection->state, key));
    return OK;
}

/* Whom the timeline shows: senders, and members that it speaks of. */
static enum errcode choose_shown_members(struct selection *selection)
{
    const struct sync_room *room = &selection->item->room;

    for (size_t i = 0; i < room->event_count; i++) {
        struct event_subject subject;
        if (room->senders[i] != NULL)
            TRY(choose_member(selection, room->senders[i]));
        if (room->events[i].state_key_nid == 0)
            continue;
        TRY(event_subject_read(selection->sliding->sync.call, &room->events[i], &subject));
        if (strcmp(subject.type, "m.room.member") == 0 && subject.state_key != NULL)
            TRY(choose_member(selection, subject.state_key));
    }
    return OK;
}

static enum errcode finish(struct selection *selection)
{
    struct arena *arena = selection->sliding->sync.call->arena;
    struct sliding_state *out = selection->out;
    struct state_key_pair *pairs;

    out->event_nids = ARENA_ARRAY(arena, selection->chosen.count, int64_t);
    out->deleted = ARENA_ARRAY(arena, selection->chosen.count, struct state_key_pair);
    selection->found.count = 0;
    for (size_t i = 0; i < selection->chosen.count; i++) {
        if (selection->chosen.items[i].event_nid != 0)
            out->event_nids[out->count++] = selection->chosen.items[i].event_nid;
        else
            collect(selection, selection->chosen.items[i].key_nid, 0, 0);
    }
    TRY(resolve(selection, &pairs));
    for (size_t i = 0; i < selection->found.count; i++) {
        if (pairs[i].type != NULL)
            out->deleted[out->deleted_count++] = pairs[i];
    }
    return OK;
}

static enum errcode choose_all(struct selection *selection)
{
    struct sliding_item *item = selection->item;
    bool wants_more = item->known != NULL && strcmp(item->known->wanted, item->wanted) != 0;

    if (!item->is_initial)
        TRY(choose_changes(selection));
    if (!item->is_initial && wants_more)
        sliding_wanted_parse(selection->sliding->sync.call->arena, item->known->wanted,
                             &selection->told, &selection->told_count);
    if (item->is_initial || wants_more)
        TRY(names_everything(item->match) ? choose_by_name(selection) : choose_from_all(selection));
    if (is_lazy(item))
        TRY(choose_shown_members(selection));
    return finish(selection);
}

enum errcode sliding_select_state(struct sliding *sliding, struct sliding_item *item,
                                  struct sliding_state *out)
{
    struct selection selection = {.sliding = sliding, .item = item, .out = out};

    *out = (struct sliding_state){0};
    TRY(sync_state_at_end(&sliding->sync, &item->room, &selection.state));
    enum errcode chosen = choose_all(&selection);
    state_map_release(selection.chosen_keys);
    return chosen;
}

enum errcode sliding_write_state(struct sliding *sliding, struct sliding_item *item,
                                 const struct sliding_state *state, struct strbuf *out)
{
    const struct client_events how = {.reader = &item->room.reader};
    struct call *call = sliding->sync.call;
    struct stored_event *events;
    size_t count;

    if (state->count + state->deleted_count == 0)
        return OK;
    sync_begin_member(out, "required_state");
    strbuf_add_char(out, '[');
    TRY(events_load(call->db, call->arena, state->event_nids, state->count, &events, &count));
    TRY(client_events_write(call, &how, events, count, out));
    for (size_t i = 0; i < state->deleted_count; i++) {
        const struct state_key_pair *pair = &state->deleted[i];
        strbuf_add_string(out, count + i > 0 ? ",{\"type\":" : "{\"type\":");
        strbuf_add_json_string(out, pair->type, strlen(pair->type));
        strbuf_add_string(out, ",\"state_key\":");
        strbuf_add_json_string(out, pair->state_key, strlen(pair->state_key));
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, ']');
    return OK;
}
