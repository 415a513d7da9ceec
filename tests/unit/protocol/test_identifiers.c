#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "tests/support/test.h"

typedef bool (*check)(const char *id);

static void assert_all(check is_valid, bool expected, const char *const *ids)
{
    for (; *ids != NULL; ids++) {
        if (is_valid(*ids) != expected)
            fail_msg("\"%s\" should be %s", *ids, expected ? "valid" : "refused");
    }
    assert_false(is_valid(NULL));
    assert_false(is_valid(""));
}

#define ASSERT_VALID(function, ...)                                                                \
    assert_all(function, true, (const char *const[]){__VA_ARGS__, NULL})
#define ASSERT_REFUSED(function, ...)                                                              \
    assert_all(function, false, (const char *const[]){__VA_ARGS__, NULL})

#define HASH "acOf_-0123456789abcdefghijklmnopqrstuvwxyzA"

static void user_ids_of_the_past_are_valid(void **state)
{
    (void)state;

    ASSERT_VALID(user_id_is_valid, "@alice:example.org", "@ALICE:example.org:8448", "@:example.org",
                 "@é \n\x01:example.org", "@a/b+c=d:[::1]:80", "@@a:b");
    ASSERT_REFUSED(user_id_is_valid, "@", "@alice", "alice:example.org", "@alice:", "@a:b:c",
                   "@alice:exa mple", "!alice:example.org", ":");
}

static void identifiers_end_at_255_bytes(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    assert_true(user_id_is_valid(arena_printf(arena, "@%0252d:b", 0)));
    assert_false(user_id_is_valid(arena_printf(arena, "@%0253d:b", 0)));
    assert_true(room_id_is_valid(arena_printf(arena, "!%0254d", 0)));
    assert_false(room_id_is_valid(arena_printf(arena, "!%0255d", 0)));
    assert_true(opaque_id_is_valid(arena_printf(arena, "%0255d", 0)));
    assert_false(opaque_id_is_valid(arena_printf(arena, "%0256d", 0)));
    assert_true(namespaced_id_is_valid(arena_printf(arena, "a%0254d", 0)));
    assert_false(namespaced_id_is_valid(arena_printf(arena, "a%0255d", 0)));
    assert_false(client_secret_is_valid(arena_printf(arena, "%0256d", 0)));
}

static void only_compliant_user_ids_are_shown_outside_events(void **state)
{
    (void)state;

    ASSERT_VALID(user_id_is_compliant, "@alice:a.b", "@ALICE!~:a.b");
    ASSERT_REFUSED(user_id_is_compliant, "@:a.b", "@a b:a.b", "@é:a.b", "@a\x7f:a.b", "@a:");
}

static void new_localparts_are_lower_case_ascii(void **state)
{
    (void)state;

    ASSERT_VALID(user_localpart_is_valid, "alice", "a.b_c=d-e/f+0");
    ASSERT_REFUSED(user_localpart_is_valid, "Alice", "a b", "a:b", "@a", "é", "a*");
}

static void user_ids_are_made_and_taken_apart(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    assert_string_equal(user_id_make(arena, "bob", "a.b:1"), "@bob:a.b:1");
    assert_string_equal(user_id_localpart(arena, "@bob:a.b:1"), "bob");
    assert_string_equal(user_id_localpart(arena, "@:a.b"), "");
    assert_string_equal(identifier_domain("@bob:a.b:1"), "a.b:1");
    assert_null(identifier_domain("$hash"));
    assert_true(identifier_domains_equal("@a:x.y:1", "$b:x.y:1"));
    assert_false(identifier_domains_equal("@a:x.y:1", "$b:x.y"));
    assert_false(identifier_domains_equal("@a:x", "$b"));
    assert_false(identifier_domains_equal("$b", "@a:x"));
}

static void room_and_event_ids_are_opaque(void **state)
{
    (void)state;

    ASSERT_VALID(room_id_is_valid, "!a:b", "!" HASH, "!anything at all");
    ASSERT_REFUSED(room_id_is_valid, "!", "#a:b", "a");
    ASSERT_VALID(room_id_with_domain_is_valid, "!a:b", "!é\x01:b:80", "!:b");
    ASSERT_REFUSED(room_id_with_domain_is_valid, "!a", "!a:b c", "!" HASH);
    ASSERT_VALID(room_id_without_domain_is_valid, "!" HASH);
    ASSERT_REFUSED(room_id_without_domain_is_valid, "!" HASH "x", "!a:b", "$" HASH,
                   "!acOf/+0123456789abcdefghijklmnopqrstuvwxyzA");
    ASSERT_VALID(event_id_is_valid, "$a:b", "$" HASH);
    ASSERT_REFUSED(event_id_is_valid, "$", "!" HASH);
    ASSERT_VALID(event_id_with_domain_is_valid, "$a:b");
    ASSERT_REFUSED(event_id_with_domain_is_valid, "$" HASH, "$a:");
}

static void other_identifiers_keep_to_their_alphabet(void **state)
{
    (void)state;

    ASSERT_VALID(room_alias_is_valid, "#room:a.b", "#röom 1:a.b");
    ASSERT_REFUSED(room_alias_is_valid, "#room", "room:a.b", "#room:a b");
    ASSERT_VALID(opaque_id_is_valid, "AZaz09-._~");
    ASSERT_REFUSED(opaque_id_is_valid, "a b", "a/b", "a=");
    ASSERT_VALID(namespaced_id_is_valid, "m.login.password", "org.example_1-2");
    ASSERT_REFUSED(namespaced_id_is_valid, "1abc", ".a", "A", "aB", "a b");
    ASSERT_VALID(client_secret_is_valid, "aZ09.=_-");
    ASSERT_REFUSED(client_secret_is_valid, "a~", "a b");
    ASSERT_VALID(signing_key_id_is_valid, "ed25519:a_Z9");
    ASSERT_REFUSED(signing_key_id_is_valid, "ed25519:", "ed25519", "rsa:1", "ed25519:a-b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_ids_of_the_past_are_valid),
        cmocka_unit_test(identifiers_end_at_255_bytes),
        cmocka_unit_test(only_compliant_user_ids_are_shown_outside_events),
        cmocka_unit_test(new_localparts_are_lower_case_ascii),
        cmocka_unit_test(user_ids_are_made_and_taken_apart),
        cmocka_unit_test(room_and_event_ids_are_opaque),
        cmocka_unit_test(other_identifiers_keep_to_their_alphabet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
