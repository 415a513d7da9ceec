#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/relations.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

static const struct {
    const char *content;
    const char *rel_type; /* NULL: no relation */
    const char *target;
    const char *key;
} rows[] = {
    {"{'m.relates_to': {'rel_type': 'm.thread', 'event_id': '$a'}}", "m.thread", "$a", NULL},
    {"{'m.relates_to': {'rel_type': 'm.annotation', 'event_id': '$a', 'key': '+'}}", "m.annotation",
     "$a", "+"},
    {"{'m.relates_to': {'rel_type': 'm.annotation', 'event_id': '$a', 'key': 1}}", "m.annotation",
     "$a", NULL},
    {"{'m.relates_to': {'rel_type': 'm.reference', 'event_id': '$a', 'key': '+'}}", "m.reference",
     "$a", NULL},
    {"{'m.relates_to': {'rel_type': 'x', 'event_id': 5}}", NULL, NULL, NULL},
    {"{'m.relates_to': {'event_id': '$a'}}", NULL, NULL, NULL},
    {"{'m.relates_to': {'m.in_reply_to': {'event_id': '$a'}}}", NULL, NULL, NULL},
    {"{'m.relates_to': 'x'}", NULL, NULL, NULL},
    {"{'m.relates_to': {'rel_type': 'm.thread', 'event_id': '$a\\u0000'}}", NULL, NULL, NULL},
    {"{}", NULL, NULL, NULL},
};

static void a_relation_needs_a_type_and_a_target(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *content = build_json(rows[i].content);
        struct relation relation;
        bool is_relation = relation_of(content, &relation);

        assert_int_equal(is_relation, rows[i].rel_type != NULL);
        assert_int_equal(relation_may_start_thread(content), !is_relation);
        if (is_relation) {
            assert_string_equal(relation.rel_type, rows[i].rel_type);
            assert_string_equal(relation.target, rows[i].target);
            assert_int_equal(relation.key != NULL, rows[i].key != NULL);
            if (relation.key != NULL)
                assert_string_equal(relation.key, rows[i].key);
        }
        json_decref(content);
    }
}

static void replies_and_threads_name_their_event(void **state)
{
    (void)state;
    json_t *both = build_json("{'m.relates_to': {'rel_type': 'm.thread', 'event_id': '$root',"
                              "'is_falling_back': true, 'm.in_reply_to': {'event_id': '$last'}}}");
    json_t *edit = build_json("{'m.relates_to': {'rel_type': 'm.replace', 'event_id': '$old'}}");
    json_t *none = build_json("{'m.relates_to': {'m.in_reply_to': '$x'}}");

    assert_string_equal(relation_thread_root(both), "$root");
    assert_string_equal(relation_reply_target(both), "$last");
    assert_null(relation_thread_root(edit));
    assert_null(relation_reply_target(edit));
    assert_null(relation_thread_root(none));
    assert_null(relation_reply_target(none));
    json_decref(both);
    json_decref(edit);
    json_decref(none);
}

#define REPLACES "'m.relates_to': {'rel_type': 'm.replace', 'event_id': '$o'}"

static void an_edit_fits_what_it_replaces(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct room_version *version = room_version_find("11");
    const struct event_parts original_parts = {.event_id = "$o", .type = "m.room.message"};
    const struct event_parts edit_parts = {.event_id = "$e",
                                           .type = "m.room.message",
                                           .content = "{" REPLACES ", 'm.new_content': {}}"};
    const struct event_parts empty_parts = {
        .event_id = "$e", .type = "m.room.message", .content = "{" REPLACES "}"};
    const struct event original = *build_event(arena, version, &original_parts);
    const struct event edit = *build_event(arena, version, &edit_parts);
    const struct event empty = *build_event(arena, version, &empty_parts);

    assert_true(relation_is_valid_edit(&original, &edit));
    assert_false(relation_is_valid_edit(&original, &empty));
    assert_false(relation_is_valid_edit(&original, &original));
    assert_false(relation_is_valid_edit(&edit, &edit));

    struct event other = edit;
    other.sender = "@b:one";
    assert_false(relation_is_valid_edit(&original, &other));
    other = edit;
    other.room_id = "!other:one";
    assert_false(relation_is_valid_edit(&original, &other));
    other = edit;
    other.type = "m.sticker";
    assert_false(relation_is_valid_edit(&original, &other));
    other = edit;
    other.state_key = "";
    assert_false(relation_is_valid_edit(&original, &other));
    struct event state_event = original;
    state_event.state_key = "";
    assert_false(relation_is_valid_edit(&state_event, &edit));

    struct event encrypted = original, encrypted_edit = empty;
    encrypted.type = encrypted_edit.type = "m.room.encrypted";
    assert_true(relation_is_valid_edit(&encrypted, &encrypted_edit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relation_needs_a_type_and_a_target),
        cmocka_unit_test(replies_and_threads_name_their_event),
        cmocka_unit_test(an_edit_fits_what_it_replaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
