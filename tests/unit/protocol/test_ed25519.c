#include "homeserver/base/base64.h"
#include "homeserver/protocol/ed25519.h"
#include "tests/support/test.h"

/* RFC 8032, section 7.1, TEST 2. */
static const uint8_t seed[ED25519_SEED_BYTES] = {
    0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
    0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb};
static const uint8_t public_key[ED25519_PUBLIC_KEY_BYTES] = {
    0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
    0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
static const uint8_t signature_of_r[ED25519_SIGNATURE_BYTES] = {
    0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
    0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
    0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
    0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};

static void signing_follows_rfc_8032(void **state)
{
    (void)state;
    struct ed25519_key_pair pair;
    uint8_t signature[ED25519_SIGNATURE_BYTES];

    ed25519_key_pair_from_seed(&pair, seed);
    assert_memory_equal(pair.public_key.bytes, public_key, sizeof(public_key));
    ed25519_sign(&pair, "r", 1, signature);
    assert_memory_equal(signature, signature_of_r, sizeof(signature));
    assert_true(ed25519_verify(&pair.public_key, "r", 1, signature));
    assert_false(ed25519_verify(&pair.public_key, "s", 1, signature));
    signature[63] ^= 1;
    assert_false(ed25519_verify(&pair.public_key, "r", 1, signature));
    ed25519_key_pair_finish(&pair);
    for (size_t i = 0; i < sizeof(pair.secret); i++)
        assert_int_equal(pair.secret[i], 0);
}

static void keys_decode_from_both_alphabets(void **state)
{
    (void)state;
    struct ed25519_public_key key;
    char text[ED25519_PUBLIC_KEY_CHARS + 2];

    base64_encode_into(text, public_key, sizeof(public_key), BASE64_STANDARD);
    assert_int_equal(strlen(text), ED25519_PUBLIC_KEY_CHARS);
    assert_true(ed25519_public_key_decode(&key, text));
    assert_memory_equal(key.bytes, public_key, sizeof(public_key));
    memcpy(text + ED25519_PUBLIC_KEY_CHARS, "=", 2);
    assert_true(ed25519_public_key_decode(&key, text));
    base64_encode_into(text, public_key, sizeof(public_key), BASE64_URLSAFE);
    assert_true(ed25519_public_key_decode(&key, text));
}

static void decoding_refuses_other_sizes_and_other_text(void **state)
{
    (void)state;
    struct ed25519_public_key key;
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    char text[ED25519_SIGNATURE_CHARS + 1];

    assert_false(ed25519_public_key_decode(&key, NULL));
    assert_false(ed25519_public_key_decode(&key, ""));
    assert_false(ed25519_public_key_decode(&key, "AAAA"));
    assert_false(ed25519_signature_decode(signature, "not base64 at all"));
    base64_encode_into(text, signature_of_r, sizeof(signature_of_r), BASE64_STANDARD);
    assert_int_equal(strlen(text), ED25519_SIGNATURE_CHARS);
    assert_true(ed25519_signature_decode(signature, text));
    assert_false(ed25519_public_key_decode(&key, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_follows_rfc_8032),
        cmocka_unit_test(keys_decode_from_both_alphabets),
        cmocka_unit_test(decoding_refuses_other_sizes_and_other_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
