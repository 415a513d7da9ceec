#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/client_event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

/* ── The slow version, with a tree ───────────────────────────────────────────────────────────── */

static void copy_member(json_t *to, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);

    if (value != NULL)
        json_object_set(to, name, value);
}

static void set_json(json_t *object, const char *name, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, name, json_loads(text, JSON_DECODE_ANY, NULL));
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL)
        json_object_set_new(object, name, json_string(text));
}

static json_t *tree_unsigned(const struct client_event_unsigned *members)
{
    json_t *object = json_object();

    if (members == NULL)
        return object;
    if (members->has_age)
        json_object_set_new(object, "age", json_integer(members->age_ms));
    set_json(object, "invite_room_state", members->invite_room_state_json);
    set_json(object, "knock_room_state", members->knock_room_state_json);
    set_json(object, "m.relations", members->relations_json);
    set_text(object, "membership", members->membership);
    set_json(object, "prev_content", members->prev_content_json);
    set_json(object, "redacted_because", members->redacted_because_json);
    set_text(object, "replaces_state", members->replaces_state);
    set_text(object, "transaction_id", members->transaction_id);
    return object;
}

static void tree_redacts(json_t *event, const json_t *pdu, const struct room_version *version)
{
    const json_t *type = json_object_get(pdu, "type");
    json_t *content = json_copy(json_object_get(event, "content"));
    json_t *target = json_object_get(version->redacts_in_content ? content : pdu, "redacts");

    if (json_is_string(type) && strcmp(json_string_value(type), "m.room.redaction") == 0 &&
        json_is_string(target)) {
        json_object_set(event, "redacts", target);
        json_object_set(content, "redacts", target);
        json_object_set(event, "content", content);
    }
    json_decref(content);
}

static json_t *tree_event(const json_t *pdu, const struct client_event_options *options)
{
    static const char *const kept[] = {"content", "origin_server_ts", "sender", "state_key",
                                       "type"};
    bool is_federation = options->format == CLIENT_EVENT_FORMAT_FEDERATION;
    json_t *event = is_federation ? json_copy((json_t *)(uintptr_t)pdu) : json_object();
    json_t *unsigned_object = tree_unsigned(options->unsigned_members);

    if (!is_federation) {
        for (size_t i = 0; i < COUNT_OF(kept); i++)
            copy_member(event, pdu, kept[i]);
        set_text(event, "room_id", options->room_id);
        tree_redacts(event, pdu, options->version);
    }
    set_text(event, "event_id", options->event_id);
    json_object_del(event, "unsigned");
    if (json_object_size(unsigned_object) > 0)
        json_object_set(event, "unsigned", unsigned_object);
    json_decref(unsigned_object);
    return event;
}

/* ── Random events ───────────────────────────────────────────────────────────────────────────── */

static uint32_t random_state;

static uint32_t next_random(uint32_t bound)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % bound;
}

static const char *pick(const char *const *texts, size_t count)
{
    return texts[next_random((uint32_t)count)];
}

static const char *const words[] = {"a",  "m.room.redaction", "redacts", "reason", "é😀",   "\"}\\",
                                    "\n", "\x01\x7f",         "",        "zz",     "body", "Z_.",
                                    "{[", "redactt",          "redac"};

static json_t *random_value(int depth)
{
    json_t *value;
    uint32_t count = next_random(4);

    switch (next_random(depth > 0 ? 7 : 5)) {
    case 0:
        return json_integer((json_int_t)next_random(1000) - 500);
    case 1:
        return json_null();
    case 2:
        return json_boolean(next_random(2));
    case 3:
    case 4:
        return json_string(pick(words, COUNT_OF(words)));
    case 5:
        value = json_array();
        for (uint32_t i = 0; i < count; i++)
            json_array_append_new(value, random_value(depth - 1));
        return value;
    default:
        value = json_object();
        for (uint32_t i = 0; i < count; i++)
            json_object_set_new(value, pick(words, COUNT_OF(words)), random_value(depth - 1));
        return value;
    }
}

static json_t *random_pdu(void)
{
    static const char *const names[] = {"auth_events", "depth",   "hashes",          "redacts",
                                        "prev_events", "room_id", "signatures",      "state_key",
                                        "unsigned",    "zzz",     "event_id",        "contenu",
                                        "\n",          "Sender",  "origin_server_ts"};
    json_t *pdu = json_object(), *content = json_object();

    for (uint32_t i = next_random(8); i > 0; i--)
        json_object_set_new(content, pick(words, COUNT_OF(words)), random_value(3));
    for (uint32_t i = next_random(12); i > 0; i--)
        json_object_set_new(pdu, pick(names, COUNT_OF(names)), random_value(3));
    json_object_set_new(pdu, "content", content);
    json_object_set_new(pdu, "sender", json_string("@a:b"));
    json_object_set_new(pdu, "type",
                        json_string(next_random(2) > 0 ? "m.room.redaction" : "m.room.message"));
    return pdu;
}

static const char *sometimes(const char *text)
{
    return next_random(2) > 0 ? text : NULL;
}

static struct client_event_unsigned random_unsigned(void)
{
    return (struct client_event_unsigned){
        .has_age = next_random(2) > 0,
        .age_ms = (int64_t)next_random(100000) - 5,
        .invite_room_state_json = sometimes("[]"),
        .knock_room_state_json = sometimes("[{}]"),
        .relations_json = sometimes("{\"m.thread\":{\"count\":1}}"),
        .membership = sometimes("join"),
        .prev_content_json = sometimes("{\"body\":\"x\"}"),
        .redacted_because_json = sometimes("{\"event_id\":\"$r\"}"),
        .replaces_state = sometimes("$p\"q"),
        .transaction_id = sometimes("m123\n"),
    };
}

static void assert_canonical_equal(const struct strbuf *actual, json_t *expected_owned)
{
    SCOPED(strbuf_finish) struct strbuf expected;

    strbuf_init(&expected, 0);
    assert_int_equal(canonical_json_write(expected_owned, CANONICAL_JSON_STRICT, &expected, NULL),
                     OK);
    assert_string_equal(actual->data, expected.data);
    json_decref(expected_owned);
}

static void write_canonical(const json_t *json, struct strbuf *out)
{
    strbuf_truncate(out, 0);
    assert_int_equal(canonical_json_write(json, CANONICAL_JSON_STRICT, out, NULL), OK);
}

static void splicing_random_events_equals_building_them(void **state)
{
    (void)state;
    SCOPED(strbuf_finish) struct strbuf bytes;
    SCOPED(strbuf_finish) struct strbuf spliced;

    random_state = 20260721;
    strbuf_init(&bytes, 0);
    strbuf_init(&spliced, 0);
    for (int i = 0; i < 20000; i++) {
        json_t *pdu = random_pdu();
        const struct client_event_unsigned members = random_unsigned();
        const struct client_event_options options = {
            .version = room_version_find(next_random(2) > 0 ? "10" : "11"),
            .event_id = "$e",
            .room_id = sometimes("!r:a"),
            .unsigned_members = next_random(4) > 0 ? &members : NULL,
            .format =
                next_random(4) > 0 ? CLIENT_EVENT_FORMAT_CLIENT : CLIENT_EVENT_FORMAT_FEDERATION,
        };
        write_canonical(pdu, &bytes);
        strbuf_truncate(&spliced, 0);
        assert_int_equal(client_event_write(&spliced, bytes.data, bytes.length, &options), OK);
        assert_canonical_equal(&spliced, tree_event(pdu, &options));
        json_decref(pdu);
    }
}

/* ── Examples ────────────────────────────────────────────────────────────────────────────────── */

#define MESSAGE                                                                                    \
    "{'auth_events':['$c'],'content':{'body':'hi'},'depth':3,'hashes':{},'origin_server_ts':5,"    \
    "'prev_events':[],'room_id':'!r:a','sender':'@u:a','signatures':{},'type':'m.room.message',"   \
    "'unsigned':{'age':1,'transaction_id':'forged'}}"

static void assert_written(const char *pdu, const struct client_event_options *options,
                           const char *expected)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(strbuf_finish) struct strbuf bytes;
    SCOPED(strbuf_finish) struct strbuf written;

    strbuf_init(&bytes, 0);
    strbuf_init(&written, 0);
    write_canonical(build_json_on(arena, pdu), &bytes);
    assert_int_equal(client_event_write(&written, bytes.data, bytes.length, options), OK);
    assert_canonical_equal(&written, build_json(expected));
}

static void clients_see_our_unsigned_only(void **state)
{
    (void)state;
    const struct client_event_unsigned nothing = {0};
    const struct client_event_unsigned members = {.has_age = true, .age_ms = 7};
    struct client_event_options options = {.version = room_version_find("10"),
                                           .event_id = "$e",
                                           .room_id = "!r:a",
                                           .unsigned_members = &members};

    assert_written(MESSAGE, &options,
                   "{'content':{'body':'hi'},'event_id':'$e','origin_server_ts':5,'room_id':'!r:a',"
                   "'sender':'@u:a','type':'m.room.message','unsigned':{'age':7}}");
    options.room_id = NULL;
    options.unsigned_members = &nothing;
    assert_written(MESSAGE, &options,
                   "{'content':{'body':'hi'},'event_id':'$e','origin_server_ts':5,'sender':'@u:a',"
                   "'type':'m.room.message'}");
}

static void redactions_show_their_target_in_both_places(void **state)
{
    (void)state;
    struct client_event_options options = {.version = room_version_find("10"), .event_id = "$e"};

    assert_written("{'content':{'reason':'x'},'redacts':'$r','type':'m.room.redaction'}", &options,
                   "{'content':{'reason':'x','redacts':'$r'},'event_id':'$e','redacts':'$r',"
                   "'type':'m.room.redaction'}");
    /* What counts in version 10 is the top level. */
    assert_written("{'content':{'redacts':'$other'},'redacts':'$r','type':'m.room.redaction'}",
                   &options,
                   "{'content':{'redacts':'$r'},'event_id':'$e','redacts':'$r',"
                   "'type':'m.room.redaction'}");
    options.version = room_version_find("11");
    assert_written("{'content':{'redacts':'$r'},'type':'m.room.redaction'}", &options,
                   "{'content':{'redacts':'$r'},'event_id':'$e','redacts':'$r',"
                   "'type':'m.room.redaction'}");
    assert_written("{'content':{},'redacts':'$top','type':'m.room.redaction'}", &options,
                   "{'content':{},'event_id':'$e','type':'m.room.redaction'}");
}

static void stripped_state_has_four_members(void **state)
{
    (void)state;
    SCOPED(strbuf_finish) struct strbuf out;
    static const char pdu[] = "{\"content\":{\"name\":\"x\"},\"depth\":1,\"origin_server_ts\":5,"
                              "\"sender\":\"@u:a\",\"state_key\":\"\",\"type\":\"m.room.name\"}";

    strbuf_init(&out, 0);
    assert_int_equal(client_event_write_stripped(&out, pdu, sizeof(pdu) - 1, false), OK);
    assert_string_equal(out.data, "{\"content\":{\"name\":\"x\"},\"sender\":\"@u:a\","
                                  "\"state_key\":\"\",\"type\":\"m.room.name\"}");
    strbuf_truncate(&out, 0);
    assert_int_equal(client_event_write_stripped(&out, pdu, sizeof(pdu) - 1, true), OK);
    assert_string_equal(out.data,
                        "{\"content\":{\"name\":\"x\"},\"origin_server_ts\":5,\"sender\":\"@u:a\","
                        "\"state_key\":\"\",\"type\":\"m.room.name\"}");
    assert_int_equal(client_event_write_stripped(&out, pdu, 20, false), E_DATABASE);
}

static void bytes_that_are_no_event_are_an_error_of_the_database(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "{\"content\":{}",
        "{\"content\":",
        "[]",
        "{\"type\":\"m.room.redaction\"}",
        "{\"content\":1,\"redacts\":\"x\",\"type\":\"m.room.redaction\"}"};
    struct client_event_options options = {.version = room_version_find("10"), .event_id = "$e"};
    SCOPED(strbuf_finish) struct strbuf out;

    strbuf_init(&out, 0);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(client_event_write(&out, texts[i], strlen(texts[i]), &options),
                         E_DATABASE);
    options.format = CLIENT_EVENT_FORMAT_FEDERATION;
    assert_int_equal(client_event_write(&out, "{\"a\"}", 5, &options), E_DATABASE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splicing_random_events_equals_building_them),
        cmocka_unit_test(clients_see_our_unsigned_only),
        cmocka_unit_test(redactions_show_their_target_in_both_places),
        cmocka_unit_test(stripped_state_has_four_members),
        cmocka_unit_test(bytes_that_are_no_event_are_an_error_of_the_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
