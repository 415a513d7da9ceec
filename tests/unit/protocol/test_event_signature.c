#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

#define MEMBER_V10                                                                                 \
    "{'room_id':'!r:a','type':'m.room.member','state_key':'@u:a','sender':'@u:a',"                 \
    "'content':{'membership':'join'},'origin_server_ts':1000,'depth':3,'prev_events':['$p'],"      \
    "'auth_events':['$c']}"
#define MESSAGE_V1                                                                                 \
    "{'event_id':'$e:b','room_id':'!r:a','type':'m.room.message','sender':'@u:a','content':{},"    \
    "'origin_server_ts':1000,'depth':3,'prev_events':[],'auth_events':[]}"

static struct signing_key make_key(const char *key_id, uint8_t fill)
{
    struct signing_key key = {.key_id = key_id};
    uint8_t seed[ED25519_SEED_BYTES];

    memset(seed, fill, sizeof(seed));
    ed25519_key_pair_from_seed(&key.pair, seed);
    return key;
}

/* A table of known keys, as a lookup sees it. */
struct known_key {
    const char *server_name, *key_id;
    struct verify_key key;
};

struct known_keys {
    struct known_key keys[4];
    size_t count;
};

static void publish(struct known_keys *known, const char *server, const struct signing_key *key,
                    int64_t valid_until_ts)
{
    known->keys[known->count++] = (struct known_key){
        server, key->key_id, {.key = key->pair.public_key, .valid_until_ts = valid_until_ts}};
}

static bool find_key(void *context, const char *server_name, const char *key_id,
                     struct verify_key *out)
{
    const struct known_keys *known = context;

    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->keys[i].server_name, server_name) == 0 &&
            strcmp(known->keys[i].key_id, key_id) == 0) {
            *out = known->keys[i].key;
            return true;
        }
    }
    return false;
}

static enum errcode verify(const char *version, json_t *json, struct known_keys *known)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    const struct event *event;

    assert_int_equal(event_parse(arena, room_version_find(version), json, &error, &event), OK);
    return event_verify_signatures(event, find_key, known, &error);
}

static void seal(const char *version, json_t *json, const char *server,
                 const struct signing_key *key)
{
    assert_int_equal(event_seal(room_version_find(version), json, server, key), OK);
}

static void event_signatures_equal_those_of_the_appendix(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    static const char seed_text[] = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1";
    struct signing_key key = {.key_id = "ed25519:1"};
    uint8_t seed[ED25519_SEED_BYTES];
    size_t size;
    const struct {
        const char *event, *signature;
    } cases[] = {
        {"{'room_id':'!x:domain','sender':'@a:domain','origin':'domain','origin_server_ts':1000000,"
         "'signatures':{},'hashes':{},'type':'X','content':{},'prev_events':[],'auth_events':[],"
         "'depth':3,'unsigned':{'age_ts':1000000}}",
         "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg"},
        {"{'content':{'body':'Here is the message content'},'event_id':'$0:domain',"
         "'origin':'domain','origin_server_ts':1000000,'type':'m.room.message',"
         "'room_id':'!r:domain','sender':'@u:domain','signatures':{},'unsigned':{'age_ts':1000000}"
         "}",
         "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA"},
    };

    assert_true(base64_decode_into(seed, sizeof(seed), &size, seed_text, strlen(seed_text),
                                   BASE64_STANDARD));
    ed25519_key_pair_from_seed(&key.pair, seed);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *event = build_json_on(arena, cases[i].event);
        seal("1", event, "domain", &key);
        assert_string_equal(signing_json_signature(event, "domain", "ed25519:1"),
                            cases[i].signature);
        assert_true(event_is_signed_with(room_version_find("1"), event, "domain", "ed25519:1",
                                         &key.pair.public_key));
        assert_non_null(json_object_get(event, "unsigned"));
    }
}

static void an_event_is_valid_with_the_signature_of_its_senders_server(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key("ed25519:k", 1), other = make_key("ed25519:o", 2);
    struct known_keys known = {0};
    json_t *json = build_json_on(arena, MEMBER_V10);

    publish(&known, "a", &key, 1000);
    publish(&known, "b", &other, 1000);
    assert_int_equal(verify("10", json, &known), M_UNAUTHORIZED);
    seal("10", json, "b", &other);
    assert_int_equal(verify("10", json, &known), M_UNAUTHORIZED);
    seal("10", json, "a", &key);
    assert_int_equal(verify("10", json, &known), OK);

    /* What redaction strips is not covered: the content hash is there for it. */
    json_object_set_new(json_object_get(json, "content"), "displayname", json_string("x"));
    assert_int_equal(verify("10", json, &known), OK);
    json_object_set_new(json_object_get(json, "content"), "membership", json_string("ban"));
    assert_int_equal(verify("10", json, &known), M_INVALID_SIGNATURE);
}

static void unknown_keys_are_passed_over_but_one_must_be_known(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key("ed25519:k", 1);
    struct known_keys known = {0};
    json_t *json = build_json_on(arena, MEMBER_V10);

    seal("10", json, "a", &key);
    assert_int_equal(verify("10", json, &known), M_UNAUTHORIZED);
    publish(&known, "a", &key, 1000);
    json_t *signatures = json_object_get(json_object_get(json, "signatures"), "a");
    json_object_set_new(signatures, "ed25519:unknown", json_string("AAAA"));
    json_object_set_new(signatures, "curve448:new", json_string("AAAA"));
    assert_int_equal(verify("10", json, &known), OK);
    json_object_set_new(signatures, "ed25519:k", json_string("AAAA"));
    assert_int_equal(verify("10", json, &known), M_INVALID_SIGNATURE);
    json_object_set_new(signatures, "ed25519:k", json_integer(1));
    assert_int_equal(verify("10", json, &known), M_INVALID_SIGNATURE);
}

static void a_policy_server_key_is_no_federation_key(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key(POLICY_SERVER_KEY_ID, 1);
    struct known_keys known = {0};
    json_t *json = build_json_on(arena, MEMBER_V10);

    publish(&known, "a", &key, 1000);
    seal("10", json, "a", &key);
    assert_int_equal(verify("10", json, &known), M_UNAUTHORIZED);
    assert_true(event_is_signed_with(room_version_find("10"), json, "a", POLICY_SERVER_KEY_ID,
                                     &key.pair.public_key));
}

static void a_key_vouches_until_it_ends_since_version_5(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key("ed25519:k", 1);
    struct known_keys known = {0};
    json_t *json = build_json_on(arena, MEMBER_V10);

    publish(&known, "a", &key, 999);
    seal("10", json, "a", &key);
    assert_int_equal(verify("10", json, &known), M_UNAUTHORIZED);
    assert_int_equal(verify("5", json, &known), M_UNAUTHORIZED);
    assert_int_equal(verify("4", json, &known), OK);
    known.keys[0].key.is_expired = true;
    assert_int_equal(verify("4", json, &known), M_UNAUTHORIZED);
    known.keys[0].key.valid_until_ts = 1000;
    assert_int_equal(verify("4", json, &known), OK);
    assert_int_equal(verify("5", json, &known), OK);
}

static void the_first_versions_need_the_server_of_the_event_id(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key("ed25519:k", 1), other = make_key("ed25519:o", 2);
    struct known_keys known = {0};
    json_t *json = build_json_on(arena, MESSAGE_V1);

    publish(&known, "a", &key, 0);
    publish(&known, "b", &other, 0);
    seal("1", json, "a", &key);
    assert_int_equal(verify("1", json, &known), M_UNAUTHORIZED);
    seal("1", json, "b", &other);
    assert_int_equal(verify("2", json, &known), OK);
}

static size_t signing_servers(const char *version, const char *text, const char *servers[])
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    static char names[SIGNING_SERVERS_MAX][32];
    const struct event *event;
    struct error error = {0};

    assert_int_equal(
        event_parse(arena, room_version_find(version), build_json_on(arena, text), &error, &event),
        OK);
    size_t count = event_signing_servers(event, servers);
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "%s", servers[i]);
        servers[i] = names[i];
    }
    return count;
}

#define MEMBER(content)                                                                            \
    "{'room_id':'!r:a','type':'m.room.member','state_key':'@u:a','sender':'@u:a','content':"       \
    "{" content "},'origin_server_ts':1000,'depth':3,'prev_events':[],'auth_events':[]}"

static void restricted_joins_need_the_server_that_vouches(void **state)
{
    (void)state;
    const char *const by_other =
        MEMBER("'membership':'join','join_authorised_via_users_server':'@v:c'");
    const char *servers[SIGNING_SERVERS_MAX];

    assert_int_equal(signing_servers("7", by_other, servers), 1);
    assert_int_equal(signing_servers("8", by_other, servers), 2);
    assert_string_equal(servers[0], "a");
    assert_string_equal(servers[1], "c");
    assert_int_equal(
        signing_servers(
            "8", MEMBER("'membership':'join','join_authorised_via_users_server':'@v:a'"), servers),
        1);
    assert_int_equal(
        signing_servers("8", MEMBER("'membership':'join','join_authorised_via_users_server':'bad'"),
                        servers),
        2);
    assert_string_equal(servers[1], "");
}

static void third_party_invites_need_no_signature_of_the_sender(void **state)
{
    (void)state;
    const char *servers[SIGNING_SERVERS_MAX];

    assert_int_equal(
        signing_servers("10", MEMBER("'membership':'invite','third_party_invite':{}"), servers), 0);
    assert_int_equal(
        signing_servers("10", MEMBER("'membership':'join','third_party_invite':{}"), servers), 1);
    assert_int_equal(signing_servers("10", MEMBER("'membership':'invite'"), servers), 1);
}

static void needed_keys_list_what_verification_looks_up(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json = build_json_on(arena, MEMBER_V10);
    const struct event_key_need *needs;
    const struct event *event;

    json_object_set(json, "signatures",
                    build_json_on(arena,
                                  "{'a':{'ed25519:1':'x','ed25519:2':'y','rsa:1':'z',"
                                  "'ed25519:policy_server':'w'},'other':{'ed25519:3':'v'}}"));
    assert_int_equal(event_parse(arena, room_version_find("10"), json, NULL, &event), OK);
    assert_int_equal(event_needed_keys(arena, event, &needs), 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(needs[i].server_name, "a");
    assert_string_equal(needs[0].key_id, "ed25519:1");
    assert_string_equal(needs[1].key_id, "ed25519:2");
}

static const struct event *event_with_content(struct arena *arena, const char *type,
                                              json_t *content_owned)
{
    json_t *json = build_json_on(arena, MEMBER_V10);
    const struct event *event;

    json_object_set_new(json, "type", json_string(type));
    json_object_set_new(json, "content", content_owned);
    assert_int_equal(event_parse(arena, room_version_find("10"), json, NULL, &event), OK);
    return event;
}

static void third_party_invites_are_signed_by_a_listed_key(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct signing_key key = make_key("ed25519:0", 1), other = make_key("ed25519:0", 2);
    const char *public_key = base64_encode(arena, key.pair.public_key.bytes, 32, BASE64_URLSAFE);
    const char *other_key = base64_encode(arena, other.pair.public_key.bytes, 32, BASE64_STANDARD);
    json_t *proof = json_pack("{s:s, s:s}", "mxid", "@u:a", "token", "t");

    assert_int_equal(signing_json_sign(proof, "identity.example", &key), OK);
    const struct event *member = event_with_content(
        arena, "m.room.member", json_pack("{s:{s:o}}", "third_party_invite", "signed", proof));

    const struct {
        json_t *invite_owned;
        bool is_signed;
    } cases[] = {
        {json_pack("{s:s}", "public_key", public_key), true},
        {json_pack("{s:s}", "public_key", other_key), false},
        {json_pack("{s:s, s:[{}, {s:s}]}", "public_key", other_key, "public_keys", "public_key",
                   public_key),
         true},
        {json_pack("{s:[s]}", "public_keys", public_key), false},
        {json_object(), false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct event *invite =
            event_with_content(arena, "m.room.third_party_invite", cases[i].invite_owned);
        assert_int_equal(event_third_party_invite_is_signed(member, invite), cases[i].is_signed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_signatures_equal_those_of_the_appendix),
        cmocka_unit_test(an_event_is_valid_with_the_signature_of_its_senders_server),
        cmocka_unit_test(unknown_keys_are_passed_over_but_one_must_be_known),
        cmocka_unit_test(a_policy_server_key_is_no_federation_key),
        cmocka_unit_test(a_key_vouches_until_it_ends_since_version_5),
        cmocka_unit_test(the_first_versions_need_the_server_of_the_event_id),
        cmocka_unit_test(restricted_joins_need_the_server_that_vouches),
        cmocka_unit_test(third_party_invites_need_no_signature_of_the_sender),
        cmocka_unit_test(third_party_invites_are_signed_by_a_listed_key),
        cmocka_unit_test(needed_keys_list_what_verification_looks_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
