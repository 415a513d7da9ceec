/* Keeping what depends on a room's state true when state resolution changes it. */
#include "homeserver/rooms/follow_state.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/metrics.h"
#include "homeserver/protocol/event.h"
#include "homeserver/rooms/follow_member.h"
#include "homeserver/rooms/follow_summary.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/room_jumps.h"
#include "storage/room_summaries.h"
#include "storage/users.h"

enum { RESETS_TOLD_MAX = 20 };

struct changed_key {
    int64_t key_nid;
    int64_t old_nid;
    int64_t new_nid;
};

struct following {
    struct call *call;
    struct journal_entry *entry;
    struct state_change *change;
    ARRAY_OF(struct changed_key) keys;
    ARRAY_OF(const char *) resets;
};

static bool collect(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    struct following *f = context;
    const struct changed_key changed = {key, old_value, new_value};

    array_push(f->call->arena, &f->keys, changed);
    return true;
}

static void release_event_deferred(void *cached)
{
    cached_event_release(cached);
}

static enum errcode find_event(struct following *f, int64_t event_nid, const struct event **out)
{
    struct cached_event *cached;

    *out = NULL;
    if (event_nid == 0)
        return OK;
    if (event_nid == f->change->cause_nid) {
        *out = f->change->cause;
        return OK;
    }
    TRY(event_cache_load(room_service_events(f->call->services->rooms), f->call,
                         room_version_of(f->change->room), event_nid, &cached));
    arena_defer(f->call->arena, release_event_deferred, cached);
    *out = cached_event_get(cached);
    return OK;
}

static void count_one(struct member_counts *counts, const struct event *member, int64_t by)
{
    enum stored_membership membership =
        member != NULL ? membership_from_text(event_membership(member)) : 0;

    if (membership == STORED_JOIN)
        counts->joined += by;
    if (membership == STORED_INVITE)
        counts->invited += by;
}

static enum errcode follow_member(struct following *f, const struct changed_key *key,
                                  const char *user_id, const struct event *old_event,
                                  const struct event *new_event)
{
    struct call *call = f->call;
    struct membership_row row = {
        .room_nid = room_nid(f->change->room),
        .membership = STORED_LEAVE, /* no member event any more */
        .is_local = config_hosts_user(config_current(call->services->config), user_id),
        .event_nid = key->new_nid,
    };

    count_one(&f->change->members, old_event, -1);
    count_one(&f->change->members, new_event, 1);
    TRY(user_nid_intern(call->db, call->arena, user_id, &row.user_nid));
    row.sender_nid = row.user_nid;
    if (key->new_nid == f->change->cause_nid && f->change->stripped_state != NULL) {
        row.stripped_state = f->change->stripped_state;
        row.stripped_state_size = strlen(row.stripped_state);
    }
    if (new_event != NULL) {
        row.membership = membership_from_text(event_membership(new_event));
        TRY(user_nid_intern(call->db, call->arena, new_event->sender, &row.sender_nid));
    }
    room_summary_count_in(f->entry, row.room_nid, row.user_nid, row.membership);
    membership_set_in(f->entry, &row);
    journal_entry_wake_user(f->entry, row.user_nid);
    if (new_event == NULL)
        return OK;
    return directory_follow_in(call, f->entry, new_event, row.user_nid, row.is_local);
}

static void note_reset(struct following *f, const struct changed_key *key,
                       const struct state_key_pair *pair, const struct event *old_event,
                       const struct event *new_event)
{
    bool is_older = new_event == NULL || (key->new_nid != f->change->cause_nid &&
                                          old_event != NULL && new_event->depth < old_event->depth);
    const char *was = old_event != NULL ? event_membership(old_event) : NULL;
    const char *is = new_event != NULL ? event_membership(new_event) : NULL;

    if (old_event == NULL || !is_older || f->resets.count == RESETS_TOLD_MAX)
        return;
    if (strcmp(pair->type, "m.room.member") == 0 && was != NULL && strcmp(was, "join") == 0 &&
        (is == NULL || strcmp(is, "join") != 0))
        array_push(f->call->arena, &f->resets,
                   arena_printf(f->call->arena, "%s is no longer joined", pair->state_key));
    if (strcmp(pair->type, "m.room.power_levels") == 0)
        array_push(f->call->arena, &f->resets,
                   arena_printf(f->call->arena, "the power levels of %s count again",
                                new_event != NULL ? new_event->event_id : "the beginning"));
}

static enum errcode follow_key(struct following *f, const struct changed_key *key,
                               const struct state_key_pair *pair)
{
    const struct event *old_event, *new_event;

    if (pair->type == NULL)
        return OK;
    TRY(find_event(f, key->old_nid, &old_event));
    TRY(find_event(f, key->new_nid, &new_event));
    note_reset(f, key, pair, old_event, new_event);
    if (strcmp(pair->type, "m.room.member") == 0)
        return follow_member(f, key, pair->state_key, old_event, new_event);
    if (new_event != NULL)
        summary_follow_in(f->call, f->entry, room_nid(f->change->room), new_event);
    else if (*pair->state_key == '\0')
        summary_clear_in(f->entry, room_nid(f->change->room), pair->type);
    return OK;
}

struct metric_counter *state_resets_counter(void)
{
    return metrics_counter("beffroi_state_resets_total",
                           "State resolutions that removed members or powers.", NULL);
}

/* The watchdog: such things happen when servers disagree, and people call them a broken room. */
static void tell_resets(struct following *f)
{
    const char *detail = "";

    if (f->resets.count == 0)
        return;
    for (size_t i = 0; i < f->resets.count; i++)
        detail =
            arena_printf(f->call->arena, "%s%s%s", detail, i > 0 ? "; " : "", f->resets.items[i]);
    log_warn(LOG_ROOMS, "State resolution in %s took away what nobody took away: %s.",
             room_id(f->change->room), detail);
    metric_count(state_resets_counter(), 1);
    state_reset_add_in(f->entry, room_nid(f->change->room), f->change->cause_nid, clock_wall_ms(),
                       detail);
}

enum errcode state_follow_in(struct call *call, struct journal_entry *entry,
                             struct state_change *change)
{
    struct following f = {.call = call, .entry = entry, .change = change};
    struct state_key_pair *pairs;

    state_map_diff(change->before, change->after, collect, &f);
    int64_t *key_nids = ARENA_ARRAY(call->arena, f.keys.count, int64_t);
    for (size_t i = 0; i < f.keys.count; i++)
        key_nids[i] = f.keys.items[i].key_nid;
    TRY(state_keys_resolve(room_service_state_keys(call->services->rooms), call->db, call->arena,
                           key_nids, f.keys.count, &pairs));
    for (size_t i = 0; i < f.keys.count; i++)
        TRY(follow_key(&f, &f.keys.items[i], &pairs[i]));
    tell_resets(&f);
    return OK;
}
