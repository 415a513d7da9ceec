#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/policy_server.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static struct event *make_event(struct arena *arena, const char *type, const char *state_key,
                                const char *content)
{
    const struct event_parts parts = {
        .event_id = "$e", .type = type, .state_key = state_key, .content = content};

    return build_event(arena, room_version_find("11"), &parts);
}

static struct signing_key make_key(uint8_t seed_byte)
{
    struct signing_key key = {.key_id = POLICY_SERVER_KEY_ID};
    uint8_t seed[ED25519_SEED_BYTES] = {seed_byte};

    ed25519_key_pair_from_seed(&key.pair, seed);
    return key;
}

static struct event *make_policy(struct arena *arena, const struct signing_key *key)
{
    const char *text =
        base64_encode(arena, key->pair.public_key.bytes, ED25519_PUBLIC_KEY_BYTES, BASE64_STANDARD);

    return make_event(
        arena, "m.room.policy", "",
        arena_printf(arena, "{'via': 'policy.one', 'public_keys': {'ed25519': '%s'}}", text));
}

static void only_a_complete_event_names_a_policy_server(void **state)
{
    (void)state;
    static const char *const incomplete[] = {
        "{}",
        "{'via': 'one'}",
        "{'via': 'one', 'public_keys': 'x'}",
        "{'via': 'one', 'public_keys': {'ed25519': 5}}",
        "{'via': 1, 'public_keys': {'ed25519': 'x'}}",
    };
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct policy_server policy_server;

    assert_false(policy_server_of(NULL, &policy_server));
    for (size_t i = 0; i < COUNT_OF(incomplete); i++)
        assert_false(policy_server_of(make_event(arena, "m.room.policy", "", incomplete[i]),
                                      &policy_server));
}

static void a_key_that_is_none_leaves_the_server_in_place_but_verifies_nothing(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct policy_server policy_server;

    assert_true(policy_server_of(
        make_event(arena, "m.room.policy", "", "{'via': 'one', 'public_keys': {'ed25519': 'x'}}"),
        &policy_server));
    assert_false(policy_server.key_is_usable);
    assert_false(policy_server_has_signed(&policy_server, make_event(arena, "m.text", NULL, "{}")));
}

static void everything_is_signed_but_the_policy_itself(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    assert_true(policy_server_must_sign(make_event(arena, "m.text", NULL, "{}")));
    assert_true(policy_server_must_sign(make_event(arena, "m.room.policy", NULL, "{}")));
    assert_true(policy_server_must_sign(make_event(arena, "m.room.policy", "x", "{}")));
    assert_false(policy_server_must_sign(make_event(arena, "m.room.policy", "", "{}")));
}

static void the_signature_must_be_by_the_key_in_the_room(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key(1), other_key = make_key(2);
    struct policy_server policy_server, other_server;
    struct event *event = make_event(arena, "m.text", NULL, "{}");

    assert_true(policy_server_of(make_policy(arena, &key), &policy_server));
    assert_string_equal(policy_server.server_name, "policy.one");
    assert_false(policy_server_has_signed(&policy_server, event));
    assert_int_equal(event_seal(event->version, event->json, "policy.one", &key), OK);
    assert_true(policy_server_has_signed(&policy_server, event));

    assert_true(policy_server_of(make_policy(arena, &other_key), &other_server));
    assert_false(policy_server_has_signed(&other_server, event));
    policy_server.server_name = "elsewhere.one";
    assert_false(policy_server_has_signed(&policy_server, event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_complete_event_names_a_policy_server),
        cmocka_unit_test(a_key_that_is_none_leaves_the_server_in_place_but_verifies_nothing),
        cmocka_unit_test(everything_is_signed_but_the_policy_itself),
        cmocka_unit_test(the_signature_must_be_by_the_key_in_the_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
