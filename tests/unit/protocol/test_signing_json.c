#include "homeserver/base/base64.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/test.h"

/* Appendix "Cryptographic Test Vectors". */
static struct signing_key vector_key(void)
{
    static const char seed_text[] = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1";
    struct signing_key key = {.key_id = "ed25519:1"};
    uint8_t seed[ED25519_SEED_BYTES];
    size_t size;

    assert_true(base64_decode_into(seed, sizeof(seed), &size, seed_text, strlen(seed_text),
                                   BASE64_STANDARD));
    ed25519_key_pair_from_seed(&key.pair, seed);
    return key;
}

static void assert_signature(json_t *object_owned, const char *signature)
{
    const struct signing_key key = vector_key();

    assert_int_equal(signing_json_sign(object_owned, "domain", &key), OK);
    assert_string_equal(signing_json_signature(object_owned, "domain", "ed25519:1"), signature);
    assert_true(signing_json_verify(object_owned, "domain", "ed25519:1", &key.pair.public_key));
    json_decref(object_owned);
}

static void signatures_equal_those_of_the_appendix(void **state)
{
    (void)state;

    assert_signature(json_object(), "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV"
                                    "/7Xg4ahLwYGYZzuHGZKM5ZAQ");
    assert_signature(
        json_pack("{s:i, s:s}", "one", 1, "two", "Two"),
        "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJp"
        "vhJI+6Bw");
}

static void signing_keeps_unsigned_and_other_signatures(void **state)
{
    (void)state;
    const struct signing_key key = vector_key();
    json_t *object =
        json_pack("{s:{s:i}, s:{s:{s:s}, s:{s:s}}}", "unsigned", "age", 3, "signatures", "other",
                  "ed25519:x", "AA", "domain", "ed25519:0", "BB");

    assert_int_equal(signing_json_sign(object, "domain", &key), OK);
    assert_string_equal(signing_json_signature(object, "other", "ed25519:x"), "AA");
    assert_string_equal(signing_json_signature(object, "domain", "ed25519:0"), "BB");
    assert_string_equal(
        signing_json_signature(object, "domain", "ed25519:1"),
        "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(object, "unsigned"), "age")), 3);
    json_decref(object);
}

static void verification_fails_for_changed_missing_or_malformed_signatures(void **state)
{
    (void)state;
    const struct signing_key key = vector_key();
    json_t *object = json_pack("{s:i, s:s}", "one", 1, "signatures", "not an object");

    assert_false(signing_json_verify(object, "domain", "ed25519:1", &key.pair.public_key));
    assert_int_equal(signing_json_sign(object, "domain", &key), OK);
    assert_true(signing_json_verify(object, "domain", "ed25519:1", &key.pair.public_key));
    assert_false(signing_json_verify(object, "other", "ed25519:1", &key.pair.public_key));
    assert_false(signing_json_verify(object, "domain", "ed25519:2", &key.pair.public_key));
    json_object_set_new(object, "one", json_integer(2));
    assert_false(signing_json_verify(object, "domain", "ed25519:1", &key.pair.public_key));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_equal_those_of_the_appendix),
        cmocka_unit_test(signing_keeps_unsigned_and_other_signatures),
        cmocka_unit_test(verification_fails_for_changed_missing_or_malformed_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
