#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

struct expectation {
    const char *versions; /* space-separated */
    const char *event, *redacted;
};

static bool is_listed(const char *list, const char *version)
{
    size_t length = strlen(version);

    for (const char *word = list; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ';
        if (strncmp(word, version, length) == 0 && (word[length] == ' ' || word[length] == '\0'))
            return true;
    }
    return false;
}

static void assert_redacted(const struct expectation *expectation)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *event = build_json_on(arena, expectation->event);
    const json_t *expected = build_json_on(arena, expectation->redacted);

    assert_non_null(event);
    assert_non_null(expected);
    for (size_t i = 0; i < room_version_count; i++) {
        if (!is_listed(expectation->versions, room_versions[i].id))
            continue;
        json_t *redacted = json_on_arena(arena, redaction_apply(&room_versions[i], event));
        if (!json_equal(redacted, expected))
            fail_msg("version %s: %s", room_versions[i].id, json_dumps(redacted, JSON_SORT_KEYS));
        json_t *again = json_on_arena(arena, redaction_apply(&room_versions[i], redacted));
        assert_true(json_equal(again, redacted));
    }
}

#define ALL       "1 2 3 4 5 6 7 8 9 10 11 12"
#define UNTIL_V10 "1 2 3 4 5 6 7 8 9 10"
#define SINCE_V11 "11 12"
#define TOP_LEVEL                                                                                  \
    "'event_id':'a','room_id':'b','sender':'c','state_key':'d','hashes':{'x':1},"                  \
    "'signatures':{'y':1},'depth':3,'prev_events':[4],'auth_events':[5],"                          \
    "'origin_server_ts':6"

static void top_level_members_depend_on_the_version(void **state)
{
    (void)state;
    const char *event = "{'type':'x'," TOP_LEVEL ",'origin':'o','membership':'m','prev_state':[],"
                        "'unsigned':{},'redacts':'$r','other':1,'content':{'body':'secret'}}";

    assert_redacted(&(struct expectation){UNTIL_V10, event,
                                          "{'type':'x'," TOP_LEVEL ",'origin':'o','membership':'m',"
                                          "'prev_state':[],'content':{}}"});
    assert_redacted(
        &(struct expectation){SINCE_V11, event, "{'type':'x'," TOP_LEVEL ",'content':{}}"});
}

static void members_keep_what_joining_needs(void **state)
{
    (void)state;
    const char *event = "{'type':'m.room.member','content':{'membership':'join','displayname':'x',"
                        "'join_authorised_via_users_server':'@a:b','third_party_invite':"
                        "{'display_name':'y','signed':{'token':'t'}}}}";

    assert_redacted(&(struct expectation){
        "1 2 3 4 5 6 7 8", event, "{'type':'m.room.member','content':{'membership':'join'}}"});
    assert_redacted(&(struct expectation){"9 10", event,
                                          "{'type':'m.room.member','content':{'membership':'join',"
                                          "'join_authorised_via_users_server':'@a:b'}}"});
    assert_redacted(&(struct expectation){SINCE_V11, event,
                                          "{'type':'m.room.member','content':{'membership':'join',"
                                          "'join_authorised_via_users_server':'@a:b','third_party_"
                                          "invite':{'signed':{'token':'t'}}}}"});
    assert_redacted(&(struct expectation){
        SINCE_V11, "{'type':'m.room.member','content':{'third_party_invite':{'a':1}}}",
        "{'type':'m.room.member','content':{'third_party_invite':{}}}"});
    assert_redacted(&(struct expectation){
        SINCE_V11, "{'type':'m.room.member','content':{'third_party_invite':1}}",
        "{'type':'m.room.member','content':{}}"});
}

static void state_that_authorises_is_kept(void **state)
{
    (void)state;
    const struct expectation cases[] = {
        {UNTIL_V10, "{'type':'m.room.create','content':{'creator':'@a:b','room_version':'1'}}",
         "{'type':'m.room.create','content':{'creator':'@a:b'}}"},
        {SINCE_V11, "{'type':'m.room.create','content':{'creator':'@a:b','room_version':'1'}}",
         "{'type':'m.room.create','content':{'creator':'@a:b','room_version':'1'}}"},
        {"1 2 3 4 5 6 7", "{'type':'m.room.join_rules','content':{'join_rule':'x','allow':[]}}",
         "{'type':'m.room.join_rules','content':{'join_rule':'x'}}"},
        {"8 9 10 11 12",
         "{'type':'m.room.join_rules','content':{'join_rule':'x','allow':[],'a':1}}",
         "{'type':'m.room.join_rules','content':{'join_rule':'x','allow':[]}}"},
        {"1 2 3 4 5", "{'type':'m.room.aliases','content':{'aliases':['#a:b'],'x':1}}",
         "{'type':'m.room.aliases','content':{'aliases':['#a:b']}}"},
        {"6 7 8 9 10 11 12", "{'type':'m.room.aliases','content':{'aliases':['#a:b'],'x':1}}",
         "{'type':'m.room.aliases','content':{}}"},
        {ALL, "{'type':'m.room.history_visibility','content':{'history_visibility':'x','y':1}}",
         "{'type':'m.room.history_visibility','content':{'history_visibility':'x'}}"},
        {UNTIL_V10, "{'type':'m.room.redaction','content':{'redacts':'$x','reason':'y'}}",
         "{'type':'m.room.redaction','content':{}}"},
        {SINCE_V11, "{'type':'m.room.redaction','content':{'redacts':'$x','reason':'y'}}",
         "{'type':'m.room.redaction','content':{'redacts':'$x'}}"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_redacted(&cases[i]);
}

#define LEVELS                                                                                     \
    "'ban':1,'events':{},'events_default':2,'kick':3,'redact':4,'state_default':5,'users':{},"     \
    "'users_default':6"

static void power_levels_keep_the_invite_level_since_version_11(void **state)
{
    (void)state;
    const char *event = "{'type':'m.room.power_levels','content':{" LEVELS
                        ",'invite':7,'notifications':{'room':8},'x':9}}";

    assert_redacted(&(struct expectation){UNTIL_V10, event,
                                          "{'type':'m.room.power_levels','content':{" LEVELS "}}"});
    assert_redacted(&(struct expectation){
        SINCE_V11, event, "{'type':'m.room.power_levels','content':{" LEVELS ",'invite':7}}"});
}

static void misshapen_events_lose_what_is_misshapen(void **state)
{
    (void)state;
    const struct expectation cases[] = {
        {ALL, "{'type':7,'content':{'membership':'x'}}", "{'type':7,'content':{}}"},
        {ALL, "{'type':'m.room.member','content':[1]}", "{'type':'m.room.member'}"},
        {ALL, "{}", "{}"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_redacted(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_level_members_depend_on_the_version),
        cmocka_unit_test(members_keep_what_joining_needs),
        cmocka_unit_test(state_that_authorises_is_kept),
        cmocka_unit_test(power_levels_keep_the_invite_level_since_version_11),
        cmocka_unit_test(misshapen_events_lose_what_is_misshapen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
