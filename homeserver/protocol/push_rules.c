/*
 * The push rules of a user: reading and writing the stored form, editing, and the form that clients
 * see. Spec: client-server API, "Push rules" and "Push rules: API" (pushrules.yaml).
 */
#include "homeserver/protocol/push_rules.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"
#include "homeserver/protocol/json.h"

static const size_t NOT_FOUND = SIZE_MAX;

static const char *const kind_names[PUSH_RULE_KIND_COUNT] = {
    [PUSH_OVERRIDE] = "override", [PUSH_CONTENT] = "content", [PUSH_POSTCONTENT] = "postcontent",
    [PUSH_ROOM] = "room",         [PUSH_SENDER] = "sender",   [PUSH_UNDERRIDE] = "underride",
};

/* Key of the stored form for changes to predefined rules. */
static const char CHANGES[] = "defaults";

enum push_rule_kind push_rule_kind_parse(const char *name)
{
    for (size_t i = 0; i < PUSH_RULE_KIND_COUNT; i++) {
        if (strcmp(name, kind_names[i]) == 0)
            return (enum push_rule_kind)i;
    }
    return PUSH_RULE_KIND_COUNT;
}

static bool has_conditions(enum push_rule_kind kind)
{
    return kind == PUSH_OVERRIDE || kind == PUSH_UNDERRIDE;
}

/* ── Actions ─────────────────────────────────────────────────────────────────────────────────── */

static unsigned flag_of_tweak(json_t *action)
{
    const char *tweak = json_string_value(json_object_get(action, "set_tweak"));
    json_t *value = json_object_get(action, "value");

    if (tweak == NULL)
        return 0;
    if (strcmp(tweak, "highlight") == 0)
        return json_is_false(value) ? 0 : PUSH_HIGHLIGHT;
    if (strcmp(tweak, "sound") == 0 && json_is_string(value))
        return strcmp(json_string_value(value), "ring") == 0 ? PUSH_RING : PUSH_SOUND;
    return 0;
}

unsigned push_flags_from_actions(json_t *actions)
{
    unsigned flags = 0;
    size_t i;
    json_t *action;

    json_array_foreach (actions, i, action) {
        /* dont_notify and coalesce are history: they say nothing. */
        if (json_is_string(action))
            flags |= strcmp(json_string_value(action), "notify") == 0 ? PUSH_NOTIFY : 0;
        else
            flags |= flag_of_tweak(action);
    }
    /* Without `notify` the tweaks have nothing to tweak. */
    return (flags & PUSH_NOTIFY) != 0 ? flags : 0;
}

json_t *push_flags_to_actions(unsigned flags)
{
    json_t *actions = json_array();

    if ((flags & PUSH_NOTIFY) != 0)
        json_array_append_new(actions, json_string("notify"));
    if ((flags & (PUSH_SOUND | PUSH_RING)) != 0)
        json_array_append_new(actions, json_pack("{s:s,s:s}", "set_tweak", "sound", "value",
                                                 (flags & PUSH_RING) != 0 ? "ring" : "default"));
    if ((flags & PUSH_HIGHLIGHT) != 0)
        json_array_append_new(actions, json_pack("{s:s}", "set_tweak", "highlight"));
    return actions;
}

static bool is_action(json_t *action)
{
    return json_is_string(action) ||
           (json_is_object(action) && json_is_string(json_object_get(action, "set_tweak")));
}

static enum errcode check_actions(json_t *actions, struct error *error)
{
    size_t i;
    json_t *action;

    if (actions == NULL)
        return fail(error, M_MISSING_PARAM, "A push rule needs `actions`.");
    if (!json_is_array(actions))
        return fail(error, M_INVALID_PARAM, "`actions` must be a list.");
    json_array_foreach (actions, i, action) {
        if (!is_action(action))
            return fail(error, M_INVALID_PARAM,
                        "Each action must be a string or an object with `set_tweak`.");
    }
    if (json_dumpb(actions, NULL, 0, JSON_COMPACT) > PUSH_RULE_BYTES_MAX)
        return fail(error, M_TOO_LARGE, "The actions of a push rule are limited to %d bytes.",
                    PUSH_RULE_BYTES_MAX);
    return OK;
}

/* ── Compiling ───────────────────────────────────────────────────────────────────────────────── */

static void compile(struct arena *arena, struct push_own_rule *rule)
{
    size_t length;

    rule->actions = push_flags_from_actions(rule->actions_json);
    rule->condition_count = json_array_size(rule->conditions_json);
    rule->conditions = ARENA_ARRAY(arena, rule->condition_count, struct push_condition);
    for (size_t i = 0; i < rule->condition_count; i++)
        rule->conditions[i] = push_condition_parse(arena, json_array_get(rule->conditions_json, i));
    if (rule->pattern_text != NULL)
        rule->pattern =
            utf8_casefold(arena, rule->pattern_text, strlen(rule->pattern_text), &length);
}

/* ── Finding ─────────────────────────────────────────────────────────────────────────────────── */

static size_t find_own(const struct push_rules *rules, enum push_rule_kind kind,
                       const char *rule_id)
{
    for (size_t i = 0; rule_id != NULL && i < rules->own[kind].count; i++) {
        if (strcmp(rules->own[kind].items[i].rule_id, rule_id) == 0)
            return i;
    }
    return NOT_FOUND;
}

static size_t find_default(enum push_rule_kind kind, const char *rule_id)
{
    for (size_t i = 0; i < push_default_rule_count; i++) {
        if (push_default_rules[i].kind == kind &&
            strcmp(push_default_rules[i].rule_id, rule_id) == 0)
            return i;
    }
    return NOT_FOUND;
}

/* ── The stored form ─────────────────────────────────────────────────────────────────────────── */

static void parse_own_rule(struct push_rules *rules, enum push_rule_kind kind, json_t *json)
{
    struct push_own_rule rule = {
        .rule_id = json_string_value(json_object_get(json, "rule_id")),
        .enabled = !json_is_false(json_object_get(json, "enabled")),
        .actions_json = json_object_get(json, "actions"),
    };

    if (has_conditions(kind))
        rule.conditions_json = json_object_get(json, "conditions");
    if (kind == PUSH_CONTENT)
        rule.pattern_text = json_string_value(json_object_get(json, "pattern"));
    if (rule.rule_id == NULL || rule.actions_json == NULL ||
        (kind == PUSH_CONTENT && rule.pattern_text == NULL))
        return;
    compile(rules->arena, &rule);
    array_push(rules->arena, &rules->own[kind], rule);
}

static void parse_override(struct push_rules *rules, size_t index, json_t *json)
{
    struct push_override *override = &rules->overrides[index];
    json_t *enabled = json_object_get(json, "enabled");

    override->has_enabled = json_is_boolean(enabled);
    override->enabled = json_is_true(enabled);
    override->actions_json = json_object_get(json, "actions");
    override->actions = push_flags_from_actions(override->actions_json);
}

struct push_rules *push_rules_parse(struct arena *arena, json_t *stored)
{
    struct push_rules *rules = ARENA_NEW(arena, struct push_rules);
    json_t *changes = json_object_get(stored, CHANGES);

    rules->arena = arena;
    rules->overrides = ARENA_ARRAY(arena, push_default_rule_count, struct push_override);
    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++) {
        json_t *list = json_object_get(stored, kind_names[kind]);
        size_t i;
        json_t *json;
        json_array_foreach (list, i, json)
            parse_own_rule(rules, (enum push_rule_kind)kind, json);
    }
    for (size_t i = 0; i < push_default_rule_count; i++)
        parse_override(rules, i, json_object_get(changes, push_default_rules[i].rule_id));
    return rules;
}

struct push_rules *push_rules_parse_text(struct arena *arena, const char *stored)
{
    json_t *json = NULL;

    if (stored != NULL && json_parse_object(arena, stored, strlen(stored), NULL, &json) != OK)
        json = NULL;
    return push_rules_parse(arena, json);
}

static bool is_changed(const struct push_override *override)
{
    return override->has_enabled || override->actions_json != NULL;
}

/* The members that both forms have. */
static json_t *own_rule_to_json(const struct push_own_rule *rule)
{
    json_t *json = json_pack("{s:s,s:b,s:O}", "rule_id", rule->rule_id, "enabled", rule->enabled,
                             "actions", rule->actions_json);

    if (rule->conditions_json != NULL)
        json_object_set(json, "conditions", rule->conditions_json);
    if (rule->pattern_text != NULL)
        json_object_set_new(json, "pattern", json_string(rule->pattern_text));
    return json;
}

static json_t *changes_to_stored(const struct push_rules *rules)
{
    json_t *changes = json_object();

    for (size_t i = 0; i < push_default_rule_count; i++) {
        const struct push_override *override = &rules->overrides[i];
        json_t *change;
        if (!is_changed(override))
            continue;
        change = json_object();
        if (override->has_enabled)
            json_object_set_new(change, "enabled", json_boolean(override->enabled));
        if (override->actions_json != NULL)
            json_object_set(change, "actions", override->actions_json);
        json_object_set_new(changes, push_default_rules[i].rule_id, change);
    }
    return changes;
}

json_t *push_rules_to_stored(const struct push_rules *rules)
{
    json_t *stored = json_object();

    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++) {
        json_t *list = json_array();
        for (size_t i = 0; i < rules->own[kind].count; i++)
            json_array_append_new(list, own_rule_to_json(&rules->own[kind].items[i]));
        json_object_set_new(stored, kind_names[kind], list);
    }
    json_object_set_new(stored, CHANGES, changes_to_stored(rules));
    return stored;
}

bool push_rules_are_default(const struct push_rules *rules)
{
    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++) {
        if (rules->own[kind].count > 0)
            return false;
    }
    for (size_t i = 0; i < push_default_rule_count; i++) {
        if (is_changed(&rules->overrides[i]))
            return false;
    }
    return true;
}

/* ── The form clients see ────────────────────────────────────────────────────────────────────── */

static json_t *own_rule_to_client(const struct push_own_rule *rule)
{
    json_t *json = own_rule_to_json(rule);

    json_object_set_new(json, "default", json_false());
    return json;
}

static json_t *default_rule_to_client(const struct push_rules *rules, size_t index,
                                      const char *user_id)
{
    const struct push_default_rule *rule = &push_default_rules[index];
    const struct push_override *override = &rules->overrides[index];
    bool enabled = override->has_enabled ? override->enabled : rule->enabled;
    json_t *conditions = json_array();

    for (size_t i = 0; i < rule->condition_count; i++)
        json_array_append_new(conditions, push_condition_to_json(&rule->conditions[i], user_id));
    return json_pack("{s:s,s:b,s:b,s:o,s:o}", "rule_id", rule->rule_id, "default", true, "enabled",
                     enabled, "conditions", conditions, "actions",
                     override->actions_json != NULL ? json_incref(override->actions_json)
                                                    : push_flags_to_actions(rule->actions));
}

static json_t *kind_to_client(const struct push_rules *rules, enum push_rule_kind kind,
                              const char *user_id)
{
    json_t *list = json_array();

    /* .m.rule.master comes before the user's own rules, all other predefined ones after them. */
    if (kind == PUSH_OVERRIDE)
        json_array_append_new(list, default_rule_to_client(rules, 0, user_id));
    for (size_t i = 0; i < rules->own[kind].count; i++)
        json_array_append_new(list, own_rule_to_client(&rules->own[kind].items[i]));
    for (size_t i = 1; i < push_default_rule_count; i++) {
        if (push_default_rules[i].kind == kind)
            json_array_append_new(list, default_rule_to_client(rules, i, user_id));
    }
    return list;
}

json_t *push_rules_to_client(const struct push_rules *rules, const char *user_id)
{
    json_t *set = json_object();

    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++) {
        if (kind != PUSH_POSTCONTENT || !rules->hides_threads)
            json_object_set_new(set, kind_names[kind],
                                kind_to_client(rules, (enum push_rule_kind)kind, user_id));
    }
    return set;
}

enum errcode push_rules_get(const struct push_rules *rules, enum push_rule_kind kind,
                            const char *rule_id, const char *user_id, json_t **out)
{
    size_t index = find_own(rules, kind, rule_id);

    if (index != NOT_FOUND) {
        *out = own_rule_to_client(&rules->own[kind].items[index]);
        return OK;
    }
    index = find_default(kind, rule_id);
    if (index == NOT_FOUND)
        return M_NOT_FOUND;
    *out = default_rule_to_client(rules, index, user_id);
    return OK;
}

/* ── Editing ─────────────────────────────────────────────────────────────────────────────────── */

static enum errcode check_rule_id(const char *rule_id, struct error *error)
{
    if (rule_id[0] == '\0' || strlen(rule_id) > PUSH_RULE_ID_BYTES_MAX)
        return fail(error, M_INVALID_PARAM, "A push rule ID has 1 to %d bytes.",
                    PUSH_RULE_ID_BYTES_MAX);
    if (rule_id[0] == '.')
        return fail(error, M_INVALID_PARAM, "Only predefined push rules start with a dot.");
    if (strpbrk(rule_id, "/\\") != NULL)
        return fail(error, M_INVALID_PARAM, "A push rule ID has no slashes or backslashes.");
    return OK;
}

static enum errcode read_conditions(json_t *body, json_t **out, struct error *error)
{
    json_t *conditions = json_object_get(body, "conditions");
    size_t i;
    json_t *condition;

    if (conditions == NULL) {
        *out = NULL;
        return OK;
    }
    if (!json_is_array(conditions))
        return fail(error, M_INVALID_PARAM, "`conditions` must be a list.");
    json_array_foreach (conditions, i, condition) {
        if (!json_is_string(json_object_get(condition, "kind")))
            return fail(error, M_INVALID_PARAM, "Each condition must be an object with a `kind`.");
    }
    *out = conditions;
    return OK;
}

static enum errcode read_pattern(json_t *body, const char **out, struct error *error)
{
    json_t *pattern = json_object_get(body, "pattern");

    if (pattern == NULL)
        return fail(error, M_MISSING_PARAM, "A content rule needs a `pattern`.");
    if (!json_is_text(pattern))
        return fail(error, M_INVALID_PARAM, "`pattern` must be a string.");
    *out = json_string_value(pattern);
    return OK;
}

static enum errcode read_rule(struct push_rules *rules, enum push_rule_kind kind, json_t *body,
                              struct push_own_rule *rule, struct error *error)
{
    rule->actions_json = json_object_get(body, "actions");
    TRY(check_actions(rule->actions_json, error));
    if (has_conditions(kind)) {
        TRY(read_conditions(body, &rule->conditions_json, error));
        if (rule->conditions_json == NULL)
            rule->conditions_json = json_on_arena(rules->arena, json_array());
    }
    if (kind == PUSH_CONTENT)
        TRY(read_pattern(body, &rule->pattern_text, error));
    if (json_dumpb(body, NULL, 0, JSON_COMPACT) > PUSH_RULE_BYTES_MAX)
        return fail(error, M_TOO_LARGE, "A push rule is limited to %d bytes.", PUSH_RULE_BYTES_MAX);
    compile(rules->arena, rule);
    return OK;
}

static void insert_at(struct push_rules *rules, enum push_rule_kind kind, size_t index,
                      struct push_own_rule rule)
{
    push_own_rules *list = &rules->own[kind];

    array_push(rules->arena, list, rule);
    memmove(&list->items[index + 1], &list->items[index],
            (list->count - 1 - index) * sizeof(list->items[0]));
    list->items[index] = rule;
}

static void remove_at(struct push_rules *rules, enum push_rule_kind kind, size_t index)
{
    push_own_rules *list = &rules->own[kind];

    memmove(&list->items[index], &list->items[index + 1],
            (list->count - 1 - index) * sizeof(list->items[0]));
    list->count--;
}

static size_t count_own(const struct push_rules *rules)
{
    size_t count = 0;

    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++)
        count += rules->own[kind].count;
    return count;
}

/* Puts the rule next to its neighbour; `index` is where it is now. */
static void move_beside(struct push_rules *rules, enum push_rule_kind kind, size_t index,
                        struct push_rule_place place)
{
    struct push_own_rule rule = rules->own[kind].items[index];
    const char *neighbour = place.before != NULL ? place.before : place.after;
    size_t target;

    if (strcmp(neighbour, rule.rule_id) == 0)
        return;
    remove_at(rules, kind, index);
    target = find_own(rules, kind, neighbour);
    insert_at(rules, kind, place.before != NULL ? target : target + 1, rule);
}

enum errcode push_rules_put(struct push_rules *rules, enum push_rule_kind kind, const char *rule_id,
                            json_t *body, struct push_rule_place place, struct error *error)
{
    const char *neighbour = place.before != NULL ? place.before : place.after;
    struct push_own_rule rule = {.rule_id = arena_strdup(rules->arena, rule_id), .enabled = true};
    size_t index;

    TRY(check_rule_id(rule_id, error));
    TRY(read_rule(rules, kind, body, &rule, error));
    if (neighbour != NULL && find_own(rules, kind, neighbour) == NOT_FOUND)
        return fail(error, M_UNKNOWN, "The rule given by `before` or `after` was not found: %s",
                    neighbour);

    index = find_own(rules, kind, rule_id);
    if (index != NOT_FOUND) {
        rule.enabled = rules->own[kind].items[index].enabled;
        rules->own[kind].items[index] = rule;
    } else {
        if (count_own(rules) >= PUSH_RULES_COUNT_MAX)
            return fail(error, M_TOO_LARGE, "There can be at most %d push rules.",
                        PUSH_RULES_COUNT_MAX);
        index = 0;
        insert_at(rules, kind, index, rule);
    }
    if (neighbour != NULL)
        move_beside(rules, kind, index, place);
    return OK;
}

enum errcode push_rules_delete(struct push_rules *rules, enum push_rule_kind kind,
                               const char *rule_id, struct error *error)
{
    size_t index = find_own(rules, kind, rule_id);

    if (index == NOT_FOUND && find_default(kind, rule_id) != NOT_FOUND)
        return fail(error, M_INVALID_PARAM, "Predefined push rules can not be deleted.");
    if (index == NOT_FOUND)
        return M_NOT_FOUND;
    remove_at(rules, kind, index);
    return OK;
}

enum errcode push_rules_set_enabled(struct push_rules *rules, enum push_rule_kind kind,
                                    const char *rule_id, bool enabled)
{
    size_t index = find_own(rules, kind, rule_id);

    if (index != NOT_FOUND) {
        rules->own[kind].items[index].enabled = enabled;
        return OK;
    }
    index = find_default(kind, rule_id);
    if (index == NOT_FOUND)
        return M_NOT_FOUND;
    rules->overrides[index].has_enabled = enabled != push_default_rules[index].enabled;
    rules->overrides[index].enabled = enabled;
    return OK;
}

enum errcode push_rules_set_actions(struct push_rules *rules, enum push_rule_kind kind,
                                    const char *rule_id, json_t *actions, struct error *error)
{
    size_t index = find_own(rules, kind, rule_id);

    TRY(check_actions(actions, error));
    if (index != NOT_FOUND) {
        rules->own[kind].items[index].actions_json = actions;
        compile(rules->arena, &rules->own[kind].items[index]);
        return OK;
    }
    index = find_default(kind, rule_id);
    if (index == NOT_FOUND)
        return M_NOT_FOUND;
    rules->overrides[index].actions_json = actions;
    rules->overrides[index].actions = push_flags_from_actions(actions);
    return OK;
}

/* ── Room upgrades ───────────────────────────────────────────────────────────────────────────── */

/* A condition of the exact form that clients write for "in this room". */
static bool names_room(json_t *condition, const char *room_id)
{
    const char *key = json_string_value(json_object_get(condition, "key"));
    const char *pattern = json_string_value(json_object_get(condition, "pattern"));

    return key != NULL && strcmp(key, "room_id") == 0 && pattern != NULL &&
           strcmp(pattern, room_id) == 0;
}

static json_t *conditions_for_room(json_t *conditions, const char *old_room_id,
                                   const char *new_room_id)
{
    json_t *copy = json_deep_copy(conditions);
    bool found = false;
    size_t i;
    json_t *condition;

    json_array_foreach (copy, i, condition) {
        if (!names_room(condition, old_room_id))
            continue;
        json_object_set_new(condition, "pattern", json_string(new_room_id));
        found = true;
    }
    if (found)
        return copy;
    json_decref(copy);
    return NULL;
}

/* The rule's twin for the new room; false when it is not about the old room or exists already. */
static bool twin_for_room(const struct push_rules *rules, enum push_rule_kind kind,
                          const struct push_own_rule *rule, const char *old_room_id,
                          struct push_own_rule *twin)
{
    const char *new_room_id = twin->rule_id;

    if (find_own(rules, kind, new_room_id) != NOT_FOUND)
        return false;
    *twin = *rule;
    twin->rule_id = new_room_id;
    if (kind == PUSH_ROOM)
        return strcmp(rule->rule_id, old_room_id) == 0;
    if (rule->conditions_json == NULL)
        return false;
    twin->conditions_json = conditions_for_room(rule->conditions_json, old_room_id, new_room_id);
    if (twin->conditions_json == NULL)
        return false;
    json_on_arena(rules->arena, twin->conditions_json);
    return true;
}

bool push_rules_copy_room(struct push_rules *rules, const char *old_room_id,
                          const char *new_room_id)
{
    bool copied = false;

    for (size_t kind = 0; kind < PUSH_RULE_KIND_COUNT; kind++) {
        for (size_t i = 0; i < rules->own[kind].count; i++) {
            struct push_own_rule twin = {.rule_id = arena_strdup(rules->arena, new_room_id)};
            if (!twin_for_room(rules, (enum push_rule_kind)kind, &rules->own[kind].items[i],
                               old_room_id, &twin))
                continue;
            compile(rules->arena, &twin);
            insert_at(rules, (enum push_rule_kind)kind, i, twin);
            copied = true;
            i++;
        }
    }
    return copied;
}
