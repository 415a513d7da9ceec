#include "homeserver/base/compiler.h"
#include "homeserver/base/hmac_sha1.h"
#include "tests/support/test.h"

/* RFC 2202, section 3. */
static void the_test_vectors_of_rfc_2202_hold(void **state UNUSED)
{
    static const struct {
        const char *key, *text, *mac;
    } cases[] = {
        {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
         "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
        {"Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    };
    char hex[HMAC_SHA1_HEX_CHARS + 1];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hmac_sha1_hex(cases[i].key, strlen(cases[i].key), cases[i].text, strlen(cases[i].text),
                      hex);
        assert_string_equal(hex, cases[i].mac);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_vectors_of_rfc_2202_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
