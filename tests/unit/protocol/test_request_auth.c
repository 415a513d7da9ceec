#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/protocol/request_auth.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

#define GOOD " origin=\"a.b:80\",key=\"ed25519:k\",sig=\"QUJD\""

static enum errcode parse(struct arena *arena, const char *header, struct request_auth *out)
{
    struct error error = {0};
    enum errcode code = request_auth_parse(arena, header, &error, out);

    if (code != OK)
        assert_true(error.text[0] != '\0');
    return code;
}

static void well_formed_headers_are_read(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *header, *destination;
    } cases[] = {
        {"X-Matrix" GOOD, NULL},
        {"x-matrix" GOOD ",destination=\"c.d\"", "c.d"},
        {"X-Matrix   origin=a.b:80,key=ed25519:k,sig=QUJD,destination=c.d", "c.d"},
        {"X-Matrix sig=\"QUJD\" , KEY=\"ed25519:k\"\t,\tDestination=\"c\\.d\",  Origin=a.b:80",
         "c.d"},
        {"X-Matrix" GOOD ",unknown=\"a,\\\"b\",also=x,also=y", NULL},
        {"X-Matrix ,," GOOD ", ,", NULL},
        {"X-Matrix origin = \"a.b:80\",key =ed25519:k,sig= QUJD", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct request_auth auth;
        assert_int_equal(parse(arena, cases[i].header, &auth), OK);
        assert_string_equal(auth.origin, "a.b:80");
        assert_string_equal(auth.key_id, "ed25519:k");
        assert_string_equal(auth.signature, "QUJD");
        if (cases[i].destination == NULL)
            assert_null(auth.destination);
        else
            assert_string_equal(auth.destination, cases[i].destination);
    }
}

static void other_headers_are_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const cases[] = {
        NULL,
        "",
        "Bearer abc",
        "X-Matrix",
        "X-Matrix ",
        "X-Matrixorigin=a",
        "X-Matrix\torigin=a",
        "X-Matrix" GOOD " x=y",
        "X-Matrix" GOOD ",origin=\"c\"",
        "X-Matrix" GOOD ",SIG=\"c\"",
        "X-Matrix" GOOD ",destination=\"not a server\"",
        "X-Matrix" GOOD ",x",
        "X-Matrix" GOOD ",=y",
        "X-Matrix" GOOD ",x=",
        "X-Matrix" GOOD ",x=\"y",
        "X-Matrix" GOOD ",x=\"y\\",
        "X-Matrix" GOOD ",x=\"y\n\"",
        "X-Matrix" GOOD ",x=\"y\"z",
        "X-Matrix" GOOD ";x=y",
        "X-Matrix origin=\"a b\",key=\"ed25519:k\",sig=\"QUJD\"",
        "X-Matrix key=\"ed25519:k\",sig=\"QUJD\"",
        "X-Matrix origin=\"a\",sig=\"QUJD\"",
        "X-Matrix origin=\"a\",key=\"rsa:k\",sig=\"QUJD\"",
        "X-Matrix origin=\"a\",key=\"ed25519:k\"",
        "X-Matrix origin=a/b,key=\"ed25519:k\",sig=\"QUJD\"",
    };
    struct request_auth auth;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (parse(arena, cases[i], &auth) != M_UNAUTHORIZED)
            fail_msg("accepted: %s", cases[i]);
    }
}

/* The key of the appendix; the signatures below were made by the Python library signedjson. */
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

static void headers_that_we_build_equal_those_of_others(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = vector_key();
    struct signed_request request = {
        .method = "PUT",
        .uri = "/_matrix/federation/v1/send/1?a=%20b",
        .origin = "domain",
        .destination = "other:8448",
        .content = build_json_on(arena, "{'pdus':[],'x':1.5}"),
    };

    assert_string_equal(
        request_auth_build(arena, &request, &key),
        "X-Matrix "
        "origin=\"domain\",destination=\"other:8448\",key=\"ed25519:1\",sig=\"1xbgpi3gJctbTD"
        "a0eFx56sVgu0goL3xG9j6K5fnO193WEVtRvXVUCW6PL2ViMCbG3FkElD5dfMZfVAYbOR4XDg\"");
    request.method = "GET";
    request.uri = "/_matrix/federation/v1/version";
    request.content = NULL;
    assert_string_equal(
        request_auth_build(arena, &request, &key),
        "X-Matrix "
        "origin=\"domain\",destination=\"other:8448\",key=\"ed25519:1\",sig=\"X4UP2ZicDBN/sC"
        "gqtb1OVdASwJbpHdbYRvQmpplHHI8R2J9T7rdFpawlQZlyS5xeg0s5fCMbIgfiw3D/6sb0AA\"");
    request.uri = "/\xff";
    assert_null(request_auth_build(arena, &request, &key));
}

static void verification_covers_every_part_of_the_request(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = vector_key();
    const struct signed_request request = {"PUT", "/a?b", "o", "d", build_json_on(arena, "{'x':1}"),
                                           NULL,  0};
    const struct signed_request others[] = {
        {"POST", "/a?b", "o", "d", request.content, NULL, 0},
        {"PUT", "/a", "o", "d", request.content, NULL, 0},
        {"PUT", "/a?b", "p", "d", request.content, NULL, 0},
        {"PUT", "/a?b", "o", "e", request.content, NULL, 0},
        {"PUT", "/a?b", "o", "d", NULL, NULL, 0},
        {"PUT", "/a?b", "o", "d", build_json_on(arena, "{'x':2}"), NULL, 0},
        {"PUT", "/\xff", "o", "d", request.content, NULL, 0},
    };
    struct request_auth auth;

    assert_int_equal(parse(arena, request_auth_build(arena, &request, &key), &auth), OK);
    assert_true(request_auth_verify(&auth, &request, &key.pair.public_key));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(request_auth_verify(&auth, &others[i], &key.pair.public_key));
    auth.signature = "AAAA";
    assert_false(request_auth_verify(&auth, &request, &key.pair.public_key));
}

/* Numbers that are too large are read as others, see json_parse_foreign(). */
static void a_body_that_could_not_be_read_as_it_is_counts_as_it_came(void **state)
{
    (void)state;
    static const char bytes[] = "{\"x\":1}";
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = vector_key();
    struct signed_request request = {
        .method = "PUT",
        .uri = "/a?b",
        .origin = "o",
        .destination = "d",
        .content = build_json_on(arena, "{'x':1}"),
    };
    struct request_auth auth;

    assert_int_equal(parse(arena, request_auth_build(arena, &request, &key), &auth), OK);
    request.content = build_json_on(arena, "{'x':0.5}");
    assert_false(request_auth_verify(&auth, &request, &key.pair.public_key));
    request.content_bytes = bytes;
    request.content_size = strlen(bytes);
    assert_true(request_auth_verify(&auth, &request, &key.pair.public_key));
    request.uri = "/a";
    assert_false(request_auth_verify(&auth, &request, &key.pair.public_key));
    request.uri = "/a?b";
    request.content_size--;
    assert_false(request_auth_verify(&auth, &request, &key.pair.public_key));
    request.content = NULL;
    request.content_size++;
    assert_false(request_auth_verify(&auth, &request, &key.pair.public_key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_headers_are_read),
        cmocka_unit_test(other_headers_are_refused),
        cmocka_unit_test(headers_that_we_build_equal_those_of_others),
        cmocka_unit_test(verification_covers_every_part_of_the_request),
        cmocka_unit_test(a_body_that_could_not_be_read_as_it_is_counts_as_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
