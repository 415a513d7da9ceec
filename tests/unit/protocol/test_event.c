#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_format.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

#define HASH "acOf_-0123456789abcdefghijklmnopqrstuvwxyzA"

#define V1_EVENT                                                                                   \
    "{'event_id':'$e:a','room_id':'!r:a','type':'m.room.message','sender':'@u:a','content':{},"    \
    "'origin_server_ts':5,'depth':9223372036854775807,"                                            \
    "'prev_events':[['$p:a',{'sha256':'x'}],['$q:a',{}]],'auth_events':[['$c:a',{}]]}"
#define V10_EVENT                                                                                  \
    "{'room_id':'!r:a','type':'m.room.message','sender':'@u:a','content':{},"                      \
    "'origin_server_ts':5,'depth':3,'prev_events':['$p'],'auth_events':['$c','$d']}"
#define V12_EVENT                                                                                  \
    "{'room_id':'!" HASH "','type':'m.room.message','sender':'@u:a','content':{},"                 \
    "'origin_server_ts':5,'depth':3,'prev_events':['$p'],'auth_events':['$c']}"
#define V12_CREATE                                                                                 \
    "{'type':'m.room.create','state_key':'','sender':'@u:a','content':{'room_version':'12'},"      \
    "'origin_server_ts':5,'depth':1,'prev_events':[],'auth_events':[]}"

static enum errcode parse(struct arena *arena, const char *version, json_t *json,
                          const struct event **out)
{
    struct error error = {0};
    enum errcode code = event_parse(arena, room_version_find(version), json, &error, out);

    if (code != OK)
        assert_true(error.text[0] != '\0');
    return code;
}

static const struct event *must_parse(struct arena *arena, const char *version, const char *text)
{
    const struct event *event = NULL;

    assert_int_equal(parse(arena, version, build_json_on(arena, text), &event), OK);
    return event;
}

static void the_first_versions_carry_ids_and_pairs(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *event = must_parse(arena, "1", V1_EVENT);

    assert_string_equal(event->event_id, "$e:a");
    assert_string_equal(event->room_id, "!r:a");
    assert_string_equal(event->sender, "@u:a");
    assert_null(event->state_key);
    assert_null(event->redacts);
    assert_false(event_is_state(event));
    assert_int_equal(event->prev_event_count, 2);
    assert_string_equal(event->prev_events[1], "$q:a");
    assert_int_equal(event->auth_event_count, 1);
    assert_string_equal(event->auth_events[0], "$c:a");
    assert_true(event->depth == INT64_MAX);
    assert_int_equal(event->origin_server_ts, 5);
}

static void later_versions_have_plain_lists(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *event = must_parse(arena, "10", V10_EVENT);

    assert_int_equal(strlen(event->event_id), 44);
    assert_string_equal(event->prev_events[0], "$p");
    assert_string_equal(event->auth_events[1], "$d");
    assert_ptr_equal(event->version, room_version_find("10"));
}

static void the_room_id_of_version_12_is_the_create_event(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *create = must_parse(arena, "12", V12_CREATE), *event;

    assert_true(event_is(create, "m.room.create", ""));
    assert_false(event_is(create, "m.room.create", "x"));
    assert_false(event_is(create, "m.room.member", ""));
    assert_int_equal(create->room_id[0], '!');
    assert_string_equal(create->room_id + 1, create->event_id + 1);
    assert_string_equal(must_parse(arena, "12", V12_EVENT)->room_id, "!" HASH);

    json_t *json = build_json_on(arena, V12_CREATE);
    json_object_set_new(json, "room_id", json_string("!" HASH));
    assert_int_equal(parse(arena, "12", json, &event), M_BAD_JSON);
    json = build_json_on(arena, V12_EVENT);
    json_object_set_new(json, "room_id", json_string("!r:a"));
    assert_int_equal(parse(arena, "12", json, &event), M_BAD_JSON);
    assert_int_equal(parse(arena, "11", build_json_on(arena, V12_EVENT), &event), M_BAD_JSON);
}

static void a_missing_or_mistyped_member_is_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const names[] = {"room_id",          "type",  "sender",      "content",
                                 "origin_server_ts", "depth", "prev_events", "auth_events"};
    const struct event *event;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *json = build_json_on(arena, V10_EVENT);
        json_object_del(json, names[i]);
        assert_int_equal(parse(arena, "10", json, &event), M_BAD_JSON);
        json_object_set_new(json, names[i], json_true());
        assert_int_equal(parse(arena, "10", json, &event), M_BAD_JSON);
    }
    assert_int_equal(parse(arena, "10", build_json_on(arena, "[]"), &event), M_BAD_JSON);
}

static void a_member_of_the_wrong_kind_is_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *version, *event, *name, *value;
    } cases[] = {
        {"10", V10_EVENT, "state_key", "null"},
        {"10", V10_EVENT, "state_key", "'a\\u0000b'"},
        {"10", V10_EVENT, "type", "'a\\u0000b'"},
        {"10", V10_EVENT, "sender", "'u:a'"},
        {"10", V10_EVENT, "room_id", "'!r'"},
        {"10", V10_EVENT, "depth", "-1"},
        {"10", V10_EVENT, "depth", "9007199254740992"},
        {"10", V10_EVENT, "depth", "1.0"},
        {"10", V10_EVENT, "origin_server_ts", "1.5"},
        {"10", V10_EVENT, "origin_server_ts", "9007199254740992"},
        {"10", V10_EVENT, "content", "{'a':1.5}"},
        {"10", V10_EVENT, "content", "{'a':9007199254740992}"},
        {"10", V10_EVENT, "prev_events", "[1]"},
        {"10", V10_EVENT, "prev_events", "['p']"},
        {"10", V10_EVENT, "auth_events", "[['$c:a',{}]]"},
        {"10", V10_EVENT, "hashes", "[]"},
        {"10", V10_EVENT, "signatures", "[]"},
        {"10", V10_EVENT, "unsigned", "[]"},
        {"1", V1_EVENT, "prev_events", "['$c:a']"},
        {"1", V1_EVENT, "prev_events", "[['$c:a']]"},
        {"1", V1_EVENT, "prev_events", "[['$c:a','x']]"},
        {"1", V1_EVENT, "prev_events", "[[1,{}]]"},
        {"1", V1_EVENT, "event_id", "'$hash'"},
        {"2", V1_EVENT, "event_id", "1"},
    };
    const struct event *event;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *json = build_json_on(arena, cases[i].event);
        assert_int_equal(parse(arena, cases[i].version, json, &event), OK);
        json_object_set(json, cases[i].name, build_json_on(arena, cases[i].value));
        if (parse(arena, cases[i].version, json, &event) != M_BAD_JSON)
            fail_msg("%s: %s was accepted", cases[i].name, cases[i].value);
    }
}

static void loose_numbers_are_accepted_in_old_versions_only(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *event;

    for (size_t i = 0; i < room_version_count; i++) {
        const struct room_version *version = &room_versions[i];
        json_t *json = build_json_on(arena, version->event_id_format == EVENT_ID_CARRIED ? V1_EVENT
                                            : version->room_id_is_create_hash            ? V12_EVENT
                                                                              : V10_EVENT);
        json_object_set(json, "content", build_json_on(arena, "{'a':1.5,'b':9007199254740993}"));
        assert_int_equal(parse(arena, version->id, json, &event),
                         version->strict_canonical_json ? M_BAD_JSON : OK);
    }
}

static void sizes_are_limited_in_bytes(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct event *event;
    const char *longest = arena_printf(arena, "%0254dé", 0); /* 255 characters, 256 bytes */
    json_t *json = build_json_on(arena, V10_EVENT);

    json_object_set_new(json, "type", json_string(longest));
    assert_int_equal(parse(arena, "11", json, &event), M_TOO_LARGE);
    /* Until v10 everybody counted characters. */
    assert_int_equal(parse(arena, "10", json, &event), OK);
    json_object_set_new(json, "type", json_string(arena_printf(arena, "%0256d", 0)));
    assert_int_equal(parse(arena, "10", json, &event), M_TOO_LARGE);
    json_object_set_new(json, "type", json_string(arena_printf(arena, "%0255d", 0)));
    assert_int_equal(parse(arena, "11", json, &event), OK);
    json_object_set_new(json, "state_key", json_string(longest));
    assert_int_equal(parse(arena, "11", json, &event), M_TOO_LARGE);
    assert_int_equal(parse(arena, "10", json, &event), OK);
    json_object_del(json, "state_key");
    json_object_set_new(json, "sender", json_string(arena_printf(arena, "@%s:a", longest)));
    assert_int_equal(parse(arena, "10", json, &event), M_TOO_LARGE);

    json = build_json_on(arena, V10_EVENT);
    size_t spare = EVENT_BYTES_MAX - (strlen(V10_EVENT) + strlen("'body':''"));
    json_object_set_new(json, "content",
                        json_pack("{s:s}", "body", arena_printf(arena, "%0*d", (int)spare, 0)));
    json_object_set_new(json, "unsigned", json_pack("{s:i}", "age", 4));
    assert_int_equal(parse(arena, "10", json, &event), OK);
    json_object_set_new(json, "content",
                        json_pack("{s:s}", "body", arena_printf(arena, "%0*d", (int)spare + 1, 0)));
    assert_int_equal(parse(arena, "10", json, &event), M_TOO_LARGE);
}

static void redactions_name_their_target_where_the_version_says(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json = build_json_on(arena, V10_EVENT);
    const struct event *event;

    json_object_set(json, "content", build_json_on(arena, "{'redacts':'$inner'}"));
    json_object_set_new(json, "redacts", json_string("$outer"));
    assert_int_equal(parse(arena, "11", json, &event), OK);
    assert_null(event->redacts);
    json_object_set_new(json, "type", json_string("m.room.redaction"));
    assert_int_equal(parse(arena, "10", json, &event), OK);
    assert_string_equal(event->redacts, "$outer");
    assert_int_equal(parse(arena, "11", json, &event), OK);
    assert_string_equal(event->redacts, "$inner");
}

static void memberships_are_read_from_member_events_only(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json = build_json_on(arena, V10_EVENT);
    const struct event *event;

    json_object_set(json, "content", build_json_on(arena, "{'membership':'join'}"));
    assert_int_equal(parse(arena, "10", json, &event), OK);
    assert_null(event_membership(event));
    json_object_set_new(json, "type", json_string("m.room.member"));
    json_object_set_new(json, "state_key", json_string("@u:a"));
    assert_int_equal(parse(arena, "10", json, &event), OK);
    assert_string_equal(event_membership(event), "join");
    assert_true(event_is_state(event));
}

static void stored_events_are_read_back(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct room_version *version = room_version_find("10");
    const struct event *event = must_parse(arena, "10", V10_EVENT), *again;
    char *bytes = json_dumps(event->json, 0);

    assert_int_equal(
        event_parse_stored(arena, version, event->event_id, bytes, strlen(bytes), &again), OK);
    assert_string_equal(again->event_id, event->event_id);
    assert_true(json_equal(again->json, event->json));
    assert_int_equal(event_parse_stored(arena, version, "$x", bytes, strlen(bytes) - 1, &again),
                     E_DATABASE);
    assert_int_equal(event_parse_stored(arena, version, "$x", "{}", 2, &again), E_DATABASE);
    free(bytes);
}

static void sealed_events_have_hashes_and_signatures(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct {
        const char *event;
        enum errcode code;
    } cases[] = {
        {"{'hashes':{'sha256':'x'},'signatures':{}}", OK},
        {"{'hashes':{'sha256':'x'}}", M_BAD_JSON},
        {"{'hashes':{},'signatures':{}}", M_BAD_JSON},
        {"{'signatures':{}}", M_BAD_JSON},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(event_format_check_sealed(build_json_on(arena, cases[i].event), NULL),
                         cases[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_versions_carry_ids_and_pairs),
        cmocka_unit_test(later_versions_have_plain_lists),
        cmocka_unit_test(the_room_id_of_version_12_is_the_create_event),
        cmocka_unit_test(a_missing_or_mistyped_member_is_refused),
        cmocka_unit_test(a_member_of_the_wrong_kind_is_refused),
        cmocka_unit_test(loose_numbers_are_accepted_in_old_versions_only),
        cmocka_unit_test(sizes_are_limited_in_bytes),
        cmocka_unit_test(redactions_name_their_target_where_the_version_says),
        cmocka_unit_test(memberships_are_read_from_member_events_only),
        cmocka_unit_test(stored_events_are_read_back),
        cmocka_unit_test(sealed_events_have_hashes_and_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
