#include "homeserver/base/arena.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/event_id.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

/* The two events of the appendix "Cryptographic Test Vectors". */
#define MINIMAL_EVENT                                                                              \
    "{'room_id':'!x:domain','sender':'@a:domain','origin':'domain','origin_server_ts':1000000,"    \
    "'signatures':{},'hashes':{},'type':'X','content':{},'prev_events':[],'auth_events':[],"       \
    "'depth':3,'unsigned':{'age_ts':1000000}}"
#define MESSAGE_EVENT                                                                              \
    "{'content':{'body':'Here is the message content'},'event_id':'$0:domain','origin':'domain',"  \
    "'origin_server_ts':1000000,'type':'m.room.message','room_id':'!r:domain',"                    \
    "'sender':'@u:domain','signatures':{},'unsigned':{'age_ts':1000000}}"

static void content_hashes_equal_those_of_the_appendix(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *event, *hash;
    } cases[] = {
        {MINIMAL_EVENT, "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"},
        {MESSAGE_EVENT, "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *event = build_json_on(arena, cases[i].event);
        assert_false(event_content_hash_matches(event));
        assert_int_equal(event_add_content_hash(event), OK);
        assert_string_equal(json_get_string(json_object_get(event, "hashes"), "sha256"),
                            cases[i].hash);
        assert_true(event_content_hash_matches(event));
    }
}

static void the_content_hash_shows_any_change(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *event = build_json_on(arena, MESSAGE_EVENT);

    assert_int_equal(event_add_content_hash(event), OK);
    json_object_set_new(event, "unsigned", json_object());
    json_object_set_new(event, "signatures", json_object());
    assert_true(event_content_hash_matches(event));
    json_object_set_new(json_object_get(event, "content"), "body", json_string("changed"));
    assert_false(event_content_hash_matches(event));
}

static void malformed_hashes_do_not_match(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const cases[] = {"{}", "{'hashes':1}", "{'hashes':{'sha256':1}}",
                                 "{'hashes':{'sha256':'AAAA'}}", "{'hashes':{'sha256':'***'}}"};

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(event_content_hash_matches(build_json_on(arena, cases[i])));
}

static void event_ids_follow_the_room_version(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *version, *event_id;
    } cases[] = {
        {"1", "$0:domain"},
        {"2", "$0:domain"},
    };
    json_t *event = build_json_on(arena, MESSAGE_EVENT);
    const char *event_id, *url_safe_id;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(event_id_of(arena, room_version_find(cases[i].version), event, &event_id),
                         OK);
        assert_string_equal(event_id, cases[i].event_id);
    }
    assert_int_equal(event_id_of(arena, room_version_find("3"), event, &event_id), OK);
    assert_int_equal(event_id_of(arena, room_version_find("4"), event, &url_safe_id), OK);
    assert_int_equal(strlen(event_id), 44);
    for (size_t i = 0; event_id[i] != '\0'; i++) {
        char expected = event_id[i] == '+' ? '-' : event_id[i] == '/' ? '_' : event_id[i];
        assert_int_equal(url_safe_id[i], expected);
    }
    json_object_del(event, "event_id");
    assert_int_equal(event_id_of(arena, room_version_find("1"), event, &event_id), M_BAD_JSON);
}

static void the_reference_hash_survives_redaction(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *event = build_json_on(arena, MESSAGE_EVENT);
    uint8_t before[SHA256_BYTES], after[SHA256_BYTES];

    for (size_t i = 0; i < room_version_count; i++) {
        assert_int_equal(event_reference_hash(&room_versions[i], event, before), OK);
        json_object_set_new(json_object_get(event, "content"), "body", json_integer((json_int_t)i));
        assert_int_equal(event_reference_hash(&room_versions[i], event, after), OK);
        assert_memory_equal(before, after, sizeof(before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_hashes_equal_those_of_the_appendix),
        cmocka_unit_test(the_content_hash_shows_any_change),
        cmocka_unit_test(malformed_hashes_do_not_match),
        cmocka_unit_test(event_ids_follow_the_room_version),
        cmocka_unit_test(the_reference_hash_survives_redaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
