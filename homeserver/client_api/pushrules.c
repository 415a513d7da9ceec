/* Spec: client-server API, "Push rules: API" (pushrules.yaml). */
#include <string.h>

#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/push/user_push_rules.h"

/* One rule, as the path names it. */
struct named_rule {
    enum push_rule_kind kind;
    const char *rule_id;
    struct user_push_rules set;
};

static enum errcode load_set(struct request *req, struct user_push_rules *out)
{
    return user_push_rules_load(&req->call, req->requester.user_nid, out);
}

static enum errcode read_kind(struct request *req, enum push_rule_kind *out)
{
    const char *kind;

    TRY(path_string(req, "kind", &kind));
    *out = push_rule_kind_parse(kind);
    if (*out == PUSH_RULE_KIND_COUNT)
        return fail(&req->error, M_INVALID_PARAM, "There is no kind of push rules called %s.",
                    kind);
    return OK;
}

static enum errcode read_rule(struct request *req, struct named_rule *out)
{
    TRY(read_kind(req, &out->kind));
    TRY(path_string(req, "ruleId", &out->rule_id));
    TRY(load_set(req, &out->set));
    if (out->kind == PUSH_POSTCONTENT && out->set.rules->hides_threads)
        return fail(&req->error, M_NOT_FOUND, "There is no such push rule.");
    return OK;
}

static enum errcode not_found(struct request *req, enum errcode code)
{
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no such push rule.");
    return code;
}

static enum errcode save(struct request *req, const struct named_rule *rule)
{
    TRY(user_push_rules_save(&req->call, req->requester.user_nid, &rule->set));
    return respond_empty(req);
}

/* Answers with the rule, or with one member of it. */
static enum errcode respond_rule(struct request *req, const char *member)
{
    struct named_rule rule;
    json_t *json;

    TRY(read_rule(req, &rule));
    TRY(not_found(req, push_rules_get(rule.set.rules, rule.kind, rule.rule_id,
                                      req->requester.user_id, &json)));
    if (member == NULL)
        return respond(req, 200, json);
    json_t *answer = json_pack("{s:O}", member, json_object_get(json, member));
    json_decref(json);
    return respond(req, 200, answer);
}

/* GET /_matrix/client/v3/pushrules/ */
enum errcode client_get_push_rules(struct request *req)
{
    struct user_push_rules set;

    TRY(load_set(req, &set));
    return respond(req, 200, user_push_rules_content(&set, req->requester.user_id));
}

/* GET /_matrix/client/v3/pushrules/global/ */
enum errcode client_get_push_rules_global(struct request *req)
{
    struct user_push_rules set;

    TRY(load_set(req, &set));
    return respond(req, 200, push_rules_to_client(set.rules, req->requester.user_id));
}

/* GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId} */
enum errcode client_get_push_rule(struct request *req)
{
    return respond_rule(req, NULL);
}

/* PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId} */
enum errcode client_set_push_rule(struct request *req)
{
    const struct push_rule_place place = {
        .before = query_string(req, "before"),
        .after = query_string(req, "after"),
    };
    struct named_rule rule;

    TRY(read_kind(req, &rule.kind));
    /* Spec: MSC4306. */
    if (rule.kind == PUSH_POSTCONTENT)
        return fail(&req->error, M_INVALID_PARAM, "Rules of this kind can not be added.");
    TRY(read_rule(req, &rule));
    TRY(push_rules_put(rule.set.rules, rule.kind, rule.rule_id, request_body(req), place,
                       &req->error));
    return save(req, &rule);
}

/* DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId} */
enum errcode client_delete_push_rule(struct request *req)
{
    struct named_rule rule;

    TRY(read_rule(req, &rule));
    TRY(not_found(req, push_rules_delete(rule.set.rules, rule.kind, rule.rule_id, &req->error)));
    return save(req, &rule);
}

/* GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled */
enum errcode client_is_push_rule_enabled(struct request *req)
{
    return respond_rule(req, "enabled");
}

/* PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled */
enum errcode client_set_push_rule_enabled(struct request *req)
{
    const json_t *enabled = json_object_get(request_body(req), "enabled");
    struct named_rule rule;

    if (enabled == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The body must hold `enabled`.");
    if (!json_is_boolean(enabled))
        return fail(&req->error, M_BAD_JSON, "`enabled` must be true or false.");
    TRY(read_rule(req, &rule));
    TRY(not_found(req, push_rules_set_enabled(rule.set.rules, rule.kind, rule.rule_id,
                                              json_is_true(enabled))));
    return save(req, &rule);
}

/* GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions */
enum errcode client_get_push_rule_actions(struct request *req)
{
    return respond_rule(req, "actions");
}

/* PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions */
enum errcode client_set_push_rule_actions(struct request *req)
{
    struct named_rule rule;

    TRY(read_rule(req, &rule));
    TRY(not_found(req, push_rules_set_actions(rule.set.rules, rule.kind, rule.rule_id,
                                              json_object_get(request_body(req), "actions"),
                                              &req->error)));
    return save(req, &rule);
}
