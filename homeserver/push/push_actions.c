/* Evaluating push rules for a new event. */
#include "homeserver/push/push_actions.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/push_rules.h"
#include "homeserver/push/event_thread.h"
#include "homeserver/push/push_audience.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/push_actions.h"
#include "storage/push_rules.h"

/* Mentions beyond these are not looked at: an event has room for thousands of user IDs. */
enum { MENTIONS_MAX = 200 };

static const struct {
    unsigned event_flag;
    unsigned push_flag;
} shared_flags[] = {
    {EVENT_NOTIFIES, PUSH_NOTIFY},
    {EVENT_HIGHLIGHTS, PUSH_HIGHLIGHT},
    {EVENT_SOUNDS, PUSH_SOUND},
    {EVENT_RINGS, PUSH_RING},
};

unsigned push_flags_of_event(unsigned event_flags)
{
    unsigned flags = 0;

    for (size_t i = 0; i < COUNT_OF(shared_flags); i++) {
        if ((event_flags & shared_flags[i].event_flag) != 0)
            flags |= shared_flags[i].push_flag;
    }
    return flags;
}

/* MSC4186, `bump_stamp`. */
static bool is_activity(const struct event *event)
{
    static const char *const types[] = {
        "m.room.create",
        "m.room.message",
        "m.room.encrypted",
        "m.sticker",
        "m.call.invite",
        "m.poll.start",
        "m.beacon_info",
        "org.matrix.msc3381.poll.start",
        "org.matrix.msc3672.beacon_info",
    };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(event->type, types[i]) == 0)
            return true;
    }
    return false;
}

static unsigned event_flags_of(unsigned push_flags)
{
    unsigned flags = 0;

    for (size_t i = 0; i < COUNT_OF(shared_flags); i++) {
        if ((push_flags & shared_flags[i].push_flag) != 0)
            flags |= shared_flags[i].event_flag;
    }
    return flags;
}

/* m.mentions.user_ids, as far as they are user IDs. */
static const char **mentioned_users(struct arena *arena, const struct event *event,
                                    size_t *count_out)
{
    json_t *list = json_get_array(json_get_object(event->content, "m.mentions"), "user_ids");
    const char **user_ids = ARENA_ARRAY(arena, MENTIONS_MAX, const char *);
    size_t count = 0;
    size_t i;
    json_t *item;

    json_array_foreach (list, i, item) {
        if (count < MENTIONS_MAX && json_is_text(item) && user_id_is_valid(json_string_value(item)))
            user_ids[count++] = json_string_value(item);
    }
    *count_out = count;
    return user_ids;
}

static const char *invited_user(const struct event *event)
{
    const char *membership = event_membership(event);
    bool is_invite = event->state_key != NULL && strcmp(event->type, "m.room.member") == 0 &&
                     membership != NULL && strcmp(membership, "invite") == 0;

    return is_invite ? event->state_key : NULL;
}

/* Somebody an event is evaluated for. */
struct listener {
    int64_t user_nid;
    const char *user_id;
    const char *display_name;
    const struct push_rules *rules; /* NULL: the predefined ones alone */
    bool ignores_sender;
    bool is_subscribed; /* to the event's thread */
};

/* An event under evaluation. */
struct evaluation {
    struct call *call;
    const struct push_event *event;
    struct push_context context;
    unsigned shared; /* what the event does for everybody */
    const struct push_audience *audience;
    struct push_named *named; /* mentioned, invited, subscribed to the thread */
    size_t named_count;
    const char *ignore_scope;
    struct journal_entry *entry;
};

static struct push_outcome outcome_for(struct evaluation *e, const struct listener *listener)
{
    struct push_person person = {
        .user_id = listener->user_id,
        .display_name = listener->display_name,
        .is_subscribed = listener->is_subscribed,
        .steps_left = PUSH_STEPS_MAX,
    };

    if (listener->ignores_sender)
        return (struct push_outcome){0, NULL};
    return push_rules_evaluate(listener->rules, &e->context, &person);
}

/* Actions that the flags do not tell in full: other sounds, tweaks of other names. */
static const char *actions_text(struct call *call, const struct push_outcome *outcome)
{
    json_t *plain = json_on_arena(call->arena, push_flags_to_actions(outcome->flags));

    if (outcome->flags == 0 || outcome->actions == NULL || json_equal(outcome->actions, plain))
        return NULL;
    return json_compact(call->arena, outcome->actions);
}

static void evaluate_for(struct evaluation *e, const struct listener *listener)
{
    struct push_outcome outcome = outcome_for(e, listener);
    const struct push_action action = {
        .user_nid = listener->user_nid,
        .room_nid = e->event->room_nid,
        .flags = outcome.flags,
        .actions = actions_text(e->call, &outcome),
    };

    if (action.flags != e->shared || action.actions != NULL)
        push_action_add_in(e->entry, &action);
}

static bool is_subscribed(const struct evaluation *e, int64_t user_nid)
{
    for (size_t i = 0; i < e->named_count; i++) {
        if (e->named[i].user_nid == user_nid)
            return e->named[i].is_subscribed;
    }
    return false;
}

static bool is_concerned(const struct evaluation *e, const struct push_member *member)
{
    return map_contains(member->scopes, PUSH_SCOPE_ANY) ||
           map_contains(member->scopes, e->event->event->room_id) ||
           map_contains(member->scopes, e->event->event->sender) ||
           map_contains(member->scopes, e->ignore_scope);
}

/* Those of the room who have rules of their own about such events; they are noted in `done`. */
static void evaluate_for_audience(struct evaluation *e, struct map *done)
{
    for (size_t i = 0; i < e->audience->count; i++) {
        const struct push_member *member = &e->audience->members[i];
        const struct listener listener = {
            .user_nid = member->user_nid,
            .user_id = member->user_id,
            .display_name = member->display_name,
            .rules = member->rules,
            .ignores_sender = map_contains(member->scopes, e->ignore_scope),
            .is_subscribed = is_subscribed(e, member->user_nid),
        };
        if (member->user_nid == e->event->sender_nid || !is_concerned(e, member))
            continue;
        evaluate_for(e, &listener);
        map_set(done, member->user_id, NULL);
    }
}

/* Only those who are mentioned, invited or subscribed need a query, and only when there may be any.
 */
static enum errcode load_named(struct evaluation *e, const char *thread_root)
{
    struct push_named_query query = {
        .room_nid = e->event->room_nid,
        .sender_nid = e->event->sender_nid,
        .ignore_scope = e->ignore_scope,
        .invited = invited_user(e->event->event),
        .thread_root = thread_root,
    };

    query.mentioned = mentioned_users(e->call->arena, e->event->event, &query.mentioned_count);
    if (query.mentioned_count == 0 && query.invited == NULL && thread_root == NULL)
        return OK;
    return push_named_users(e->call->db, e->call->arena, &query, &e->named, &e->named_count);
}

static void evaluate_for_named(struct evaluation *e, struct map *done)
{
    for (size_t i = 0; i < e->named_count; i++) {
        const struct push_named *named = &e->named[i];
        const struct listener listener = {
            .user_nid = named->user_nid,
            .user_id = named->user_id,
            .rules = push_rules_parse_text(e->call->arena, named->rules),
            .ignores_sender = named->ignores_sender,
            .is_subscribed = named->is_subscribed,
        };
        if (!map_contains(done, named->user_id))
            evaluate_for(e, &listener);
    }
}

static enum errcode evaluate(struct evaluation *e, const char *thread_root)
{
    const bool subscriptions =
        config_current(e->call->services->config)->rooms.thread_subscriptions;
    struct push_person nobody = {.steps_left = PUSH_STEPS_MAX};
    struct map *done = map_create(e->call->arena);

    e->context.in_thread = subscriptions && thread_root != NULL;
    TRY(load_named(e, subscriptions ? thread_root : NULL));
    e->shared = push_rules_evaluate(NULL, &e->context, &nobody).flags;
    evaluate_for_audience(e, done);
    evaluate_for_named(e, done);
    return OK;
}

enum errcode push_evaluate_event(struct call *call, const struct push_event *event,
                                 struct journal_entry *entry, unsigned *flags_out)
{
    const struct push_room room = {event->room_nid, event->event->room_id, event->snapshot_nid};
    struct evaluation e = {
        .call = call,
        .event = event,
        .ignore_scope = arena_printf(call->arena, PUSH_SCOPE_IGNORE "%s", event->event->sender),
        .entry = entry,
    };
    const char *root;

    TRY(push_audience_load(call, &room, &e.audience));
    push_context_init(&e.context, call->arena, event->event);
    e.context.power_levels = event->power_levels;
    e.context.member_count = event->member_count;
    TRY(event_thread_root(call, event->room_nid, event->event->content, &root));
    TRY(evaluate(&e, root));
    if (root != NULL)
        thread_event_add_in(entry, event->event_nid, event->room_nid, root);
    *flags_out = event_flags_of(e.shared) | (root != NULL ? (unsigned)EVENT_IN_THREAD : 0) |
                 (is_activity(event->event) ? (unsigned)EVENT_BUMPS : 0);
    return OK;
}
