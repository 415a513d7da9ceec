#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/pdu.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

/* A small version 10 room on server "a": create, join of @u:a, public join rule. */
struct fixture {
    struct arena *arena;
    const struct room_version *version;
    struct signing_key key;
    const struct event *create, *join, *rules;
};

static bool find_key(void *context, const char *server_name, const char *key_id,
                     struct verify_key *out)
{
    const struct fixture *fixture = context;

    if (strcmp(server_name, "a") != 0 || strcmp(key_id, fixture->key.key_id) != 0)
        return false;
    *out = (struct verify_key){.key = fixture->key.pair.public_key, .valid_until_ts = 1000};
    return true;
}

static json_t *seal_json(struct fixture *fixture, const char *text)
{
    json_t *json = build_json_on(fixture->arena, text);

    assert_int_equal(event_seal(fixture->version, json, "a", &fixture->key), OK);
    return json;
}

static const struct event *parse(struct fixture *fixture, json_t *json)
{
    const struct event *event;

    assert_int_equal(event_parse(fixture->arena, fixture->version, json, NULL, &event), OK);
    return event;
}

#define COMMON "'room_id':'!r:a','sender':'@u:a','origin_server_ts':5"

static void open_room(struct fixture *fixture)
{
    const uint8_t seed[ED25519_SEED_BYTES] = {7};
    struct arena *arena = arena_create();

    *fixture = (struct fixture){
        .arena = arena, .version = room_version_find("10"), .key = {.key_id = "ed25519:k"}};
    ed25519_key_pair_from_seed(&fixture->key.pair, seed);
    fixture->create = parse(
        fixture, seal_json(fixture, "{" COMMON ",'type':'m.room.create','state_key':'','depth':1,"
                                    "'content':{'creator':'@u:a','room_version':'10'},"
                                    "'prev_events':[],'auth_events':[]}"));
    fixture->join = parse(
        fixture,
        seal_json(fixture,
                  arena_printf(arena,
                               "{" COMMON ",'type':'m.room.member','state_key':'@u:a','depth':2,"
                               "'content':{'membership':'join'},'prev_events':['%s'],"
                               "'auth_events':['%s']}",
                               fixture->create->event_id, fixture->create->event_id)));
    fixture->rules = parse(
        fixture,
        seal_json(fixture,
                  arena_printf(arena,
                               "{" COMMON ",'type':'m.room.join_rules','state_key':'','depth':3,"
                               "'content':{'join_rule':'public'},'prev_events':['%s'],"
                               "'auth_events':['%s','%s']}",
                               fixture->join->event_id, fixture->create->event_id,
                               fixture->join->event_id)));
}

static json_t *message(struct fixture *fixture)
{
    return seal_json(fixture, arena_printf(fixture->arena,
                                           "{" COMMON ",'type':'m.room.message','depth':4,"
                                           "'content':{'body':'hi'},'prev_events':['%s'],"
                                           "'auth_events':['%s','%s']}",
                                           fixture->rules->event_id, fixture->create->event_id,
                                           fixture->join->event_id));
}

static enum errcode validate(struct fixture *fixture, json_t *json, const struct pdu_valid **out)
{
    const struct pdu_raw raw = {.version = fixture->version, .json = json};
    struct error error = {0};

    return pdu_validate(fixture->arena, &raw, &error, out);
}

static enum errcode verify(struct fixture *fixture, json_t *json, const struct pdu_signed **out)
{
    const struct pdu_valid *valid;
    struct error error = {0};

    TRY(validate(fixture, json, &valid));
    return pdu_verify(fixture->arena, valid, find_key, fixture, &error, out);
}

static const struct pdu_signed *must_verify(struct fixture *fixture, json_t *json)
{
    const struct pdu_signed *pdu = NULL;

    assert_int_equal(verify(fixture, json, &pdu), OK);
    return pdu;
}

/* A state of which the test chooses the member event of @u:a. */
struct small_state {
    const struct fixture *fixture;
    const struct event *member;
};

static const struct event *look_up(void *context, const char *type, const char *state_key)
{
    const struct small_state *state = context;

    if (state->member != NULL && event_is(state->member, type, state_key))
        return state->member;
    return event_is(state->fixture->create, type, state_key) ? state->fixture->create : NULL;
}

static void sound_events_pass_all_steps(void **state)
{
    (void)state;
    struct fixture fixture;
    open_room(&fixture);
    json_t *json = message(&fixture);
    json_object_set_new(json, "unsigned", json_pack("{s:i}", "age", 5));

    const struct pdu_signed *pdu = must_verify(&fixture, json);
    assert_false(pdu_signed_was_redacted(pdu));
    const struct event *auth_events[] = {fixture.create, fixture.join};
    struct small_state now = {&fixture, fixture.join};
    const struct auth_state room = {.lookup = look_up, .context = &now};
    const struct pdu_context context = {
        .auth_events = auth_events, .before = &room, .current = &room};
    const struct pdu_authorised *done = pdu_authorise(fixture.arena, pdu, &context);
    size_t size, signed_size;
    const char *bytes = pdu_bytes_of(done, &size);

    assert_int_equal(pdu_outcome_of(done), PDU_ACCEPTED);
    assert_null(pdu_refusal_of(done));
    assert_false(pdu_event_of(done)->rejected);
    assert_ptr_equal(bytes, pdu_signed_bytes(pdu, &signed_size));
    assert_int_equal(size, signed_size);
    assert_null(strstr(bytes, "unsigned"));
    assert_non_null(json_object_get(json, "unsigned"));
    json_object_del(json, "unsigned");
    assert_true(json_equal(pdu_event_of(done)->json, json));
    arena_destroy(fixture.arena);
}

static void malformed_events_are_dropped(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct pdu_valid *valid;
    open_room(&fixture);
    json_t *json = message(&fixture);

    assert_int_equal(validate(&fixture, json, &valid), OK);
    assert_string_equal(pdu_valid_event(valid)->sender, "@u:a");
    assert_int_equal(validate(&fixture, json_object_get(json, "prev_events"), &valid), M_BAD_JSON);
    json_object_del(json, "signatures");
    assert_int_equal(validate(&fixture, json, &valid), M_BAD_JSON);
    json = message(&fixture);
    json_object_del(json, "type");
    assert_int_equal(validate(&fixture, json, &valid), M_BAD_JSON);
    json = message(&fixture);
    json_object_set_new(json, "filling", json_string(arena_printf(fixture.arena, "%070000d", 0)));
    assert_int_equal(validate(&fixture, json, &valid), M_TOO_LARGE);
    arena_destroy(fixture.arena);
}

static void too_many_links_are_refused_unless_they_are_history(void **state)
{
    (void)state;
    struct fixture fixture;
    const char *const names[] = {"prev_events", "auth_events"};
    const struct pdu_valid *valid;
    open_room(&fixture);

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *json = message(&fixture), *links = json_object_get(json, names[i]);
        while (json_array_size(links) <= (i == 0 ? PREV_EVENTS_MAX : AUTH_EVENTS_MAX)) {
            assert_int_equal(validate(&fixture, json, &valid), OK);
            json_array_append_new(links, json_string("$x"));
        }
        assert_int_equal(validate(&fixture, json, &valid), M_BAD_JSON);
        const struct pdu_raw raw = {.version = fixture.version, .json = json, .is_history = true};
        assert_int_equal(pdu_validate(fixture.arena, &raw, NULL, &valid), OK);
    }
    arena_destroy(fixture.arena);
}

static void wrong_signatures_drop_and_wrong_hashes_redact(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct pdu_signed *pdu;
    size_t size;
    open_room(&fixture);
    json_t *json = message(&fixture);
    const char *event_id = parse(&fixture, json)->event_id;

    json_object_set_new(json_object_get(json, "content"), "body", json_string("changed"));
    pdu = must_verify(&fixture, json);
    assert_true(pdu_signed_was_redacted(pdu));
    assert_string_equal(pdu_signed_event(pdu)->event_id, event_id);
    assert_int_equal(json_object_size(pdu_signed_event(pdu)->content), 0);
    assert_null(strstr(pdu_signed_bytes(pdu, &size), "changed"));

    json_object_set_new(json, "depth", json_integer(9));
    assert_int_equal(verify(&fixture, json, &pdu), M_INVALID_SIGNATURE);
    json_object_set_new(json, "sender", json_string("@u:b"));
    assert_int_equal(verify(&fixture, json, &pdu), M_UNAUTHORIZED);
    arena_destroy(fixture.arena);
}

static void what_the_auth_events_forbid_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture;
    open_room(&fixture);
    const struct pdu_signed *pdu = must_verify(&fixture, message(&fixture));
    const struct event *without_join[] = {fixture.create, NULL};
    const struct event *with_rules[] = {fixture.create, fixture.rules};
    const struct event *sound[] = {fixture.create, fixture.join};
    struct small_state left = {&fixture, NULL};
    const struct auth_state nobody = {.lookup = look_up, .context = &left};
    const struct pdu_context contexts[] = {
        {.auth_events = without_join},
        {.auth_events = with_rules},
        {.auth_events = sound, .before = &nobody},
    };

    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        const struct pdu_authorised *done = pdu_authorise(fixture.arena, pdu, &contexts[i]);
        assert_int_equal(pdu_outcome_of(done), PDU_REJECTED);
        assert_non_null(pdu_refusal_of(done));
        assert_true(pdu_event_of(done)->rejected);
    }
    assert_false(pdu_signed_event(pdu)->rejected);
    arena_destroy(fixture.arena);
}

static void what_only_the_present_forbids_is_soft_failed(void **state)
{
    (void)state;
    struct fixture fixture;
    open_room(&fixture);
    const struct pdu_signed *pdu = must_verify(&fixture, message(&fixture));
    const struct event *sound[] = {fixture.create, fixture.join};
    struct small_state joined = {&fixture, fixture.join}, left = {&fixture, NULL};
    const struct auth_state somebody = {.lookup = look_up, .context = &joined};
    const struct auth_state nobody = {.lookup = look_up, .context = &left};
    const struct pdu_context contexts[] = {
        {.auth_events = sound, .before = &somebody, .current = &nobody},
        {.auth_events = sound, .before = &somebody, .policy_refusal = "spam"},
    };

    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        const struct pdu_authorised *done = pdu_authorise(fixture.arena, pdu, &contexts[i]);
        assert_int_equal(pdu_outcome_of(done), PDU_SOFT_FAILED);
        assert_non_null(pdu_refusal_of(done));
        assert_false(pdu_event_of(done)->rejected);
    }
    arena_destroy(fixture.arena);
}

static void restricted_joins_pass_with_the_signature_that_was_verified(void **state)
{
    (void)state;
    struct fixture fixture;
    open_room(&fixture);
    struct arena *arena = fixture.arena;
    const struct event *rules = parse(
        &fixture,
        seal_json(&fixture,
                  arena_printf(arena,
                               "{" COMMON ",'type':'m.room.join_rules','state_key':'','depth':3,"
                               "'content':{'join_rule':'restricted','allow':[]},"
                               "'prev_events':['%s'],'auth_events':['%s','%s']}",
                               fixture.join->event_id, fixture.create->event_id,
                               fixture.join->event_id)));
    json_t *join = seal_json(
        &fixture, arena_printf(arena,
                               "{'room_id':'!r:a','sender':'@v:a','origin_server_ts':5,"
                               "'type':'m.room.member','state_key':'@v:a','depth':4,'content':{"
                               "'membership':'join','join_authorised_via_users_server':'@u:a'},"
                               "'prev_events':['%s'],'auth_events':['%s','%s','%s']}",
                               rules->event_id, fixture.create->event_id, fixture.join->event_id,
                               rules->event_id));
    const struct event *auth_events[] = {fixture.create, fixture.join, rules};
    const struct pdu_context context = {.auth_events = auth_events};
    const struct pdu_authorised *done = pdu_authorise(arena, must_verify(&fixture, join), &context);

    if (pdu_outcome_of(done) != PDU_ACCEPTED)
        fail_msg("%s", pdu_refusal_of(done));
    arena_destroy(arena);
}

static void third_party_invites_pass_with_the_signature_of_the_identity_server(void **state)
{
    (void)state;
    struct fixture fixture;
    open_room(&fixture);
    struct arena *arena = fixture.arena;
    const struct signing_key *identity_key = &fixture.key;
    char *public_key = base64_encode(arena, identity_key->pair.public_key.bytes,
                                     ED25519_PUBLIC_KEY_BYTES, BASE64_STANDARD);
    const struct event *invite = parse(
        &fixture,
        seal_json(&fixture,
                  arena_printf(arena,
                               "{" COMMON ",'type':'m.room.third_party_invite','state_key':'tok',"
                               "'depth':4,'content':{'public_key':'%s'},'prev_events':['%s'],"
                               "'auth_events':['%s','%s']}",
                               public_key, fixture.rules->event_id, fixture.create->event_id,
                               fixture.join->event_id)));
    json_t *proof = build_json_on(arena, "{'mxid':'@w:b','token':'tok'}");
    assert_int_equal(signing_json_sign(proof, "identity", identity_key), OK);
    json_t *member = build_json_on(
        arena, arena_printf(arena,
                            "{" COMMON ",'type':'m.room.member','state_key':'@w:b','depth':5,"
                            "'content':{'membership':'invite','third_party_invite':{}},"
                            "'prev_events':['%s'],'auth_events':['%s','%s','%s','%s']}",
                            invite->event_id, fixture.create->event_id, fixture.join->event_id,
                            fixture.rules->event_id, invite->event_id));
    json_object_set(json_object_get(json_object_get(member, "content"), "third_party_invite"),
                    "signed", proof);
    assert_int_equal(event_seal(fixture.version, member, "b", identity_key), OK);
    const struct event *auth_events[] = {fixture.create, fixture.join, fixture.rules, invite};
    const struct pdu_context context = {.auth_events = auth_events};
    const struct pdu_authorised *done =
        pdu_authorise(arena, must_verify(&fixture, member), &context);

    if (pdu_outcome_of(done) != PDU_ACCEPTED)
        fail_msg("%s", pdu_refusal_of(done));
    json_object_set_new(proof, "mxid", json_string("@other:b"));
    assert_int_equal(event_seal(fixture.version, member, "b", identity_key), OK);
    done = pdu_authorise(arena, must_verify(&fixture, member), &context);
    assert_int_equal(pdu_outcome_of(done), PDU_REJECTED);
    arena_destroy(arena);
}

static void our_own_events_are_sealed_instead_of_verified(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct pdu_signed *pdu;
    struct error error = {0};
    open_room(&fixture);
    json_t *json = build_json_on(fixture.arena, "{" COMMON ",'type':'m.room.message','depth':4,"
                                                "'content':{'body':'hi'},'prev_events':['$p'],"
                                                "'auth_events':[],'unsigned':{'age':1}}");
    const struct pdu_raw raw = {.version = fixture.version, .json = json};
    const struct pdu_signer signer = {"a", &fixture.key};

    assert_int_equal(pdu_seal(fixture.arena, &raw, &signer, &error, &pdu), OK);
    assert_null(json_object_get(json, "hashes"));
    const char *event_id = pdu_signed_event(pdu)->event_id;
    pdu = must_verify(&fixture, pdu_signed_event(pdu)->json);
    assert_string_equal(pdu_signed_event(pdu)->event_id, event_id);

    for (int i = 0; i < PREV_EVENTS_MAX; i++)
        json_array_append_new(json_object_get(json, "prev_events"), json_string("$x"));
    assert_int_equal(pdu_seal(fixture.arena, &raw, &signer, &error, &pdu), M_BAD_JSON);
    arena_destroy(fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_events_pass_all_steps),
        cmocka_unit_test(malformed_events_are_dropped),
        cmocka_unit_test(too_many_links_are_refused_unless_they_are_history),
        cmocka_unit_test(wrong_signatures_drop_and_wrong_hashes_redact),
        cmocka_unit_test(what_the_auth_events_forbid_is_rejected),
        cmocka_unit_test(what_only_the_present_forbids_is_soft_failed),
        cmocka_unit_test(restricted_joins_pass_with_the_signature_that_was_verified),
        cmocka_unit_test(third_party_invites_pass_with_the_signature_of_the_identity_server),
        cmocka_unit_test(our_own_events_are_sealed_instead_of_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
