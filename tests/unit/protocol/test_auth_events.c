#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_events.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

/* What is selected, as one text: "type/key type/key …" without "m.room.". */
struct example {
    const char *name;
    int first, last; /* room versions */
    const char *type;
    const char *state_key;
    const char *content;
    const char *selected;
};

#define BASICS "create/ power_levels/ member/@a:one "

static const struct example examples[] = {
    {"create needs nothing", 1, 12, "m.room.create", "", "{}", ""},
    {"a message", 1, 11, "m.text", NULL, "{}", BASICS},
    {"a message in v12", 12, 12, "m.text", NULL, "{}", "power_levels/ member/@a:one "},
    {"a leave", 1, 11, "m.room.member", "@a:one", "{'membership': 'leave'}", BASICS},
    {"a ban", 1, 11, "m.room.member", "@b:one", "{'membership': 'ban'}", BASICS "member/@b:one "},
    {"a join", 1, 11, "m.room.member", "@a:one", "{'membership': 'join'}", BASICS "join_rules/ "},
    {"a knock", 1, 11, "m.room.member", "@a:one", "{'membership': 'knock'}", BASICS "join_rules/ "},
    {"an invite", 1, 11, "m.room.member", "@b:one", "{'membership': 'invite'}",
     BASICS "member/@b:one join_rules/ "},
    {"an invite by token", 1, 11, "m.room.member", "@b:one",
     "{'membership': 'invite', 'third_party_invite': {'signed': {'token': 't'}}}",
     BASICS "member/@b:one join_rules/ third_party_invite/t "},
    {"a token matters in invites only", 1, 11, "m.room.member", "@a:one",
     "{'membership': 'join', 'third_party_invite': {'signed': {'token': 't'}}}",
     BASICS "join_rules/ "},
    {"a restricted join", 8, 11, "m.room.member", "@a:one",
     "{'membership': 'join', 'join_authorised_via_users_server': '@b:two'}",
     BASICS "join_rules/ member/@b:two "},
    {"which older versions do not know", 1, 7, "m.room.member", "@a:one",
     "{'membership': 'join', 'join_authorised_via_users_server': '@b:two'}", BASICS "join_rules/ "},
    {"authorised by oneself", 8, 11, "m.room.member", "@a:one",
     "{'membership': 'join', 'join_authorised_via_users_server': '@a:one'}", BASICS "join_rules/ "},
    {"an authoriser matters in joins only", 8, 11, "m.room.member", "@b:one",
     "{'membership': 'ban', 'join_authorised_via_users_server': '@c:one'}",
     BASICS "member/@b:one "},
    {"nonsense", 1, 11, "m.room.member", NULL,
     "{'membership': 1, 'third_party_invite': [], 'join_authorised_via_users_server': 7}", BASICS},
};

static void check_example(const struct example *example, const struct room_version *version)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event_parts parts = {.event_id = "$e",
                                      .type = example->type,
                                      .state_key = example->state_key,
                                      .content = example->content};
    struct state_key keys[AUTH_EVENT_KEYS_MAX];
    size_t count = auth_events_select(build_event(arena, version, &parts), keys);
    const char *text = "";

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strncmp(keys[i].type, "m.room.", 7), 0);
        text = arena_printf(arena, "%s%s/%s ", text, keys[i].type + 7, keys[i].state_key);
    }
    if (strcmp(text, example->selected) != 0)
        fail_msg("%s, version %s: %s", example->name, version->id, text);
}

static void selection_follows_the_specification_in_every_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        for (int number = examples[i].first; number <= examples[i].last; number++)
            check_example(&examples[i], &room_versions[number - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selection_follows_the_specification_in_every_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
