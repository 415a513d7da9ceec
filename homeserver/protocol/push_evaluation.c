/*
 * Which push rule decides, and which events a user's own rules can concern at all.
 * Spec: client-server API, "Push rules" (order of kinds) and "Predefined rules" (order inside).
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/push_rules.h"

static bool all_match(const struct push_condition *conditions, size_t count,
                      struct push_context *context, struct push_person *person)
{
    for (size_t i = 0; i < count; i++) {
        if (!push_condition_matches(&conditions[i], context, person))
            return false;
    }
    return true;
}

static bool own_rule_matches(const struct push_own_rule *rule, enum push_rule_kind kind,
                             struct push_context *context, struct push_person *person)
{
    if (!rule->enabled)
        return false;
    switch (kind) {
    case PUSH_CONTENT:
        return push_content_matches(rule->pattern, context, person);
    case PUSH_ROOM:
        return strcmp(rule->rule_id, context->event->room_id) == 0;
    case PUSH_SENDER:
        return strcmp(rule->rule_id, context->event->sender) == 0;
    case PUSH_OVERRIDE:
    case PUSH_UNDERRIDE:
        return all_match(rule->conditions, rule->condition_count, context, person);
    case PUSH_POSTCONTENT:
    case PUSH_RULE_KIND_COUNT:
    default:
        return false;
    }
}

static bool default_rule_matches(const struct push_rules *rules, size_t index,
                                 struct push_context *context, struct push_person *person)
{
    const struct push_default_rule *rule = &push_default_rules[index];
    bool enabled = rule->enabled;

    if (rules != NULL && rules->overrides[index].has_enabled)
        enabled = rules->overrides[index].enabled;
    return enabled && all_match(rule->conditions, rule->condition_count, context, person);
}

static struct push_outcome default_outcome(const struct push_rules *rules, size_t index)
{
    if (rules != NULL && rules->overrides[index].actions_json != NULL)
        return (struct push_outcome){rules->overrides[index].actions,
                                     rules->overrides[index].actions_json};
    return (struct push_outcome){push_default_rules[index].actions, NULL};
}

static const struct push_own_rule *matching_own_rule(const struct push_rules *rules,
                                                     enum push_rule_kind kind,
                                                     struct push_context *context,
                                                     struct push_person *person)
{
    for (size_t i = 0; rules != NULL && i < rules->own[kind].count; i++) {
        if (own_rule_matches(&rules->own[kind].items[i], kind, context, person))
            return &rules->own[kind].items[i];
    }
    return NULL;
}

struct push_outcome push_rules_evaluate(const struct push_rules *rules,
                                        struct push_context *context, struct push_person *person)
{
    /* .m.rule.master stands above the user's own rules. */
    if (default_rule_matches(rules, 0, context, person))
        return default_outcome(rules, 0);
    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++) {
        const struct push_own_rule *own =
            matching_own_rule(rules, (enum push_rule_kind)kind, context, person);
        if (own != NULL)
            return (struct push_outcome){own->actions, own->actions_json};
        for (size_t i = 1; i < push_default_rule_count; i++) {
            if (push_default_rules[i].kind == kind &&
                default_rule_matches(rules, i, context, person))
                return default_outcome(rules, i);
        }
    }
    return (struct push_outcome){0, NULL};
}

/* ── Scopes ──────────────────────────────────────────────────────────────────────────────────── */

/* The room or sender a condition confines its rule to, or NULL. event_match takes no notice of
 * case; room IDs that differ only in case do not exist in practice, and users that do are not the
 * same person, so a rule that misses them does no harm. */
static const char *confined_to(const struct push_condition *condition, json_t *json)
{
    if (condition->kind != PUSH_EVENT_MATCH || strpbrk(condition->pattern, "*?") != NULL)
        return NULL;
    if (condition->path.count == 1 && (strcmp(condition->path.names[0], "room_id") == 0 ||
                                       strcmp(condition->path.names[0], "sender") == 0))
        return json_get_string(json, "pattern");
    return NULL;
}

static const char *scope_of_conditions(const struct push_own_rule *rule)
{
    for (size_t i = 0; i < rule->condition_count; i++) {
        const char *scope =
            confined_to(&rule->conditions[i], json_array_get(rule->conditions_json, i));
        if (scope != NULL)
            return scope;
    }
    return "";
}

const char **push_rules_scopes(const struct push_rules *rules, struct arena *arena,
                               size_t *count_out)
{
    struct map *scopes = map_create(arena);
    const char **list;
    size_t count = 0;

    for (size_t i = 0; i < push_default_rule_count; i++) {
        if (rules->overrides[i].has_enabled || rules->overrides[i].actions_json != NULL)
            map_set(scopes, "", NULL);
    }
    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++) {
        for (size_t i = 0; i < rules->own[kind].count; i++) {
            const struct push_own_rule *rule = &rules->own[kind].items[i];
            bool by_id = kind == PUSH_ROOM || kind == PUSH_SENDER;
            if (rule->enabled)
                map_set(scopes,
                        by_id                  ? rule->rule_id
                        : kind == PUSH_CONTENT ? ""
                                               : scope_of_conditions(rule),
                        NULL);
        }
    }
    list = ARENA_ARRAY(arena, map_count(scopes), const char *);
    for (const struct map_entry *e = map_first(scopes); e != NULL; e = map_next(e))
        list[count++] = e->key;
    *count_out = count;
    return list;
}
