/*
 * The predefined push rules.
 * Spec: client-server API, "Predefined rules" (v1.19); poll rules: MSC3930, threads:
 * MSC4306.
 */
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/push_rules.h"

/* clang-format off */
#define PATH(...) \
    {.names = (const char *const[]){__VA_ARGS__}, \
     .count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)}
#define MATCH(where, glob)  {.kind = PUSH_EVENT_MATCH, .path = where, .pattern = (glob)}
#define MATCH_ME(where)     {.kind = PUSH_EVENT_MATCH, .path = where, \
                             .value_type = PUSH_VALUE_OWN_USER_ID}
#define IS_TEXT(where, s)   {.kind = PUSH_EVENT_PROPERTY_IS, .path = where, \
                             .value_type = PUSH_VALUE_STRING, .string = (s)}
#define IS_TRUE(where)      {.kind = PUSH_EVENT_PROPERTY_IS, .path = where, \
                             .value_type = PUSH_VALUE_BOOLEAN, .number = 1}
#define CONTAINS_ME(where)  {.kind = PUSH_EVENT_PROPERTY_CONTAINS, .path = where, \
                             .value_type = PUSH_VALUE_OWN_USER_ID}
#define MEMBERS(n)          {.kind = PUSH_ROOM_MEMBER_COUNT, .comparison = PUSH_EQUAL, .number = (n)}
#define SENDER_MAY(what)    {.kind = PUSH_SENDER_NOTIFICATION_PERMISSION, .key = (what)}

#define SUBSCRIBED(yes)     {.kind = PUSH_THREAD_SUBSCRIPTION, .number = (yes)}

#define TYPE        PATH("type")
#define STATE_KEY   PATH("state_key")

const struct push_default_rule push_default_rules[] = {
    {PUSH_OVERRIDE, ".m.rule.master", false, {{0}}, 0, 0},
    {PUSH_OVERRIDE, ".m.rule.suppress_notices", true,
        {MATCH(PATH("content", "msgtype"), "m.notice")}, 1, 0},
    {PUSH_OVERRIDE, ".m.rule.invite_for_me", true,
        {MATCH(TYPE, "m.room.member"), MATCH(PATH("content", "membership"), "invite"),
         MATCH_ME(STATE_KEY)}, 3, PUSH_NOTIFY | PUSH_SOUND},
    {PUSH_OVERRIDE, ".m.rule.member_event", true,
        {MATCH(TYPE, "m.room.member")}, 1, 0},
    {PUSH_OVERRIDE, ".m.rule.is_user_mention", true,
        {CONTAINS_ME(PATH("content", "m.mentions", "user_ids"))}, 1,
        PUSH_NOTIFY | PUSH_SOUND | PUSH_HIGHLIGHT},
    {PUSH_OVERRIDE, ".m.rule.is_room_mention", true,
        {IS_TRUE(PATH("content", "m.mentions", "room")), SENDER_MAY("room")}, 2,
        PUSH_NOTIFY | PUSH_HIGHLIGHT},
    {PUSH_OVERRIDE, ".m.rule.tombstone", true,
        {MATCH(TYPE, "m.room.tombstone"), MATCH(STATE_KEY, "")}, 2,
        PUSH_NOTIFY | PUSH_HIGHLIGHT},
    {PUSH_OVERRIDE, ".m.rule.reaction", true,
        {MATCH(TYPE, "m.reaction")}, 1, 0},
    {PUSH_OVERRIDE, ".m.rule.room.server_acl", true,
        {MATCH(TYPE, "m.room.server_acl"), MATCH(STATE_KEY, "")}, 2, 0},
    {PUSH_OVERRIDE, ".m.rule.suppress_edits", true,
        {IS_TEXT(PATH("content", "m.relates_to", "rel_type"), "m.replace")}, 1, 0},
    {PUSH_OVERRIDE, ".org.matrix.msc3930.rule.poll_response", true,
        {MATCH(TYPE, "org.matrix.msc3381.poll.response")}, 1, 0},

    {PUSH_POSTCONTENT, ".io.element.msc4306.rule.unsubscribed_thread", true,
        {SUBSCRIBED(false)}, 1, 0},
    {PUSH_POSTCONTENT, ".io.element.msc4306.rule.subscribed_thread", true,
        {SUBSCRIBED(true)}, 1, PUSH_NOTIFY | PUSH_SOUND},

    {PUSH_UNDERRIDE, ".m.rule.call", true,
        {MATCH(TYPE, "m.call.invite")}, 1, PUSH_NOTIFY | PUSH_RING},
    {PUSH_UNDERRIDE, ".m.rule.encrypted_room_one_to_one", true,
        {MEMBERS(2), MATCH(TYPE, "m.room.encrypted")}, 2, PUSH_NOTIFY | PUSH_SOUND},
    {PUSH_UNDERRIDE, ".m.rule.room_one_to_one", true,
        {MEMBERS(2), MATCH(TYPE, "m.room.message")}, 2, PUSH_NOTIFY | PUSH_SOUND},
    {PUSH_UNDERRIDE, ".org.matrix.msc3930.rule.poll_start_one_to_one", true,
        {MEMBERS(2), MATCH(TYPE, "org.matrix.msc3381.poll.start")}, 2,
        PUSH_NOTIFY | PUSH_SOUND},
    {PUSH_UNDERRIDE, ".org.matrix.msc3930.rule.poll_end_one_to_one", true,
        {MEMBERS(2), MATCH(TYPE, "org.matrix.msc3381.poll.end")}, 2,
        PUSH_NOTIFY | PUSH_SOUND},
    {PUSH_UNDERRIDE, ".m.rule.message", true,
        {MATCH(TYPE, "m.room.message")}, 1, PUSH_NOTIFY},
    {PUSH_UNDERRIDE, ".m.rule.encrypted", true,
        {MATCH(TYPE, "m.room.encrypted")}, 1, PUSH_NOTIFY},
    {PUSH_UNDERRIDE, ".org.matrix.msc3930.rule.poll_start", true,
        {MATCH(TYPE, "org.matrix.msc3381.poll.start")}, 1, PUSH_NOTIFY},
    {PUSH_UNDERRIDE, ".org.matrix.msc3930.rule.poll_end", true,
        {MATCH(TYPE, "org.matrix.msc3381.poll.end")}, 1, PUSH_NOTIFY},
};
/* clang-format on */

const size_t push_default_rule_count = COUNT_OF(push_default_rules);
