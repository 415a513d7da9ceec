/*
 * The redaction algorithm by room version.
 * Spec: room versions 1, 6, 8, 9 and 11, "Redactions". All differences between versions stand in
 * the two tables; v11's nested third_party_invite is the one case that needs code.
 */
#include "homeserver/protocol/redaction.h"

#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"

/* A member that survives under the rules from `since` to `until`. */
struct kept_member {
    const char *type; /* of the event; NULL: top level, any type */
    const char *name;
    enum redaction_rules since, until;
};

/* clang-format off */
static const struct kept_member kept_top_level[] = {
    {NULL, "event_id",         REDACTION_V1, REDACTION_V11},
    {NULL, "type",             REDACTION_V1, REDACTION_V11},
    {NULL, "room_id",          REDACTION_V1, REDACTION_V11},
    {NULL, "sender",           REDACTION_V1, REDACTION_V11},
    {NULL, "state_key",        REDACTION_V1, REDACTION_V11},
    {NULL, "hashes",           REDACTION_V1, REDACTION_V11},
    {NULL, "signatures",       REDACTION_V1, REDACTION_V11},
    {NULL, "depth",            REDACTION_V1, REDACTION_V11},
    {NULL, "prev_events",      REDACTION_V1, REDACTION_V11},
    {NULL, "auth_events",      REDACTION_V1, REDACTION_V11},
    {NULL, "origin_server_ts", REDACTION_V1, REDACTION_V11},
    {NULL, "origin",           REDACTION_V1, REDACTION_V9},
    {NULL, "membership",       REDACTION_V1, REDACTION_V9},
    {NULL, "prev_state",       REDACTION_V1, REDACTION_V9},
};

static const struct kept_member kept_content[] = {
    {"m.room.member", "membership",                       REDACTION_V1,  REDACTION_V11},
    {"m.room.member", "join_authorised_via_users_server", REDACTION_V9,  REDACTION_V11},
    {"m.room.create", "creator",                          REDACTION_V1,  REDACTION_V9},
    {"m.room.join_rules", "join_rule",                    REDACTION_V1,  REDACTION_V11},
    {"m.room.join_rules", "allow",                        REDACTION_V8,  REDACTION_V11},
    {"m.room.power_levels", "ban",                        REDACTION_V1,  REDACTION_V11},
    {"m.room.power_levels", "events",                     REDACTION_V1,  REDACTION_V11},
    {"m.room.power_levels", "events_default",             REDACTION_V1,  REDACTION_V11},
    {"m.room.power_levels", "invite",                     REDACTION_V11, REDACTION_V11},
    {"m.room.power_levels", "kick",                       REDACTION_V1,  REDACTION_V11},
    {"m.room.power_levels", "redact",                     REDACTION_V1,  REDACTION_V11},
    {"m.room.power_levels", "state_default",              REDACTION_V1,  REDACTION_V11},
    {"m.room.power_levels", "users",                      REDACTION_V1,  REDACTION_V11},
    {"m.room.power_levels", "users_default",              REDACTION_V1,  REDACTION_V11},
    {"m.room.aliases", "aliases",                         REDACTION_V1,  REDACTION_V1},
    {"m.room.history_visibility", "history_visibility",   REDACTION_V1,  REDACTION_V11},
    {"m.room.redaction", "redacts",                       REDACTION_V11, REDACTION_V11},
};
/* clang-format on */

static void keep(json_t *kept, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);

    if (value != NULL)
        json_object_set_new_nocheck(kept, name, json_incref(value));
}

/* v11: of `third_party_invite` only the member `signed` survives. */
static void keep_signed_invite(json_t *kept, const json_t *content)
{
    const json_t *invite = json_get_object(content, "third_party_invite");

    if (invite == NULL)
        return;
    json_t *kept_invite = json_object();
    keep(kept_invite, invite, "signed");
    json_object_set_new_nocheck(kept, "third_party_invite", kept_invite);
}

static json_t *redact_content(enum redaction_rules rules, const char *type, json_t *content)
{
    if (type == NULL)
        return json_object();
    if (rules >= REDACTION_V11 && strcmp(type, "m.room.create") == 0)
        return json_incref(content);
    json_t *kept = json_object();
    for (size_t i = 0; i < COUNT_OF(kept_content); i++) {
        const struct kept_member *row = &kept_content[i];
        if (rules >= row->since && rules <= row->until && strcmp(type, row->type) == 0)
            keep(kept, content, row->name);
    }
    if (rules >= REDACTION_V11 && strcmp(type, "m.room.member") == 0)
        keep_signed_invite(kept, content);
    return kept;
}

json_t *redaction_apply(const struct room_version *version, const json_t *event)
{
    json_t *kept = json_object();
    json_t *content = json_get_object(event, "content");

    for (size_t i = 0; i < COUNT_OF(kept_top_level); i++) {
        const struct kept_member *row = &kept_top_level[i];
        if (version->redaction >= row->since && version->redaction <= row->until)
            keep(kept, event, row->name);
    }
    if (content != NULL)
        json_object_set_new_nocheck(
            kept, "content",
            redact_content(version->redaction, json_get_string(event, "type"), content));
    return kept;
}

/* ── The same, cut from bytes ────────────────────────────────────────────────────────────────── */

static bool is_row_for(const struct kept_member *row, enum redaction_rules rules, const char *type)
{
    return rules >= row->since && rules <= row->until &&
           (row->type == NULL || strcmp(row->type, type) == 0);
}

static bool survives(const struct kept_member *rows, size_t count, enum redaction_rules rules,
                     const char *type, struct json_span name)
{
    for (size_t i = 0; i < count; i++) {
        if (json_span_equals(name, rows[i].name) && is_row_for(&rows[i], rules, type))
            return true;
    }
    return false;
}

static void splice_name(struct strbuf *out, const char *name)
{
    strbuf_add_separator(out);
    strbuf_printf(out, "\"%s\":", name);
}

static void splice_member(struct strbuf *out, const struct json_member *member)
{
    strbuf_add_separator(out);
    /* With the quotes and the colon between the two. */
    strbuf_add(out, member->name.bytes - 1, member->name.size + member->value.size + 3);
}

static void splice_signed_invite(struct strbuf *out, struct json_span invite)
{
    struct json_scan scan;
    struct json_member member;

    splice_name(out, "third_party_invite");
    strbuf_add_char(out, '{');
    json_scan_start(&scan, invite);
    while (json_scan_next(&scan, &member)) {
        if (json_span_equals(member.name, "signed"))
            splice_member(out, &member);
    }
    strbuf_add_char(out, '}');
}

static void splice_content(enum redaction_rules rules, const char *type, struct json_span content,
                           struct strbuf *out)
{
    bool keeps_invite = rules >= REDACTION_V11 && strcmp(type, "m.room.member") == 0;
    struct json_scan scan;
    struct json_member member;

    splice_name(out, "content");
    if (rules >= REDACTION_V11 && strcmp(type, "m.room.create") == 0) {
        strbuf_add(out, content.bytes, content.size);
        return;
    }
    strbuf_add_char(out, '{');
    json_scan_start(&scan, content);
    while (json_scan_next(&scan, &member)) {
        if (survives(kept_content, COUNT_OF(kept_content), rules, type, member.name))
            splice_member(out, &member);
        else if (keeps_invite && json_span_equals(member.name, "third_party_invite") &&
                 *member.value.bytes == '{')
            splice_signed_invite(out, member.value);
    }
    strbuf_add_char(out, '}');
}

void redaction_splice(const struct room_version *version, const char *type,
                      struct json_span canonical, struct strbuf *out)
{
    struct json_scan scan;
    struct json_member member;

    strbuf_add_char(out, '{');
    json_scan_start(&scan, canonical);
    while (json_scan_next(&scan, &member)) {
        if (json_span_equals(member.name, "content") && *member.value.bytes == '{')
            splice_content(version->redaction, type, member.value, out);
        else if (!json_span_equals(member.name, "signatures") &&
                 survives(kept_top_level, COUNT_OF(kept_top_level), version->redaction, type,
                          member.name))
            splice_member(out, &member);
    }
    strbuf_add_char(out, '}');
}

enum errcode redaction_write(const struct room_version *version, const json_t *event,
                             struct strbuf *out)
{
    enum canonical_json_rules rules =
        version->strict_canonical_json ? CANONICAL_JSON_STRICT : CANONICAL_JSON_LEGACY;
    json_auto_t *redacted = redaction_apply(version, event);

    return canonical_json_write(redacted, rules, out, NULL);
}
