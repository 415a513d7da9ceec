#ifndef HOMESERVER_PROTOCOL_PUSH_RULES_H
#define HOMESERVER_PROTOCOL_PUSH_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/array.h"
#include "homeserver/base/error.h"
#include "homeserver/protocol/push_conditions.h"

/*
 * The push rules of a user: the predefined rules, which all users share, and what this user added
 * or changed. Only the latter is stored. Spec: client-server API, "Push rules".
 */

/* In order of evaluation. */
enum push_rule_kind {
    PUSH_OVERRIDE,
    PUSH_CONTENT,
    PUSH_POSTCONTENT, /* MSC4306: predefined rules alone */
    PUSH_ROOM,
    PUSH_SENDER,
    PUSH_UNDERRIDE,
    PUSH_RULE_KIND_COUNT,
};

/* What a rule's actions come to. Zero: nothing happens. Stored with events and notifications. */
enum push_flag {
    PUSH_NOTIFY = 1,
    PUSH_HIGHLIGHT = 2,
    PUSH_SOUND = 4, /* sound: default */
    PUSH_RING = 8,  /* sound: ring */
};

enum {
    PUSH_RULE_CONDITIONS_MAX = 3, /* of predefined rules */
    PUSH_RULE_ID_BYTES_MAX = 255,
    PUSH_RULE_BYTES_MAX = 8192,        /* conditions, actions and pattern of one rule */
    PUSH_RULES_COUNT_MAX = 2000,       /* own rules of one user */
    PUSH_RULES_BYTES_MAX = 512 * 1024, /* stored form */
};

/* A predefined rule (push_rules_default.c). */
struct push_default_rule {
    enum push_rule_kind kind;
    const char *rule_id;
    bool enabled;
    struct push_condition conditions[PUSH_RULE_CONDITIONS_MAX];
    size_t condition_count;
    unsigned actions; /* enum push_flag */
};

/* In order of evaluation inside each kind; the first is .m.rule.master. */
extern const struct push_default_rule push_default_rules[];
extern const size_t push_default_rule_count;

/* A rule a user made. JSON is borrowed from the set. */
struct push_own_rule {
    const char *rule_id;
    bool enabled;
    json_t *conditions_json; /* override and underride, else NULL */
    json_t *actions_json;
    const char *pattern_text; /* content, as written */
    /* Compiled from the above. */
    struct push_condition *conditions;
    size_t condition_count;
    const char *pattern; /* in folded case */
    unsigned actions;
};

/* What a user changed in the predefined rule of the same index. */
struct push_override {
    bool has_enabled;
    bool enabled;
    json_t *actions_json; /* NULL: unchanged */
    unsigned actions;
};

typedef ARRAY_OF(struct push_own_rule) push_own_rules;

struct push_rules {
    struct arena *arena;
    push_own_rules own[PUSH_RULE_KIND_COUNT]; /* most important first */
    struct push_override *overrides;          /* one for each predefined rule */
    bool hides_threads; /* rules about thread subscriptions are not shown to clients */
};

/* "override" …; PUSH_RULE_KIND_COUNT when unknown. */
enum push_rule_kind push_rule_kind_parse(const char *name);

/* From the stored form (NULL: the user changed nothing). What is malformed in it is left out.
 * The set and what it parsed live on `arena`; `stored` is borrowed as long. */
struct push_rules *push_rules_parse(struct arena *arena, json_t *stored);

/* The same from JSON text (NULL: the user changed nothing). Text that is no JSON object counts as
 * NULL: one damaged row must not keep a room from talking. */
struct push_rules *push_rules_parse_text(struct arena *arena, const char *stored);

/* The stored form. A new reference. */
json_t *push_rules_to_stored(const struct push_rules *rules);

/* True when the user neither added nor changed anything. */
bool push_rules_are_default(const struct push_rules *rules);

/* `{"override": […], …}` as clients see it, all rules in order of evaluation. A new reference. */
json_t *push_rules_to_client(const struct push_rules *rules, const char *user_id);

/* One rule, its `enabled` or its `actions` as clients see them; M_NOT_FOUND. New references. */
enum errcode push_rules_get(const struct push_rules *rules, enum push_rule_kind kind,
                            const char *rule_id, const char *user_id, json_t **out) MUST_CHECK;

/* Where a rule goes: NULLs for a new rule mean "most important". */
struct push_rule_place {
    const char *before;
    const char *after;
};

/* Adds or replaces an own rule; `body` is borrowed until the set is gone. M_INVALID_PARAM (the ID,
 * or a part of the rule), M_MISSING_PARAM, M_UNKNOWN (no such `before` or `after`), M_TOO_LARGE. */
enum errcode push_rules_put(struct push_rules *rules, enum push_rule_kind kind, const char *rule_id,
                            json_t *body, struct push_rule_place place,
                            struct error *error) MUST_CHECK;

/* M_NOT_FOUND; M_INVALID_PARAM for a predefined rule. */
enum errcode push_rules_delete(struct push_rules *rules, enum push_rule_kind kind,
                               const char *rule_id, struct error *error) MUST_CHECK;

/* M_NOT_FOUND. */
enum errcode push_rules_set_enabled(struct push_rules *rules, enum push_rule_kind kind,
                                    const char *rule_id, bool enabled) MUST_CHECK;

/* M_NOT_FOUND, M_INVALID_PARAM; `actions` is borrowed like `body` above. */
enum errcode push_rules_set_actions(struct push_rules *rules, enum push_rule_kind kind,
                                    const char *rule_id, json_t *actions,
                                    struct error *error) MUST_CHECK;

/* Copies the rules that are about one room to its successor (room upgrade). True when there were
 * any. */
bool push_rules_copy_room(struct push_rules *rules, const char *old_room_id,
                          const char *new_room_id);

/* ── Evaluation ──────────────────────────────────────────────────────────────────────────────── */

/* What came of an event for somebody. */
struct push_outcome {
    unsigned flags;  /* enum push_flag; 0: no notification */
    json_t *actions; /* of the matching own rule or override, borrowed; NULL: flags say it all */
};

/* The first enabled rule that matches decides. `rules` NULL: the predefined rules alone. */
struct push_outcome push_rules_evaluate(const struct push_rules *rules,
                                        struct push_context *context, struct push_person *person);

/* The events that own rules and changes can concern, so that others need not be evaluated for this
 * user: room IDs, user IDs of senders, and "" when some may concern any event. On `arena`, without
 * doubles. */
const char **push_rules_scopes(const struct push_rules *rules, struct arena *arena,
                               size_t *count_out);

/* Actions that flags stand for, as clients see them. A new reference. */
json_t *push_flags_to_actions(unsigned flags);

/* The flags that a list of actions stands for; those of no meaning here are left out. */
unsigned push_flags_from_actions(json_t *actions);

#endif
