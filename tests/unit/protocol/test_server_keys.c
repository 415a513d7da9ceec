#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_keys.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static const int64_t now_ms = 1000000;

static struct signing_key make_key(const char *key_id, uint8_t fill)
{
    struct signing_key key = {.key_id = key_id};
    uint8_t seed[ED25519_SEED_BYTES];

    memset(seed, fill, sizeof(seed));
    ed25519_key_pair_from_seed(&key.pair, seed);
    return key;
}

/* A document of server "a" with two current keys and an old one. */
static json_t *build_document(struct arena *arena, int64_t valid_until_ts)
{
    const struct signing_key current[] = {make_key("ed25519:1", 1), make_key("ed25519:2", 2)};
    const struct signing_key gone = make_key("ed25519:0", 3);
    const struct old_signing_key old = {gone.key_id, gone.pair.public_key, 77};

    return server_keys_build(arena, &(struct own_server_keys){
                                        .server_name = "a",
                                        .valid_until_ts = valid_until_ts,
                                        .current = current,
                                        .current_count = 2,
                                        .old = &old,
                                        .old_count = 1,
                                    });
}

static enum errcode parse(struct arena *arena, json_t *json, const struct server_keys **out)
{
    const struct server_keys_source source = {"a", now_ms};
    struct error error = {0};

    return server_keys_parse(arena, json, &source, &error, out);
}

static void our_document_is_read_back(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json = build_document(arena, now_ms + 5);
    const struct server_keys *keys;

    assert_int_equal(parse(arena, json, &keys), OK);
    assert_string_equal(keys->server_name, "a");
    assert_int_equal(keys->count, 3);
    assert_ptr_equal(keys->json, json);
    const struct server_key *old = server_keys_find(keys, "ed25519:0");
    assert_true(old->key.is_expired);
    assert_int_equal(old->key.valid_until_ts, 77);
    const struct server_key *current = server_keys_find(keys, "ed25519:2");
    assert_false(current->key.is_expired);
    assert_int_equal(current->key.valid_until_ts, now_ms + 5);
    const struct signing_key expected = make_key("ed25519:2", 2);
    assert_memory_equal(&current->key.key, &expected.pair.public_key,
                        sizeof(expected.pair.public_key));
    assert_null(server_keys_find(keys, "ed25519:9"));
}

static void requests_need_a_current_key(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct server_keys *keys;

    assert_int_equal(parse(arena, build_document(arena, now_ms + 5), &keys), OK);
    assert_non_null(server_keys_find_current(keys, "ed25519:1", now_ms + 5));
    assert_null(server_keys_find_current(keys, "ed25519:1", now_ms + 6));
    assert_null(server_keys_find_current(keys, "ed25519:0", 50));
    assert_null(server_keys_find_current(keys, "ed25519:9", 50));
}

static void keys_are_believed_for_a_week_at_most(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct server_keys *keys;

    assert_int_equal(parse(arena, build_document(arena, INT64_C(99999999999999)), &keys), OK);
    assert_true(keys->valid_until_ts == now_ms + SERVER_KEYS_VALIDITY_MAX_MS);
    assert_true(server_keys_find(keys, "ed25519:1")->key.valid_until_ts == keys->valid_until_ts);
}

static void wrong_documents_are_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const members[] = {"server_name", "valid_until_ts", "verify_keys"};
    const struct server_keys *keys;

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        json_t *json = build_document(arena, now_ms);
        json_object_del(json, members[i]);
        assert_int_equal(parse(arena, json, &keys), M_BAD_JSON);
    }
    json_t *json = build_document(arena, now_ms);
    json_object_set_new(json, "server_name", json_string("b"));
    assert_int_equal(parse(arena, json, &keys), M_BAD_JSON);
    json = build_document(arena, now_ms);
    json_object_set_new(json, "valid_until_ts", json_integer(now_ms + 1));
    assert_int_equal(parse(arena, json, &keys), M_INVALID_SIGNATURE);
    json_object_del(json, "signatures");
    assert_int_equal(parse(arena, json, &keys), M_INVALID_SIGNATURE);
}

static void too_many_keys_are_no_document(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key("ed25519:1", 1);
    const struct server_keys *keys;

    for (int more = SERVER_KEYS_MAX - 2; more <= SERVER_KEYS_MAX - 1; more++) {
        json_t *json = build_document(arena, now_ms);
        json_t *old = json_object_get(json, "old_verify_keys");
        for (int i = 1; i < more; i++)
            json_object_set_new(old, arena_printf(arena, "ed25519:more%d", i), json_object());
        json_object_del(json, "signatures");
        assert_int_equal(signing_json_sign(json, "a", &key), OK);
        size_t count = json_object_size(old) + 2;
        assert_int_equal(parse(arena, json, &keys), count > SERVER_KEYS_MAX ? M_BAD_JSON : OK);
    }
}

static void an_old_key_does_not_vouch_for_the_document(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json = build_document(arena, now_ms);
    const struct signing_key old = make_key("ed25519:0", 3);
    const struct server_keys *keys;

    json_object_del(json, "signatures");
    assert_int_equal(signing_json_sign(json, "a", &old), OK);
    assert_int_equal(parse(arena, json, &keys), M_INVALID_SIGNATURE);
}

static void keys_that_we_can_not_use_are_left_out(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key("ed25519:1", 1);
    json_t *json = build_document(arena, now_ms);
    json_t *current = json_object_get(json, "verify_keys");
    json_t *old = json_object_get(json, "old_verify_keys");
    const struct server_keys *keys;

    json_object_set(current, "rsa:1", json_object_get(current, "ed25519:1"));
    json_object_set(current, POLICY_SERVER_KEY_ID, json_object_get(current, "ed25519:1"));
    json_object_set(current, "ed25519:short", build_json_on(arena, "{'key':'AAAA'}"));
    json_object_set(current, "ed25519:text", build_json_on(arena, "'AAAA'"));
    json_object_set(old, "ed25519:1", json_object_get(old, "ed25519:0"));
    json_object_set(old, "ed25519:8", json_object_get(current, "ed25519:1"));
    json_object_del(json, "signatures");
    assert_int_equal(signing_json_sign(json, "a", &key), OK);
    assert_int_equal(parse(arena, json, &keys), OK);
    assert_int_equal(keys->count, 3);
    assert_false(server_keys_find(keys, "ed25519:1")->key.is_expired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_document_is_read_back),
        cmocka_unit_test(requests_need_a_current_key),
        cmocka_unit_test(keys_are_believed_for_a_week_at_most),
        cmocka_unit_test(wrong_documents_are_refused),
        cmocka_unit_test(an_old_key_does_not_vouch_for_the_document),
        cmocka_unit_test(too_many_keys_are_no_document),
        cmocka_unit_test(keys_that_we_can_not_use_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
