#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/power_levels.h"
#include "homeserver/protocol/push_rules.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/test.h"

static const char ME[] = "@me:a";
static const struct push_rule_place ANYWHERE = {NULL, NULL};

static struct arena *arena;
static struct push_rules *rules;

static json_t *parse(const char *text)
{
    json_t *json;
    assert_int_equal(json_parse(arena, text, strlen(text), NULL, &json), OK);
    return json;
}

static int setup(void **state)
{
    (void)state;
    arena = arena_create();
    rules = push_rules_parse(arena, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void put(enum push_rule_kind kind, const char *rule_id, const char *body)
{
    assert_int_equal(push_rules_put(rules, kind, rule_id, parse(body), ANYWHERE, NULL), OK);
}

/* The same rules after a trip through the database. */
static void store_and_load(void)
{
    char *text = json_dumps(json_on_arena(arena, push_rules_to_stored(rules)), JSON_COMPACT);
    rules = push_rules_parse(arena, parse(text));
    free(text);
}

static json_t *client_rules(void)
{
    return json_on_arena(arena, push_rules_to_client(rules, ME));
}

/* Rule IDs of one kind, separated by spaces. */
static const char *order_of(const char *kind)
{
    const char *order = "";
    size_t i;
    json_t *rule;

    json_array_foreach (json_get_array(client_rules(), kind), i, rule) {
        if (json_get_bool(rule, "default", true))
            continue;
        order = arena_printf(arena, "%s%s%s", order, order[0] != '\0' ? " " : "",
                             json_get_string(rule, "rule_id"));
    }
    return order;
}

static struct push_outcome outcome_of(const char *event_json, int64_t members)
{
    struct event event = {.json = parse(event_json)};
    struct push_person person = {.user_id = ME, .steps_left = PUSH_STEPS_MAX};
    const struct power_levels levels = {
        .version = room_version_find("10"),
        .content = parse("{\"users\":{\"@you:a\":50}}"),
    };
    struct push_context context;

    event.room_id = json_get_string(event.json, "room_id");
    event.sender = json_get_string(event.json, "sender");
    push_context_init(&context, arena, &event);
    context.member_count = members;
    context.power_levels = &levels;
    return push_rules_evaluate(rules, &context, &person);
}

/* Of a message in a thread, for somebody who follows it or not. */
static unsigned flags_in_thread(const char *event_json, bool is_subscribed)
{
    struct event event = {.json = parse(event_json)};
    struct push_person person = {
        .user_id = ME, .is_subscribed = is_subscribed, .steps_left = PUSH_STEPS_MAX};
    struct push_context context;

    event.room_id = json_get_string(event.json, "room_id");
    event.sender = json_get_string(event.json, "sender");
    push_context_init(&context, arena, &event);
    context.member_count = 3;
    context.in_thread = true;
    return push_rules_evaluate(rules, &context, &person).flags;
}

static unsigned flags_of(const char *event_json, int64_t members)
{
    return outcome_of(event_json, members).flags;
}

#define EVENT(type, rest)                                                                          \
    "{\"type\":\"" type "\",\"sender\":\"@you:a\",\"room_id\":\"!r:a\"," rest "}"
#define MESSAGE(text)                                                                              \
    EVENT("m.room.message", "\"content\":{\"msgtype\":\"m.text\",\"body\":\"" text "\"}")

static void threads_notify_those_who_follow_them(void **state)
{
    (void)state;
    assert_int_equal(flags_in_thread(MESSAGE("hello"), true), PUSH_NOTIFY | PUSH_SOUND);
    assert_int_equal(flags_in_thread(MESSAGE("hello"), false), 0);
    put(PUSH_ROOM, "!r:a", "{\"actions\":[\"notify\"]}");
    assert_int_equal(flags_in_thread(MESSAGE("hello"), false), 0);
    put(PUSH_CONTENT, "word", "{\"pattern\":\"hello\",\"actions\":[\"notify\"]}");
    assert_int_equal(flags_in_thread(MESSAGE("hello"), false), PUSH_NOTIFY);
    put(PUSH_OVERRIDE, "mine",
        "{\"actions\":[],\"conditions\":[{\"kind\":\"io.element.msc4306.thread_subscription\","
        "\"subscribed\":true}]}");
    assert_int_equal(flags_in_thread(MESSAGE("hello"), true), 0);
    assert_int_equal(flags_in_thread(MESSAGE("hello"), false), PUSH_NOTIFY);
}

static void predefined_rules_decide_as_the_spec_says(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        int64_t members;
        unsigned flags;
    } cases[] = {
        {MESSAGE("hello"), 3, PUSH_NOTIFY},
        {MESSAGE("hello"), 2, PUSH_NOTIFY | PUSH_SOUND},
        {EVENT("m.room.encrypted", "\"content\":{}"), 3, PUSH_NOTIFY},
        {EVENT("m.room.encrypted", "\"content\":{}"), 2, PUSH_NOTIFY | PUSH_SOUND},
        {EVENT("m.room.message", "\"content\":{\"msgtype\":\"m.notice\"}"), 2, 0},
        {EVENT("m.room.member", "\"state_key\":\"@me:a\",\"content\":{\"membership\":\"invite\"}"),
         2, PUSH_NOTIFY | PUSH_SOUND},
        {EVENT("m.room.member", "\"state_key\":\"@x:a\",\"content\":{\"membership\":\"invite\"}"),
         2, 0},
        {EVENT("m.room.message", "\"content\":{\"m.mentions\":{\"user_ids\":[\"@me:a\"]}}"), 9,
         PUSH_NOTIFY | PUSH_SOUND | PUSH_HIGHLIGHT},
        {EVENT("m.room.message", "\"content\":{\"m.mentions\":{\"user_ids\":[\"@x:a\"]}}"), 9,
         PUSH_NOTIFY},
        {EVENT("m.room.message", "\"content\":{\"m.mentions\":{\"room\":true}}"), 9,
         PUSH_NOTIFY | PUSH_HIGHLIGHT},
        {EVENT("m.room.tombstone", "\"state_key\":\"\",\"content\":{}"), 9,
         PUSH_NOTIFY | PUSH_HIGHLIGHT},
        {EVENT("m.room.tombstone", "\"content\":{}"), 9, 0},
        {EVENT("m.reaction", "\"content\":{}"), 2, 0},
        {EVENT("m.room.server_acl", "\"state_key\":\"\",\"content\":{}"), 2, 0},
        {EVENT("m.room.message", "\"content\":{\"m.relates_to\":{\"rel_type\":\"m.replace\"}}"), 2,
         0},
        {EVENT("m.call.invite", "\"content\":{}"), 9, PUSH_NOTIFY | PUSH_RING},
        {EVENT("org.matrix.msc3381.poll.start", "\"content\":{}"), 9, PUSH_NOTIFY},
        {EVENT("org.matrix.msc3381.poll.response", "\"content\":{}"), 2, 0},
        {EVENT("m.room.topic", "\"state_key\":\"\",\"content\":{}"), 2, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (flags_of(cases[i].event, cases[i].members) != cases[i].flags)
            fail_msg("%s: %u", cases[i].event, flags_of(cases[i].event, cases[i].members));
    }
}

static void nobody_in_particular_is_never_mentioned(void **state)
{
    (void)state;
    const struct event event = {
        .room_id = "!r:a",
        .sender = "@you:a",
        .json = parse(
            EVENT("m.room.message", "\"content\":{\"m.mentions\":{\"user_ids\":[\"@me:a\"]}}"))};
    struct push_person nobody = {.steps_left = PUSH_STEPS_MAX};
    struct push_context context;

    push_context_init(&context, arena, &event);
    assert_int_equal(push_rules_evaluate(NULL, &context, &nobody).flags, PUSH_NOTIFY);
}

static void own_rules_come_before_predefined_ones_of_their_kind(void **state)
{
    (void)state;
    put(PUSH_OVERRIDE, "quiet",
        "{\"actions\":[],\"conditions\":[{\"kind\":\"event_match\",\"key\":\"room_id\","
        "\"pattern\":\"!r:a\"}]}");
    assert_int_equal(
        flags_of(EVENT("m.room.message", "\"content\":{\"m.mentions\":{\"user_ids\":[\"@me:a\"]}}"),
                 3),
        0);
    assert_int_equal(push_rules_set_enabled(rules, PUSH_OVERRIDE, "quiet", false), OK);
    assert_int_equal(flags_of(MESSAGE("hi"), 3), PUSH_NOTIFY);
}

static void kinds_are_evaluated_in_order(void **state)
{
    (void)state;
    put(PUSH_UNDERRIDE, "all", "{\"actions\":[\"notify\",{\"set_tweak\":\"highlight\"}]}");
    assert_int_equal(flags_of(MESSAGE("cake"), 3), PUSH_NOTIFY | PUSH_HIGHLIGHT);
    put(PUSH_SENDER, "@you:a", "{\"actions\":[]}");
    assert_int_equal(flags_of(MESSAGE("cake"), 3), 0);
    put(PUSH_ROOM, "!r:a", "{\"actions\":[\"notify\"]}");
    assert_int_equal(flags_of(MESSAGE("cake"), 3), PUSH_NOTIFY);
    put(PUSH_CONTENT, "cake",
        "{\"pattern\":\"CAKE\",\"actions\":[\"notify\",{\"set_tweak\":\"sound\","
        "\"value\":\"cake.wav\"}]}");
    assert_int_equal(flags_of(MESSAGE("Cake!"), 3), PUSH_NOTIFY | PUSH_SOUND);
    assert_int_equal(flags_of(MESSAGE("pancake"), 3), PUSH_NOTIFY);
    store_and_load();
    assert_int_equal(flags_of(MESSAGE("cake"), 3), PUSH_NOTIFY | PUSH_SOUND);
    assert_non_null(outcome_of(MESSAGE("cake"), 3).actions);
}

static void master_silences_even_own_rules(void **state)
{
    (void)state;
    put(PUSH_OVERRIDE, "loud", "{\"actions\":[\"notify\"]}");
    assert_int_equal(push_rules_set_enabled(rules, PUSH_OVERRIDE, ".m.rule.master", true), OK);
    assert_int_equal(flags_of(MESSAGE("x"), 2), 0);
    store_and_load();
    assert_int_equal(flags_of(MESSAGE("x"), 2), 0);
}

static void predefined_rules_can_be_changed(void **state)
{
    (void)state;
    assert_int_equal(
        push_rules_set_actions(rules, PUSH_UNDERRIDE, ".m.rule.message", parse("[]"), NULL), OK);
    assert_int_equal(flags_of(MESSAGE("x"), 3), 0);
    assert_int_equal(
        push_rules_set_enabled(rules, PUSH_UNDERRIDE, ".m.rule.room_one_to_one", false), OK);
    store_and_load();
    assert_int_equal(flags_of(MESSAGE("x"), 2), 0);
    assert_false(push_rules_are_default(rules));
}

static void a_rule_that_is_enabled_again_leaves_no_trace(void **state)
{
    (void)state;
    assert_true(push_rules_are_default(rules));
    assert_int_equal(push_rules_set_enabled(rules, PUSH_UNDERRIDE, ".m.rule.call", false), OK);
    assert_false(push_rules_are_default(rules));
    assert_int_equal(push_rules_set_enabled(rules, PUSH_UNDERRIDE, ".m.rule.call", true), OK);
    assert_true(push_rules_are_default(rules));
    put(PUSH_ROOM, "!r:a", "{\"actions\":[]}");
    assert_false(push_rules_are_default(rules));
}

static void new_rules_come_first_or_where_they_are_put(void **state)
{
    (void)state;
    static const char body[] = "{\"actions\":[]}";

    put(PUSH_ROOM, "a", body);
    put(PUSH_ROOM, "b", body);
    put(PUSH_ROOM, "c", body);
    assert_string_equal(order_of("room"), "c b a");
    assert_int_equal(push_rules_put(rules, PUSH_ROOM, "d", parse(body),
                                    (struct push_rule_place){.before = "b"}, NULL),
                     OK);
    assert_string_equal(order_of("room"), "c d b a");
    assert_int_equal(push_rules_put(rules, PUSH_ROOM, "e", parse(body),
                                    (struct push_rule_place){.after = "b"}, NULL),
                     OK);
    assert_string_equal(order_of("room"), "c d b e a");
    assert_int_equal(push_rules_put(rules, PUSH_ROOM, "c", parse(body),
                                    (struct push_rule_place){.before = "a", .after = "d"}, NULL),
                     OK);
    assert_string_equal(order_of("room"), "d b e c a");
    assert_int_equal(push_rules_put(rules, PUSH_ROOM, "a", parse(body),
                                    (struct push_rule_place){.before = "a"}, NULL),
                     OK);
    put(PUSH_ROOM, "e", body);
    assert_string_equal(order_of("room"), "d b e c a");
    assert_int_equal(push_rules_delete(rules, PUSH_ROOM, "b", NULL), OK);
    assert_int_equal(push_rules_delete(rules, PUSH_ROOM, "a", NULL), OK);
    assert_string_equal(order_of("room"), "d e c");
    store_and_load();
    assert_string_equal(order_of("room"), "d e c");
}

static void replacing_a_rule_keeps_it_disabled(void **state)
{
    (void)state;
    json_t *rule;

    put(PUSH_CONTENT, "k", "{\"pattern\":\"x\",\"actions\":[\"notify\"]}");
    assert_int_equal(push_rules_set_enabled(rules, PUSH_CONTENT, "k", false), OK);
    put(PUSH_CONTENT, "k", "{\"pattern\":\"y\",\"actions\":[\"dont_notify\"]}");
    assert_int_equal(push_rules_get(rules, PUSH_CONTENT, "k", ME, &rule), OK);
    json_on_arena(arena, rule);
    assert_false(json_get_bool(rule, "enabled", true));
    assert_string_equal(json_get_string(rule, "pattern"), "y");
    /* What a client wrote comes back, even when it is history. */
    assert_string_equal(json_string_value(json_array_get(json_get_array(rule, "actions"), 0)),
                        "dont_notify");
}

static void clients_see_all_rules_in_order(void **state)
{
    (void)state;
    json_t *set;
    json_t *override;
    json_t *mention;

    put(PUSH_OVERRIDE, "mine", "{\"actions\":[]}");
    set = client_rules();
    override = json_get_array(set, "override");
    assert_string_equal(json_get_string(json_array_get(override, 0), "rule_id"), ".m.rule.master");
    assert_string_equal(json_get_string(json_array_get(override, 1), "rule_id"), "mine");
    assert_string_equal(json_get_string(json_array_get(override, 2), "rule_id"),
                        ".m.rule.suppress_notices");
    assert_int_equal(json_array_size(json_get_array(json_array_get(override, 1), "conditions")), 0);
    assert_int_equal(json_array_size(override), 12);
    assert_int_equal(json_array_size(json_get_array(set, "underride")), 9);
    assert_int_equal(json_array_size(json_get_array(set, "content")), 0);

    assert_int_equal(push_rules_get(rules, PUSH_OVERRIDE, ".m.rule.is_user_mention", ME, &mention),
                     OK);
    char *text = json_dumps(mention, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"actions\":[\"notify\",{\"set_tweak\":\"sound\",\"value\":\"default\"},"
                        "{\"set_tweak\":\"highlight\"}],\"conditions\":[{\"key\":"
                        "\"content.m\\\\.mentions.user_ids\",\"kind\":\"event_property_contains\","
                        "\"value\":\"@me:a\"}],\"default\":true,\"enabled\":true,"
                        "\"rule_id\":\".m.rule.is_user_mention\"}");
    free(text);
    json_decref(mention);
}

static void put_fails(enum errcode code, enum push_rule_kind kind, const char *rule_id,
                      const char *body)
{
    struct error error = {0};
    assert_int_equal(push_rules_put(rules, kind, rule_id, parse(body), ANYWHERE, &error), code);
    assert_true(error.text[0] != '\0');
}

/* P-03 */
static void bad_rules_are_refused(void **state)
{
    (void)state;
    char *long_id = arena_alloc(arena, 10001);
    char *long_body = arena_printf(arena, "{\"pattern\":\"%09000d\",\"actions\":[]}", 1);
    char *long_actions = arena_printf(arena, "{\"actions\":[\"%09000d\"]}", 1);

    memset(long_id, 'x', 10000);
    put_fails(M_INVALID_PARAM, PUSH_ROOM, ".dot", "{\"actions\":[]}");
    put_fails(M_INVALID_PARAM, PUSH_ROOM, "a/b", "{\"actions\":[]}");
    put_fails(M_INVALID_PARAM, PUSH_ROOM, "a\\b", "{\"actions\":[]}");
    put_fails(M_INVALID_PARAM, PUSH_ROOM, "", "{\"actions\":[]}");
    put_fails(M_INVALID_PARAM, PUSH_ROOM, long_id, "{\"actions\":[]}");
    put_fails(M_MISSING_PARAM, PUSH_ROOM, "a", "{}");
    put_fails(M_INVALID_PARAM, PUSH_ROOM, "a", "{\"actions\":\"notify\"}");
    put_fails(M_INVALID_PARAM, PUSH_ROOM, "a", "{\"actions\":[7]}");
    put_fails(M_INVALID_PARAM, PUSH_ROOM, "a", "{\"actions\":[{\"value\":1}]}");
    put_fails(M_MISSING_PARAM, PUSH_CONTENT, "a", "{\"actions\":[]}");
    put_fails(M_INVALID_PARAM, PUSH_CONTENT, "a", "{\"actions\":[],\"pattern\":7}");
    put_fails(M_INVALID_PARAM, PUSH_CONTENT, "a", "{\"actions\":[],\"pattern\":\"\\u0000\"}");
    put_fails(M_INVALID_PARAM, PUSH_OVERRIDE, "a", "{\"actions\":[],\"conditions\":7}");
    put_fails(M_INVALID_PARAM, PUSH_OVERRIDE, "a", "{\"actions\":[],\"conditions\":[7]}");
    put_fails(M_TOO_LARGE, PUSH_CONTENT, "a", long_body);
    put_fails(M_TOO_LARGE, PUSH_ROOM, "a", long_actions);
    assert_true(push_rules_are_default(rules));
}

static void a_neighbour_must_be_an_own_rule(void **state)
{
    (void)state;
    struct error error = {0};
    json_t *body = parse("{\"actions\":[]}");

    assert_int_equal(push_rules_put(rules, PUSH_OVERRIDE, "a", body,
                                    (struct push_rule_place){.before = "none"}, &error),
                     M_UNKNOWN);
    assert_int_equal(push_rules_put(rules, PUSH_OVERRIDE, "a", body,
                                    (struct push_rule_place){.after = ".m.rule.master"}, &error),
                     M_UNKNOWN);
    assert_true(push_rules_are_default(rules));
}

static void there_is_a_limit_to_the_number_of_rules(void **state)
{
    (void)state;
    json_t *body = parse("{\"actions\":[]}");

    for (int i = 0; i < PUSH_RULES_COUNT_MAX; i++)
        assert_int_equal(
            push_rules_put(rules, PUSH_ROOM, arena_printf(arena, "r%d", i), body, ANYWHERE, NULL),
            OK);
    put_fails(M_TOO_LARGE, PUSH_SENDER, "one", "{\"actions\":[]}");
    put(PUSH_ROOM, "r5", "{\"actions\":[\"notify\"]}");
}

static void rules_that_do_not_exist_are_not_found(void **state)
{
    (void)state;
    json_t *rule;

    assert_int_equal(push_rules_get(rules, PUSH_ROOM, "x", ME, &rule), M_NOT_FOUND);
    assert_int_equal(push_rules_get(rules, PUSH_ROOM, ".m.rule.master", ME, &rule), M_NOT_FOUND);
    assert_int_equal(push_rules_delete(rules, PUSH_ROOM, "x", NULL), M_NOT_FOUND);
    assert_int_equal(push_rules_set_enabled(rules, PUSH_ROOM, "x", true), M_NOT_FOUND);
    assert_int_equal(push_rules_set_actions(rules, PUSH_ROOM, "x", parse("[]"), NULL), M_NOT_FOUND);
    assert_int_equal(push_rules_set_actions(rules, PUSH_ROOM, "x", parse("{}"), NULL),
                     M_INVALID_PARAM);
    assert_int_equal(push_rules_delete(rules, PUSH_OVERRIDE, ".m.rule.master", NULL),
                     M_INVALID_PARAM);
    assert_int_equal(push_rule_kind_parse("sender"), PUSH_SENDER);
    assert_int_equal(push_rule_kind_parse("aftercontent"), PUSH_RULE_KIND_COUNT);
}

static void damaged_stored_rules_are_left_out(void **state)
{
    (void)state;
    rules = push_rules_parse(
        arena, parse("{\"override\":7,\"room\":[7,{},{\"rule_id\":\"a\"},"
                     "{\"rule_id\":\"b\",\"actions\":[]}],\"content\":[{\"rule_id\":\"c\","
                     "\"actions\":[]}],\"defaults\":{\".m.rule.call\":7,\".m.gone\":{}}}"));
    assert_string_equal(order_of("room"), "b");
    assert_string_equal(order_of("content"), "");
}

static void stored_text_that_is_no_json_counts_as_nothing(void **state)
{
    (void)state;
    rules = push_rules_parse_text(arena, "{\"room\":[{\"rule_id\":\"b\",\"actions\":[]}]}");
    assert_string_equal(order_of("room"), "b");
    assert_true(push_rules_are_default(push_rules_parse_text(arena, "{\"room\":[{")));
    assert_true(push_rules_are_default(push_rules_parse_text(arena, NULL)));
}

static void own_rules_get_new_actions(void **state)
{
    (void)state;
    put(PUSH_ROOM, "!r:a", "{\"actions\":[]}");
    assert_int_equal(push_rules_set_actions(rules, PUSH_ROOM, "!r:a", parse("[\"notify\"]"), NULL),
                     OK);
    assert_int_equal(flags_of(EVENT("m.reaction", "\"content\":{}"), 3), 0);
    assert_int_equal(flags_of(EVENT("m.room.topic", "\"content\":{}"), 3), PUSH_NOTIFY);
    put(PUSH_CONTENT, "word", "{\"actions\":[],\"pattern\":\"word\"}");
    assert_int_equal(flags_of(EVENT("m.room.topic", "\"content\":{}"), 3), PUSH_NOTIFY);
}

static void actions_become_flags(void **state)
{
    (void)state;
    static const struct {
        const char *actions;
        unsigned flags;
    } cases[] = {
        {"[]", 0},
        {"[\"dont_notify\"]", 0},
        {"[\"coalesce\"]", 0},
        {"[\"notify\",\"org.example.other\"]", PUSH_NOTIFY},
        {"[{\"set_tweak\":\"highlight\"}]", 0},
        {"[\"notify\",{\"set_tweak\":\"highlight\",\"value\":false}]", PUSH_NOTIFY},
        {"[\"notify\",{\"set_tweak\":\"highlight\",\"value\":true}]", PUSH_NOTIFY | PUSH_HIGHLIGHT},
        {"[\"notify\",{\"set_tweak\":\"sound\"}]", PUSH_NOTIFY},
        {"[\"notify\",{\"set_tweak\":\"flash\",\"value\":1}]", PUSH_NOTIFY},
        {"[\"notify\",{\"set_tweak\":\"sound\",\"value\":\"ring\"}]", PUSH_NOTIFY | PUSH_RING},
        {"[\"notify\",{\"x\":1}]", PUSH_NOTIFY},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(push_flags_from_actions(parse(cases[i].actions)), cases[i].flags);
    for (unsigned flags = 0; flags < 16; flags++) {
        unsigned sounds = flags & (PUSH_SOUND | PUSH_RING);
        if ((flags != 0 && (flags & PUSH_NOTIFY) == 0) || sounds == (PUSH_SOUND | PUSH_RING))
            continue;
        assert_int_equal(
            push_flags_from_actions(json_on_arena(arena, push_flags_to_actions(flags))), flags);
    }
}

static void scopes_tell_which_events_can_matter(void **state)
{
    (void)state;
    size_t count;

    push_rules_scopes(rules, arena, &count);
    assert_int_equal(count, 0);
    put(PUSH_ROOM, "!r:a", "{\"actions\":[]}");
    put(PUSH_SENDER, "@s:a", "{\"actions\":[]}");
    put(PUSH_OVERRIDE, "mute",
        "{\"actions\":[],\"conditions\":[{\"kind\":\"room_member_count\",\"is\":\"2\"},"
        "{\"kind\":\"event_match\",\"key\":\"room_id\",\"pattern\":\"!Q:a\"}]}");
    put(PUSH_OVERRIDE, "again",
        "{\"actions\":[],\"conditions\":[{\"kind\":\"event_match\",\"key\":\"sender\","
        "\"pattern\":\"@s:a\"}]}");
    const char **scopes = push_rules_scopes(rules, arena, &count);
    assert_int_equal(count, 3);
    assert_string_equal(scopes[0], "@s:a");
    assert_string_equal(scopes[1], "!Q:a");
    assert_string_equal(scopes[2], "!r:a");
    put(PUSH_CONTENT, "word", "{\"actions\":[],\"pattern\":\"x\"}");
    scopes = push_rules_scopes(rules, arena, &count);
    assert_int_equal(count, 4);
    assert_int_equal(push_rules_set_enabled(rules, PUSH_CONTENT, "word", false), OK);
    push_rules_scopes(rules, arena, &count);
    assert_int_equal(count, 3);
    put(PUSH_UNDERRIDE, "glob",
        "{\"actions\":[],\"conditions\":[{\"kind\":\"event_match\",\"key\":\"room_id\","
        "\"pattern\":\"!r*\"}]}");
    push_rules_scopes(rules, arena, &count);
    assert_int_equal(count, 4);
}

static void changed_predefined_rules_matter_everywhere(void **state)
{
    (void)state;
    size_t count;

    assert_int_equal(push_rules_set_enabled(rules, PUSH_UNDERRIDE, ".m.rule.call", false), OK);
    assert_string_equal(push_rules_scopes(rules, arena, &count)[0], "");
    assert_int_equal(count, 1);
}

static void a_room_upgrade_takes_the_rules_along(void **state)
{
    (void)state;
    put(PUSH_ROOM, "!old:a", "{\"actions\":[\"dont_notify\"]}");
    put(PUSH_OVERRIDE, "!old:a",
        "{\"actions\":[],\"conditions\":[{\"kind\":\"event_match\",\"key\":\"room_id\","
        "\"pattern\":\"!old:a\"}]}");
    put(PUSH_OVERRIDE, "other", "{\"actions\":[]}");
    put(PUSH_SENDER, "@s:a", "{\"actions\":[]}");
    assert_true(push_rules_copy_room(rules, "!old:a", "!new:a"));
    assert_string_equal(order_of("room"), "!new:a !old:a");
    assert_string_equal(order_of("override"), "other !new:a !old:a");
    assert_false(push_rules_copy_room(rules, "!old:a", "!new:a"));
    assert_false(push_rules_copy_room(rules, "!third:a", "!fourth:a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(predefined_rules_decide_as_the_spec_says),
        TEST(threads_notify_those_who_follow_them),
        TEST(nobody_in_particular_is_never_mentioned),
        TEST(own_rules_come_before_predefined_ones_of_their_kind),
        TEST(kinds_are_evaluated_in_order),
        TEST(master_silences_even_own_rules),
        TEST(predefined_rules_can_be_changed),
        TEST(a_rule_that_is_enabled_again_leaves_no_trace),
        TEST(new_rules_come_first_or_where_they_are_put),
        TEST(replacing_a_rule_keeps_it_disabled),
        TEST(clients_see_all_rules_in_order),
        TEST(bad_rules_are_refused),
        TEST(a_neighbour_must_be_an_own_rule),
        TEST(there_is_a_limit_to_the_number_of_rules),
        TEST(rules_that_do_not_exist_are_not_found),
        TEST(damaged_stored_rules_are_left_out),
        TEST(stored_text_that_is_no_json_counts_as_nothing),
        TEST(own_rules_get_new_actions),
        TEST(actions_become_flags),
        TEST(scopes_tell_which_events_can_matter),
        TEST(changed_predefined_rules_matter_everywhere),
        TEST(a_room_upgrade_takes_the_rules_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
