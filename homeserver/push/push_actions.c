/* Evaluating push rules for a new event. */
#include "homeserver/push/push_actions.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/push_rules.h"
#include "homeserver/push/event_thread.h"
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

static enum errcode find_candidates(struct call *call, const struct push_event *event,
                                    struct push_candidate **out, size_t *count_out)
{
    const char *ignores = arena_printf(call->arena, PUSH_SCOPE_IGNORE "%s", event->event->sender);
    const char *const scopes[] = {PUSH_SCOPE_ANY, event->event->room_id, event->event->sender,
                                  ignores};
    struct push_candidate_query query = {
        .room_nid = event->room_nid,
        .sender_nid = event->sender_nid,
        .scopes = scopes,
        .scope_count = COUNT_OF(scopes),
        .invited = invited_user(event->event),
    };

    query.mentioned = mentioned_users(call->arena, event->event, &query.mentioned_count);
    return push_candidates(call->db, call->arena, &query, out, count_out);
}

/* A candidate's rules; those that can not be read count as none, so that one damaged row does not
 * keep a room from talking. */
static struct push_rules *rules_of(struct call *call, const struct push_candidate *candidate)
{
    json_t *stored = NULL;

    if (candidate->rules != NULL &&
        json_parse_object(call->arena, candidate->rules, strlen(candidate->rules), NULL, &stored) !=
            OK)
        log_warn(LOG_PUSH, "The push rules of %s are damaged; the predefined ones are used.",
                 candidate->user_id);
    return push_rules_parse(call->arena, stored);
}

static const char *display_name_of(struct call *call, const struct push_candidate *candidate)
{
    json_t *name = NULL;

    if (candidate->display_name == NULL ||
        json_parse(call->arena, candidate->display_name, strlen(candidate->display_name), NULL,
                   &name) != OK)
        return NULL;
    return json_is_text(name) ? json_string_value(name) : NULL;
}

static struct push_outcome outcome_for(struct call *call, const struct push_candidate *candidate,
                                       struct push_context *context)
{
    struct push_person person = {
        .user_id = candidate->user_id,
        .display_name = display_name_of(call, candidate),
        .steps_left = PUSH_STEPS_MAX,
    };

    if (candidate->ignores_sender)
        return (struct push_outcome){0, NULL};
    return push_rules_evaluate(rules_of(call, candidate), context, &person);
}

/* Actions that the flags do not tell in full: other sounds, tweaks of other names. */
static const char *actions_text(struct call *call, const struct push_outcome *outcome)
{
    json_t *plain = json_on_arena(call->arena, push_flags_to_actions(outcome->flags));
    char *text;

    if (outcome->actions == NULL || json_equal(outcome->actions, plain))
        return NULL;
    text = json_dumps(outcome->actions, JSON_COMPACT);
    arena_defer(call->arena, free, text);
    return text;
}

static enum errcode add_personal_actions(struct call *call, const struct push_event *event,
                                         struct push_context *context, unsigned shared,
                                         struct journal_entry *entry)
{
    struct push_candidate *candidates;
    size_t count;

    TRY(find_candidates(call, event, &candidates, &count));
    for (size_t i = 0; i < count; i++) {
        struct push_outcome outcome = outcome_for(call, &candidates[i], context);
        const struct push_action action = {
            .user_nid = candidates[i].user_nid,
            .room_nid = event->room_nid,
            .flags = outcome.flags,
            .actions = actions_text(call, &outcome),
        };
        if (action.flags != shared || action.actions != NULL)
            push_action_add_in(entry, &action);
    }
    return OK;
}

enum errcode push_evaluate_event(struct call *call, const struct push_event *event,
                                 struct journal_entry *entry, unsigned *flags_out)
{
    struct push_person nobody = {.steps_left = PUSH_STEPS_MAX};
    struct push_context context;
    const char *root;
    unsigned shared;

    push_context_init(&context, call->arena, event->event);
    context.power_levels = event->power_levels;
    TRY(push_member_count(call->db, call->arena, event->room_nid, &context.member_count));

    shared = push_rules_evaluate(NULL, &context, &nobody).flags;
    TRY(add_personal_actions(call, event, &context, shared, entry));
    TRY(event_thread_root(call, event->room_nid, event->event->content, &root));
    if (root != NULL)
        thread_event_add_in(entry, event->event_nid, event->room_nid, root);
    *flags_out = event_flags_of(shared) | (root != NULL ? (unsigned)EVENT_IN_THREAD : 0);
    return OK;
}
