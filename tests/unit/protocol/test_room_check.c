#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_check.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/room_script.h"
#include "tests/support/test.h"

enum { PDUS_MAX = 64 };

/* A room as a list of PDUs, as an export would be. */
struct export
{
    struct arena *arena;
    struct script_room *room;
    json_t *pdus[PDUS_MAX];
    size_t count;
};

static struct export export_room(struct arena *arena, const char *version, const char *script)
{
    struct export export = {.arena = arena,
                            .room = script_room_create(arena, room_version_find(version))};

    export.room->seals_events = true;
    if (!script_room_play(export.room, script))
        fail_msg("%s", export.room->problem);
    for (size_t i = 0; i < export.room->events.count; i++)
        export.pdus[export.count++] = export.room->events.items[i]->json;
    return export;
}

static struct room_check_report check(struct export *export)
{
    struct room_check_report report;
    struct error error = {0};

    if (room_check(export->arena, export->pdus, export->count, NULL, &error, &report) != OK)
        fail_msg("%s", error.text);
    return report;
}

static void assert_finding(const struct room_check_report *report, enum room_check_kind kind,
                           const char *words)
{
    for (size_t i = 0; i < report->findings.count; i++) {
        if (report->findings.items[i].kind == kind &&
            strstr(report->findings.items[i].text, words) != NULL)
            return;
    }
    fail_msg("no finding says: %s", words);
}

static const struct event *state_of(const struct room_check_report *report, const char *type,
                                    const char *key)
{
    for (size_t i = 0; i < report->state.count; i++) {
        if (event_is(report->state.items[i], type, key))
            return report->state.items[i];
    }
    return NULL;
}

#define STORY                                                                                      \
    "@a create; @a join; @a power ban 50; @a rules public; @b join; @c join; @a send m.text;"      \
    "@a ban @b; @a put m.room.topic \"\" {'topic': 'x'}; @c leave"

static void a_sound_room_has_no_findings_in_any_version_and_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < room_version_count; i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct export export = export_room(arena, room_versions[i].id, STORY);

        for (int order = 0; order < 2; order++) {
            struct room_check_report report = check(&export);
            if (report.findings.count > 0)
                fail_msg("version %s: %s", room_versions[i].id, report.findings.items[0].text);
            assert_int_equal(report.event_count, export.count);
            assert_int_equal(report.rejected_count, 0);
            assert_ptr_equal(report.version, &room_versions[i]);
            assert_string_equal(report.room_id, export.room->room_id);
            assert_string_equal(event_membership(state_of(&report, "m.room.member", "@b:one")),
                                "ban");
            for (size_t j = 0; j < export.count / 2; j++) {
                json_t *other = export.pdus[j];
                export.pdus[j] = export.pdus[export.count - 1 - j];
                export.pdus[export.count - 1 - j] = other;
            }
        }
    }
}

/* Adds an event that the rules refuse, made by hand. */
static void add_pdu(struct export *export, const char *type, const char *state_key,
                    const char *sender, const char *prev_event, const char *content)
{
    struct event *last = script_room_last(export->room);
    const char *prev_events[] = {prev_event != NULL ? prev_event : last->event_id};
    const struct event *power = script_room_state(export->room, "m.room.power_levels", "");
    const struct event *member = script_room_state(export->room, "m.room.member", sender);
    const char *auth_events[] = {export->room->create->event_id, power->event_id,
                                 member != NULL ? member->event_id : NULL};
    const struct event_parts parts = {
        .event_id = "$x",
        .room_id = export->room->room_id,
        .type = type,
        .sender = sender,
        .state_key = state_key,
        .content = content,
        .origin_server_ts = 1,
        .depth = 99,
        .prev_events = prev_events,
        .prev_event_count = 1,
        .auth_events = auth_events,
        .auth_event_count = member != NULL ? 3 : 2,
    };
    struct event *event = build_event(export->arena, export->room->version, &parts);

    json_object_set_new(event->json, "signatures", json_object());
    assert_int_equal(event_add_content_hash(event->json), OK);
    export->pdus[export->count++] = event->json;
}

static void events_that_the_rules_refuse_are_reported_and_change_nothing(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "11", STORY);

    add_pdu(&export, "m.room.name", "", "@b:one", NULL, "{}");
    add_pdu(&export, "m.room.name", "", "@d:one", NULL, "{}");
    struct room_check_report report = check(&export);
    assert_finding(&report, ROOM_CHECK_REJECTED, "by its auth events: the sender is not in");
    assert_int_equal(report.rejected_count, 2);
    assert_null(state_of(&report, "m.room.name", ""));
}

static void an_event_allowed_by_old_auth_events_only_is_refused_by_the_state(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "11", STORY);
    const struct event *old_join = export.room->events.items[4];

    assert_true(event_is(old_join, "m.room.member", "@b:one"));
    add_pdu(&export, "m.text", NULL, "@b:one", NULL, "{}");
    json_t *auth = json_object_get(export.pdus[export.count - 1], "auth_events");
    json_array_set_new(auth, 2, json_string(old_join->event_id));
    assert_int_equal(event_add_content_hash(export.pdus[export.count - 1]), OK);

    struct room_check_report report = check(&export);
    assert_finding(&report, ROOM_CHECK_REJECTED, "by the state before it: the sender is not in");
}

static void a_list_of_auth_events_that_breaks_rule_3_is_reported(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "11", STORY);
    json_t *auth;

    add_pdu(&export, "m.text", NULL, "@a:one", NULL, "{}");
    auth = json_object_get(export.pdus[export.count - 1], "auth_events");
    json_array_append_new(auth, json_string(export.room->events.items[8]->event_id));
    assert_int_equal(event_add_content_hash(export.pdus[export.count - 1]), OK);
    struct room_check_report report = check(&export);
    assert_finding(&report, ROOM_CHECK_AUTH_EVENTS, "(rule 3.2)");
}

static void changed_events_and_gaps_are_reported(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "11", STORY);

    /* A changed body leaves the event ID as it is, which covers the redacted form. */
    json_t *text = json_on_arena(arena, json_deep_copy(export.pdus[6]));
    json_object_set_new(json_object_get(text, "content"), "body", json_string("changed"));
    json_object_set_new(text, "event_id", json_string("$wrong"));
    export.pdus[6] = text;
    struct room_check_report report = check(&export);
    assert_finding(&report, ROOM_CHECK_HASH, "content hash differs");
    assert_finding(&report, ROOM_CHECK_HASH, "the list calls this event $wrong");
    assert_int_equal(report.rejected_count, 0);

    /* Without its join, what @c does later hangs in the air. */
    export.pdus[5] = export.pdus[0];
    report = check(&export);
    assert_finding(&report, ROOM_CHECK_MISSING, "its previous event");
    assert_finding(&report, ROOM_CHECK_MISSING, "its auth event");
}

static void what_is_no_event_of_the_room_is_left_out(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "11", STORY);

    add_pdu(&export, "m.text", NULL, "@a:one", NULL, "{}");
    json_object_set_new(export.pdus[export.count - 1], "room_id", json_string("!other:one"));
    export.pdus[export.count++] = json_on_arena(arena, build_json("{'type': 5}"));
    export.pdus[export.count++] = json_on_arena(arena, build_json("[]"));
    struct room_check_report report = check(&export);
    assert_finding(&report, ROOM_CHECK_NO_EVENT, "");
    assert_finding(&report, ROOM_CHECK_REJECTED, "it belongs to another room");
}

static void forks_are_resolved(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "12", STORY);
    const char *ban = export.room->events.items[7]->event_id;

    /* Beside the topic of the story, another branch after the ban. */
    export.room->create = export.room->events.items[0];
    add_pdu(&export, "m.room.name", "", "@a:one", ban, "{'name': 'n'}");
    json_t *auth = json_object_get(export.pdus[export.count - 1], "auth_events");
    json_array_remove(auth, 0); /* v12 names no create event */
    assert_int_equal(event_add_content_hash(export.pdus[export.count - 1]), OK);
    struct room_check_report report = check(&export);
    assert_int_equal(report.findings.count, 0);
    assert_int_equal(report.resolution_count, 1);
    assert_non_null(state_of(&report, "m.room.name", ""));
    assert_non_null(state_of(&report, "m.room.topic", ""));
}

static void circles_are_reported(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "1", STORY);
    json_t *text = export.pdus[6];

    /* Event IDs are free in v1: the message claims to follow the last event. */
    json_t *links = build_json("[['$10:one', {}]]");
    json_object_set_new(text, "prev_events", links);
    struct room_check_report report = check(&export);
    assert_finding(&report, ROOM_CHECK_CIRCLE, "its own ancestor");
}

static void a_room_needs_a_create_event_of_a_known_version(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *unknown = json_on_arena(
        arena, build_json("{'type': 'm.room.create', 'content': {'room_version': 'x'}}"));
    json_t *none = json_on_arena(arena, build_json("{'type': 'm.text'}"));
    json_t *broken = json_on_arena(arena, build_json("{'type': 'm.room.create', 'content': {}}"));
    struct room_check_report report;

    assert_int_equal(room_check(arena, &unknown, 1, NULL, NULL, &report),
                     M_UNSUPPORTED_ROOM_VERSION);
    assert_int_equal(room_check(arena, &none, 1, NULL, NULL, &report), M_BAD_JSON);
    assert_int_equal(room_check(arena, &broken, 1, NULL, NULL, &report), OK);
    assert_int_equal(report.event_count, 0);
    assert_null(report.room_id);
    assert_finding(&report, ROOM_CHECK_NO_EVENT, "");
}

static bool nobody_signed(void *context, const struct event *member)
{
    (void)context;
    (void)member;
    return false;
}

static void the_caller_may_check_signatures_itself(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(
        arena, "11", "@a create; @a join; @a rules restricted; @b join via @a; @a send m.text");
    const struct auth_signatures signatures = {.authorising_server = nobody_signed};
    struct room_check_report report;

    const struct room_check_options options = {.signatures = &signatures};

    assert_int_equal(room_check(arena, export.pdus, export.count, &options, NULL, &report), OK);
    assert_null(state_of(&report, "m.room.member", "@b:one"));
    assert_finding(&report, ROOM_CHECK_REJECTED, "(rule 5.2.1)");
    assert_int_equal(report.rejected_count, 1);
}

static const struct event *topic_when_it_was_soft_failed(struct arena *arena, const char *script)
{
    struct export export = export_room(arena, "11", script);
    bool soft_failed[PDUS_MAX] = {false};
    const struct room_check_options options = {.soft_failed = soft_failed};
    struct room_check_report report;

    for (size_t i = 0; i < export.count; i++)
        soft_failed[i] = event_is(export.room->events.items[i], "m.room.topic", "");
    assert_int_equal(room_check(arena, export.pdus, export.count, &options, NULL, &report), OK);
    assert_int_equal(report.findings.count, 0);
    assert_non_null(state_of(&report, "m.room.member", "@a:one"));
    return state_of(&report, "m.room.topic", "");
}

static void a_room_does_not_end_in_what_was_soft_failed_but_goes_on_from_it(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    assert_null(topic_when_it_was_soft_failed(
        arena, "@a create; @a join; @a put m.room.topic \"\" {'topic': 'x'}"));
    assert_non_null(topic_when_it_was_soft_failed(
        arena, "@a create; @a join; @a put m.room.topic \"\" {'topic': 'x'}; @a send m.text"));
}

static bool find_key_of_one(void *context, const char *server_name, const char *key_id,
                            struct verify_key *out)
{
    const struct signing_key *key = context;

    if (strcmp(server_name, "one") != 0 || strcmp(key_id, key->key_id) != 0)
        return false;
    *out = (struct verify_key){.key = key->pair.public_key, .valid_until_ts = INT64_MAX};
    return true;
}

static void sign_all(struct export *export, const struct signing_key *key)
{
    for (size_t i = 0; i < export->count; i++)
        assert_int_equal(event_sign(export->room->version, export->pdus[i], "one", key), OK);
}

static void signatures_are_verified_where_the_key_is_known(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const uint8_t seed[ED25519_SEED_BYTES] = {1}, other_seed[ED25519_SEED_BYTES] = {2};
    struct signing_key key = {.key_id = "ed25519:1"}, other = {.key_id = "ed25519:1"};
    const struct room_check_options options = {.find_key = find_key_of_one,
                                               .find_key_context = &key};
    struct room_check_report report;

    ed25519_key_pair_from_seed(&key.pair, seed);
    ed25519_key_pair_from_seed(&other.pair, other_seed);
    struct export export = export_room(arena, "11", STORY);
    sign_all(&export, &key);
    assert_int_equal(room_check(arena, export.pdus, export.count, &options, NULL, &report), OK);
    assert_int_equal(report.findings.count, 0);
    assert_int_equal(report.verified_count, export.count);

    /* Signed with another key of the same name: a forged ban is none. */
    size_t ban = export.count - 3;
    assert_string_equal(json_get_string(json_get_object(export.pdus[ban], "content"), "membership"),
                        "ban");
    assert_int_equal(event_sign(export.room->version, export.pdus[ban], "one", &other), OK);
    assert_int_equal(room_check(arena, export.pdus, export.count, &options, NULL, &report), OK);
    assert_finding(&report, ROOM_CHECK_SIGNATURE, "The signature of one");
    assert_string_equal(event_membership(state_of(&report, "m.room.member", "@b:one")), "join");

    /* No signature at all is a fault; one with an unknown key is not. */
    json_object_clear(json_object_get(export.pdus[ban], "signatures"));
    assert_int_equal(room_check(arena, export.pdus, export.count, &options, NULL, &report), OK);
    assert_finding(&report, ROOM_CHECK_SIGNATURE, "no signature of one");
    other.key_id = "ed25519:2";
    assert_int_equal(event_sign(export.room->version, export.pdus[ban], "one", &other), OK);
    assert_int_equal(room_check(arena, export.pdus, export.count, &options, NULL, &report), OK);
    assert_int_equal(report.unverified_count, 1);
    assert_int_equal(report.findings.count, 0);
}

static void an_event_that_is_there_twice_counts_once(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "11", STORY);

    export.pdus[export.count] = export.pdus[3];
    export.count++;
    struct room_check_report report = check(&export);
    assert_int_equal(report.event_count, export.count - 1);
    assert_int_equal(report.findings.count, 0);
}

static void after_a_gap_the_state_before_it_stands_in(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(arena, "11", STORY);

    /* Only a message is missing: nobody's rights hang on it. */
    export.pdus[6] = export.pdus[0];
    struct room_check_report report = check(&export);
    assert_int_equal(report.rejected_count, 0);
    assert_int_equal(report.findings.count, 1);
    assert_finding(&report, ROOM_CHECK_MISSING, "its previous event");
    assert_string_equal(event_membership(state_of(&report, "m.room.member", "@b:one")), "ban");
}

static void restricted_joins_and_third_party_invites_are_judged_too(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct export export = export_room(
        arena, "11",
        "@a create; @a join; @a rules restricted; @b join via @a;"
        "@a put m.room.third_party_invite t {'public_key': 'x'}; @a member @c {'membership':"
        "'invite', 'third_party_invite': {'signed': {'mxid': '@c:one', 'token': 't'}}}");
    struct room_check_report report = check(&export);

    assert_string_equal(event_membership(state_of(&report, "m.room.member", "@b:one")), "join");
    assert_null(state_of(&report, "m.room.member", "@c:one"));
    assert_finding(&report, ROOM_CHECK_REJECTED, "(rule 5.4.1.8)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_room_has_no_findings_in_any_version_and_order),
        cmocka_unit_test(events_that_the_rules_refuse_are_reported_and_change_nothing),
        cmocka_unit_test(an_event_allowed_by_old_auth_events_only_is_refused_by_the_state),
        cmocka_unit_test(a_list_of_auth_events_that_breaks_rule_3_is_reported),
        cmocka_unit_test(changed_events_and_gaps_are_reported),
        cmocka_unit_test(what_is_no_event_of_the_room_is_left_out),
        cmocka_unit_test(forks_are_resolved),
        cmocka_unit_test(circles_are_reported),
        cmocka_unit_test(a_room_needs_a_create_event_of_a_known_version),
        cmocka_unit_test(the_caller_may_check_signatures_itself),
        cmocka_unit_test(a_room_does_not_end_in_what_was_soft_failed_but_goes_on_from_it),
        cmocka_unit_test(signatures_are_verified_where_the_key_is_known),
        cmocka_unit_test(an_event_that_is_there_twice_counts_once),
        cmocka_unit_test(after_a_gap_the_state_before_it_stands_in),
        cmocka_unit_test(restricted_joins_and_third_party_invites_are_judged_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
