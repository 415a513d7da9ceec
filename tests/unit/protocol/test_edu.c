#include "homeserver/base/arena.h"
#include "homeserver/protocol/edu.h"
#include "homeserver/protocol/json.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static struct error error;
static const struct edu_source source = {"a", &error};

/* The content of an EDU that we built, checked for its type. */
static json_t *content_of(struct arena *arena, json_t *edu_owned, enum edu_type expected)
{
    enum edu_type type;
    json_t *content;

    assert_non_null(edu_owned);
    assert_int_equal(edu_parse(json_on_arena(arena, edu_owned), &error, &type, &content), OK);
    assert_int_equal(type, expected);
    return content;
}

static void envelopes_need_a_type_and_a_content(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const refused[] = {"[]", "{}", "{'edu_type':'m.typing'}",
                                   "{'edu_type':1,'content':{}}",
                                   "{'edu_type':'m.typing','content':[]}"};
    enum edu_type type;
    json_t *content;

    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_int_equal(edu_parse(build_json_on(arena, refused[i]), &error, &type, &content),
                         M_BAD_JSON);
    assert_int_equal(edu_parse(build_json_on(arena, "{'edu_type':'org.new','content':{}}"), &error,
                               &type, &content),
                     OK);
    assert_int_equal(type, EDU_UNKNOWN);
    assert_int_equal(
        edu_parse(build_json_on(arena, "{'edu_type':'','content':{}}"), &error, &type, &content),
        OK);
    assert_int_equal(type, EDU_UNKNOWN);
}

static void typing_goes_both_ways(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const refused[] = {"{'room_id':'!r','user_id':'@u:b'}", "{'user_id':'@u:a'}",
                                   "{'room_id':'#r','user_id':'@u:a'}", "{'room_id':'!r'}",
                                   "{'room_id':'!r','user_id':'u:a'}"};
    const struct typing_edu sent = {"!r:a", "@u:a", true};
    struct typing_edu typing;

    assert_int_equal(
        edu_parse_typing(content_of(arena, edu_build_typing(&sent), EDU_TYPING), &source, &typing),
        OK);
    assert_string_equal(typing.room_id, "!r:a");
    assert_string_equal(typing.user_id, "@u:a");
    assert_true(typing.is_typing);
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_int_equal(edu_parse_typing(build_json_on(arena, refused[i]), &source, &typing),
                         M_BAD_JSON);
}

static void presence_of_foreign_users_is_left_out(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct presence_edu sent[] = {
        {"@u:a", "online", "hi", 5, true},       {"@u:b", "online", NULL, 5, false},
        {"@v:a", "busy", NULL, 5, false},        {"@w:a", "offline", NULL, -1, false},
        {"@x:a", "unavailable", NULL, 7, false},
    };
    const struct presence_edu *users;
    size_t count;

    assert_int_equal(
        edu_parse_presence(arena, content_of(arena, edu_build_presence(sent, 5), EDU_PRESENCE),
                           &source, &users, &count),
        OK);
    assert_int_equal(count, 2);
    assert_string_equal(users[0].user_id, "@u:a");
    assert_string_equal(users[0].status_msg, "hi");
    assert_true(users[0].is_currently_active);
    assert_string_equal(users[1].presence, "unavailable");
    assert_null(users[1].status_msg);
    assert_int_equal(users[1].last_active_ago, 7);
    assert_int_equal(
        edu_parse_presence(arena, build_json_on(arena, "{'push':{}}"), &source, &users, &count),
        M_BAD_JSON);
}

static void receipts_are_sorted_by_room_and_user(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct receipt_edu sent[] = {
        {"!r:a", "@u:a", "$1", 10, NULL},
        {"!r:a", "@v:a", "$2", 11, "main"},
        {"!s:a", "@u:a", "$3", 12, "$root"},
        {"!t:a", "@u:a", "an event of some version", 13, NULL},
    };
    const struct receipt_edu *receipts;
    size_t count;
    json_t *edus = json_on_arena(arena, json_array());

    edu_add_receipts(edus, sent, COUNT_OF(sent));
    assert_int_equal(json_array_size(edus), 1);
    json_t *content = content_of(arena, json_incref(json_array_get(edus, 0)), EDU_RECEIPT);
    assert_int_equal(edu_parse_receipts(arena, content, &source, &receipts, &count), OK);
    assert_int_equal(count, COUNT_OF(sent));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(receipts[i].room_id, sent[i].room_id);
        assert_string_equal(receipts[i].user_id, sent[i].user_id);
        assert_string_equal(receipts[i].event_id, sent[i].event_id);
        assert_int_equal(receipts[i].ts, sent[i].ts);
        if (sent[i].thread_id == NULL)
            assert_null(receipts[i].thread_id);
        else
            assert_string_equal(receipts[i].thread_id, sent[i].thread_id);
    }
}

static void receipts_of_several_threads_take_several_edus(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct receipt_edu sent[RECEIPT_EDUS_MAX + 2] = {{"!r:a", "@u:a", "$1", 10, NULL},
                                                     {"!r:a", "@v:a", "$1", 10, NULL}};
    json_t *edus = json_on_arena(arena, json_array());

    for (size_t i = 2; i < COUNT_OF(sent); i++)
        sent[i] = (struct receipt_edu){"!r:a", "@u:a", "$1", 10, arena_printf(arena, "$%zu", i)};
    edu_add_receipts(edus, sent, 3);
    assert_int_equal(json_array_size(edus), 2);
    json_array_clear(edus);
    edu_add_receipts(edus, sent, COUNT_OF(sent));
    assert_int_equal(json_array_size(edus), RECEIPT_EDUS_MAX);
}

static void malformed_receipts_are_left_out(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const contents[] = {
        "{}",
        "{'!r':1}",
        "{'!r':{'m.read':[]}}",
        "{'!r':{'m.read.private':{'@u:a':{'event_ids':['$1'],'data':{'ts':1}}}}}",
        "{'r':{'m.read':{'@u:a':{'event_ids':['$1'],'data':{'ts':1}}}}}",
        "{'!r':{'m.read':{'@u:b':{'event_ids':['$1'],'data':{'ts':1}}}}}",
        "{'!r':{'m.read':{'@u:a':{'event_ids':[],'data':{'ts':1}}}}}",
        "{'!r':{'m.read':{'@u:a':{'event_ids':['$1','$2'],'data':{'ts':1}}}}}",
        "{'!r':{'m.read':{'@u:a':{'event_ids':[1],'data':{'ts':1}}}}}",
        "{'!r':{'m.read':{'@u:a':{'event_ids':[''],'data':{'ts':1}}}}}",
        "{'!r':{'m.read':{'@u:a':{'event_ids':['$1'],'data':{}}}}}",
        "{'!r':{'m.read':{'@u:a':{'event_ids':['$1'],'data':{'ts':1,'thread_id':1}}}}}",
    };
    const struct receipt_edu *receipts;
    size_t count;

    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        assert_int_equal(edu_parse_receipts(arena, build_json_on(arena, contents[i]), &source,
                                            &receipts, &count),
                         OK);
        assert_int_equal(count, 0);
    }
}

static void messages_to_devices_go_both_ways(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *messages = build_json_on(arena, "{'@v:b':{'*':{'x':1}}}");
    const struct direct_to_device_edu sent = {"@u:a", "m.dummy", "éééééééééééééééééééééééééééééééé",
                                              messages};
    struct direct_to_device_edu message;
    const struct {
        const char *name, *value;
    } refused[] = {
        {"sender", "'@u:b'"},
        {"type", "1"},
        {"message_id", "'123456789012345678901234567890123'"},
        {"message_id", "null"},
        {"messages", "[]"},
        {"messages", "{'@v:b':1}"},
        {"messages", "{'@v:b':{'D':1}}"},
    };

    json_t *content = content_of(arena, edu_build_direct_to_device(&sent), EDU_DIRECT_TO_DEVICE);
    assert_int_equal(edu_parse_direct_to_device(content, &source, &message), OK);
    assert_string_equal(message.sender, "@u:a");
    assert_string_equal(message.type, "m.dummy");
    assert_true(json_equal(message.messages, messages));
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        json_t *wrong = json_on_arena(arena, json_copy(content));
        json_object_set(wrong, refused[i].name, build_json_on(arena, refused[i].value));
        assert_int_equal(edu_parse_direct_to_device(wrong, &source, &message), M_BAD_JSON);
    }
}

static void device_list_updates_go_both_ways(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const int64_t prev_ids[] = {3, 4};
    json_t *keys = build_json_on(arena, "{'user_id':'@u:a','device_id':'D','algorithms':[],"
                                        "'keys':{},'signatures':{}}");
    const struct device_list_update_edu sent = {.user_id = "@u:a",
                                                .device_id = "D",
                                                .stream_id = 5,
                                                .prev_ids = prev_ids,
                                                .prev_id_count = 2,
                                                .display_name = "Phone",
                                                .keys = keys};
    const struct device_list_update_edu deletion = {
        .user_id = "@u:a", .device_id = "D", .stream_id = 6, .is_deleted = true};
    struct device_list_update_edu update;
    json_t *content =
        content_of(arena, edu_build_device_list_update(&sent), EDU_DEVICE_LIST_UPDATE);

    assert_int_equal(edu_parse_device_list_update(arena, content, &source, &update), OK);
    assert_string_equal(update.device_id, "D");
    assert_int_equal(update.stream_id, 5);
    assert_int_equal(update.prev_id_count, 2);
    assert_int_equal(update.prev_ids[1], 4);
    assert_string_equal(update.display_name, "Phone");
    assert_true(json_equal(update.keys, keys));
    assert_false(update.is_deleted);

    json_object_set_new(content, "device_id", json_string("OTHER"));
    assert_int_equal(edu_parse_device_list_update(arena, content, &source, &update),
                     M_INVALID_PARAM);
    content = content_of(arena, edu_build_device_list_update(&deletion), EDU_DEVICE_LIST_UPDATE);
    json_object_set(content, "prev_id", build_json_on(arena, "['x',2]"));
    assert_int_equal(edu_parse_device_list_update(arena, content, &source, &update), OK);
    assert_true(update.is_deleted);
    assert_null(update.keys);
    assert_int_equal(update.prev_id_count, 1);
    json_object_del(content, "stream_id");
    assert_int_equal(edu_parse_device_list_update(arena, content, &source, &update), M_BAD_JSON);
}

static void signing_key_updates_go_both_ways(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *key = build_json_on(arena, "{'usage':['master']}");
    const struct signing_key_update_edu sent = {"@u:a", key, NULL};
    struct signing_key_update_edu update;
    json_t *content =
        content_of(arena, edu_build_signing_key_update(&sent), EDU_SIGNING_KEY_UPDATE);

    assert_int_equal(edu_parse_signing_key_update(content, &source, &update), OK);
    assert_true(json_equal(update.master_key, key));
    assert_null(update.self_signing_key);
    json_object_set_new(content, "user_id", json_string("@u:b"));
    assert_int_equal(edu_parse_signing_key_update(content, &source, &update), M_BAD_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes_need_a_type_and_a_content),
        cmocka_unit_test(typing_goes_both_ways),
        cmocka_unit_test(presence_of_foreign_users_is_left_out),
        cmocka_unit_test(receipts_are_sorted_by_room_and_user),
        cmocka_unit_test(receipts_of_several_threads_take_several_edus),
        cmocka_unit_test(malformed_receipts_are_left_out),
        cmocka_unit_test(messages_to_devices_go_both_ways),
        cmocka_unit_test(device_list_updates_go_both_ways),
        cmocka_unit_test(signing_key_updates_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
