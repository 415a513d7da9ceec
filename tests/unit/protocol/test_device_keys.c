#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/protocol/device_keys.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

#define DEVICE                                                                                     \
    "{'user_id':'@u:a','device_id':'DEV','algorithms':['m.olm.v1.curve25519-aes-sha2'],"           \
    "'keys':{'curve25519:DEV':'abc','ed25519:DEV':'def'},'signatures':{'@u:a':{'ed25519:DEV':"     \
    "'sig'}}}"

static void device_keys_must_be_those_of_the_device(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const json_t *keys = build_json_on(arena, DEVICE);
    struct error error = {0};

    assert_int_equal(device_keys_check(keys, "@u:a", "DEV", &error), OK);
    assert_int_equal(device_keys_check(keys, "@v:a", "DEV", &error), M_INVALID_PARAM);
    assert_int_equal(device_keys_check(keys, "@u:a", "OTHER", &error), M_INVALID_PARAM);
}

static void device_keys_of_a_wrong_shape_are_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *name, *value;
    } cases[] = {
        {"user_id", "null"},
        {"device_id", "1"},
        {"algorithms", "{}"},
        {"algorithms", "[1]"},
        {"keys", "[]"},
        {"keys", "{'a:b':1}"},
        {"keys", "{'nocolon':''}"},
        {"keys", "{'a:':''}"},
        {"keys", "{':b':''}"},
        {"signatures", "[]"},
        {"signatures", "{'a':1}"},
        {"signatures", "{'a':{'b':1}}"},
        {"signatures", "null"},
        {"x", "1.5"},
        {"x", "9007199254740992"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *keys = build_json_on(arena, DEVICE);
        json_object_set(keys, cases[i].name, build_json_on(arena, cases[i].value));
        struct error error = {0};
        assert_int_equal(device_keys_check(keys, "@u:a", "DEV", &error), M_BAD_JSON);
        assert_true(error.text[0] != '\0');
    }
    json_t *keys = build_json_on(arena, DEVICE);
    json_object_set_new(keys, "x", json_string(arena_printf(arena, "%066000d", 0)));
    assert_int_equal(device_keys_check(keys, "@u:a", "DEV", NULL), M_TOO_LARGE);
}

static void one_time_keys_are_texts_or_signed_objects(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *key_id, *key;
        enum errcode code;
    } cases[] = {
        {"curve25519:AAAA", "'abc'", OK},
        {"signed_curve25519:A", "{'key':'abc','fallback':true,'signatures':{'@u:a':{'x':'y'}}}",
         OK},
        {"signed_curve25519:A", "{'key':'abc'}", M_BAD_JSON},
        {"signed_curve25519:A", "{'signatures':{}}", M_BAD_JSON},
        {"signed_curve25519:A", "7", M_BAD_JSON},
        {"signed_curve25519", "'abc'", M_BAD_JSON},
        {"signed_curve25519:A", "{'key':'abc','signatures':{},'x':1.5}", M_BAD_JSON},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            one_time_key_check(cases[i].key_id, build_json_on(arena, cases[i].key), NULL),
            cases[i].code);
    assert_int_equal(one_time_key_check(arena_printf(arena, "a:%0254d", 0), json_null(), NULL),
                     M_BAD_JSON);
}

static const char *public_key_text(struct arena *arena, const struct ed25519_key_pair *pair)
{
    return base64_encode(arena, pair->public_key.bytes, sizeof(pair->public_key.bytes),
                         BASE64_STANDARD);
}

static struct ed25519_key_pair make_pair(uint8_t fill)
{
    struct ed25519_key_pair pair;
    uint8_t seed[ED25519_SEED_BYTES];

    memset(seed, fill, sizeof(seed));
    ed25519_key_pair_from_seed(&pair, seed);
    return pair;
}

static json_t *build_cross_signing_key(struct arena *arena, const char *usage,
                                       const struct ed25519_key_pair *pair)
{
    const char *text = public_key_text(arena, pair);

    return json_on_arena(arena,
                         json_pack("{s:s, s:[s], s:{s:s}}", "user_id", "@u:a", "usage", usage,
                                   "keys", arena_printf(arena, "ed25519:%s", text), text));
}

static void cross_signing_keys_are_signed_by_the_master_key(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct ed25519_key_pair master_pair = make_pair(1), self_pair = make_pair(2);
    json_t *self = build_cross_signing_key(arena, "self_signing", &self_pair);
    struct cross_signing_key master, parsed;
    struct error error = {0};

    assert_int_equal(cross_signing_key_parse(build_cross_signing_key(arena, "master", &master_pair),
                                             "@u:a", CROSS_SIGNING_MASTER, &error, &master),
                     OK);
    assert_string_equal(master.public_key, public_key_text(arena, &master_pair));
    assert_false(is_signed_by_cross_signing_key(self, "@u:a", &master));
    const struct signing_key signer = {.key_id = master.key_id, .pair = master_pair};
    assert_int_equal(signing_json_sign(self, "@u:a", &signer), OK);
    assert_true(is_signed_by_cross_signing_key(self, "@u:a", &master));
    assert_false(is_signed_by_cross_signing_key(self, "@v:a", &master));
    assert_int_equal(
        cross_signing_key_parse(self, "@u:a", CROSS_SIGNING_SELF_SIGNING, &error, &parsed), OK);
    assert_ptr_equal(parsed.json, self);
}

static void wrong_cross_signing_keys_are_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct ed25519_key_pair pair = make_pair(1);
    const struct {
        const char *name, *value;
        enum errcode code;
    } cases[] = {
        {"user_id", "'@v:a'", M_INVALID_PARAM},
        {"user_id", "1", M_BAD_JSON},
        {"usage", "['self_signing',1]", M_BAD_JSON},
        {"usage", "'user_signing'", M_BAD_JSON},
        {"keys", "{}", M_BAD_JSON},
        {"keys", "1", M_BAD_JSON},
        {"keys", "{'ed25519:a':'a'}", M_BAD_JSON},
        {"keys", "{'rsa:a':'a'}", M_BAD_JSON},
        {"signatures", "[]", M_BAD_JSON},
        {"x", "0.5", M_BAD_JSON},
    };
    struct cross_signing_key key;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *json = build_cross_signing_key(arena, "user_signing", &pair);
        assert_int_equal(
            cross_signing_key_parse(json, "@u:a", CROSS_SIGNING_USER_SIGNING, NULL, &key), OK);
        json_object_set(json, cases[i].name, build_json_on(arena, cases[i].value));
        assert_int_equal(
            cross_signing_key_parse(json, "@u:a", CROSS_SIGNING_USER_SIGNING, NULL, &key),
            cases[i].code);
    }
    json_t *json = build_cross_signing_key(arena, "master", &pair);
    json_object_set_new(json_object_get(json, "keys"), "ed25519:second", json_string("x"));
    assert_int_equal(cross_signing_key_parse(json, "@u:a", CROSS_SIGNING_MASTER, NULL, &key),
                     M_BAD_JSON);
    json = build_cross_signing_key(arena, "master", &pair);
    json_t *misnamed = json_object();
    json_object_set_new(misnamed, "ed25519:other", json_string(public_key_text(arena, &pair)));
    json_object_set_new(json, "keys", misnamed);
    assert_int_equal(cross_signing_key_parse(json, "@u:a", CROSS_SIGNING_MASTER, NULL, &key),
                     M_BAD_JSON);
}

static void devices_sign_with_their_own_key(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key device = {.key_id = "ed25519:DEV", .pair = make_pair(1)};
    json_t *keys = build_json_on(arena, DEVICE);
    json_t *document = build_json_on(arena, "{'x':1}");

    assert_false(is_signed_by_device(document, "@u:a", keys));
    json_object_set_new(json_object_get(keys, "keys"), "ed25519:DEV",
                        json_string(public_key_text(arena, &device.pair)));
    assert_false(is_signed_by_device(document, "@u:a", keys));
    assert_int_equal(signing_json_sign(document, "@u:a", &device), OK);
    assert_true(is_signed_by_device(document, "@u:a", keys));
    json_object_set_new(keys, "device_id", json_string(arena_printf(arena, "%0300d", 0)));
    assert_false(is_signed_by_device(document, "@u:a", keys));
    json_object_del(keys, "device_id");
    assert_false(is_signed_by_device(document, "@u:a", keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_keys_must_be_those_of_the_device),
        cmocka_unit_test(device_keys_of_a_wrong_shape_are_refused),
        cmocka_unit_test(one_time_keys_are_texts_or_signed_objects),
        cmocka_unit_test(cross_signing_keys_are_signed_by_the_master_key),
        cmocka_unit_test(wrong_cross_signing_keys_are_refused),
        cmocka_unit_test(devices_sign_with_their_own_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
