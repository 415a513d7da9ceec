#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_graph.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/builders.h"
#include "tests/support/memory_room.h"
#include "tests/support/test.h"

struct fixture {
    struct arena *arena;
    struct memory_room *room;
    struct event_graph graph;
};

static struct fixture make_fixture(struct arena *arena, uint64_t work_limit)
{
    struct fixture fixture = {.arena = arena, .room = memory_room_create(arena)};

    event_graph_init(&fixture.graph, arena, &fixture.room->source, work_limit, NULL);
    return fixture;
}

/* An event that cites up to three others; its ID is its name. */
static void add(struct fixture *fixture, const char *name, const char *type, const char *sender,
                int64_t ts, const char *const cited[3])
{
    const char **ids = ARENA_ARRAY(fixture->arena, 3, const char *);
    struct event_parts parts = {.event_id = name,
                                .type = type,
                                .sender = sender,
                                .state_key = "",
                                .origin_server_ts = ts,
                                .auth_events = ids};

    if (strcmp(type, "m.room.power_levels") == 0)
        parts.content = "{'users': {'@a:one': 100, '@b:one': 50}}";
    for (size_t i = 0; i < 3 && cited[i] != NULL; i++)
        ids[parts.auth_event_count++] = cited[i];
    memory_room_add(fixture->room, build_event(fixture->arena, room_version_find("11"), &parts));
}

static struct graph_node *node_of(struct fixture *fixture, const char *name)
{
    struct graph_node *node;

    assert_int_equal(event_graph_node(&fixture->graph, memory_room_ref(fixture->room, name), &node),
                     OK);
    return node;
}

static struct node_list list_of(struct fixture *fixture, const char *const *names, size_t count)
{
    struct node_list list = {0};

    for (size_t i = 0; i < count; i++)
        node_list_push(fixture->arena, &list, node_of(fixture, names[i]));
    return list;
}

static void assert_order(const struct node_list *list, const char *const *names, size_t count)
{
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(list->items[i]->event->event_id, names[i]);
}

#define CITES(...) ((const char *const[3]){__VA_ARGS__})

static void events_are_fetched_once_and_those_unknown_are_left_out(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fixture fixture = make_fixture(arena, 100);

    add(&fixture, "$c", "m.room.create", "@a:one", 1, CITES(NULL));
    add(&fixture, "$p", "m.room.power_levels", "@a:one", 2, CITES("$c", "$nowhere"));
    add(&fixture, "$x", "m.room.topic", "@a:one", 3, CITES("$p", "$c", "$p"));
    const char *const names[] = {"$x", "$p", "$x"};
    struct node_list list = list_of(&fixture, names, 3);

    for (int i = 0; i < 2; i++)
        assert_int_equal(event_graph_expand(&fixture.graph, &list), OK);
    assert_int_equal(fixture.room->fetched, 3);
    assert_int_equal(node_of(&fixture, "$x")->auth_count, 3);
    assert_int_equal(node_of(&fixture, "$p")->auth_count, 1);
    assert_ptr_equal(graph_node_auth(node_of(&fixture, "$x"), "m.room.create"),
                     node_of(&fixture, "$c"));
    assert_null(graph_node_auth(node_of(&fixture, "$x"), "m.room.name"));
    assert_int_equal(fixture.room->fetched, 3);
}

static void a_graph_grows_to_any_size_within_its_budget(void **state)
{
    (void)state;
    enum { EVENTS = 1500 };
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fixture fixture = make_fixture(arena, EVENTS - 1);
    struct graph_node *node;

    for (int i = 0; i < EVENTS; i++)
        add(&fixture, arena_printf(arena, "$%d", i), "m.room.topic", "@a:one", i, CITES(NULL));
    for (int64_t ref = 1; ref < EVENTS; ref++)
        assert_int_equal(event_graph_node(&fixture.graph, ref, &node), OK);
    for (int64_t ref = 1; ref < EVENTS; ref++) {
        assert_int_equal(event_graph_node(&fixture.graph, ref, &node), OK);
        assert_int_equal(node->ref, ref);
    }
    assert_int_equal(event_graph_node(&fixture.graph, EVENTS, &node), E_UNAVAILABLE);
}

static void power_order_puts_auth_events_first_then_rank_then_age_then_id(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fixture fixture = make_fixture(arena, 100);

    add(&fixture, "$c", "m.room.create", "@a:one", 1, CITES(NULL));
    add(&fixture, "$p", "m.room.power_levels", "@a:one", 9, CITES("$c"));
    add(&fixture, "$low", "m.room.topic", "@z:one", 1, CITES("$c", "$p"));
    add(&fixture, "$mid", "m.room.topic", "@b:one", 1, CITES("$c", "$p"));
    add(&fixture, "$top2", "m.room.topic", "@a:one", 5, CITES("$c", "$p"));
    add(&fixture, "$top3", "m.room.topic", "@a:one", 5, CITES("$c", "$p"));
    add(&fixture, "$top1", "m.room.topic", "@a:one", 4, CITES("$c", "$p"));
    add(&fixture, "$after", "m.room.name", "@a:one", 1, CITES("$c", "$p", "$low"));
    add(&fixture, "$alone", "m.room.name", "@z:one", 0, CITES(NULL));
    const char *const names[] = {"$after", "$low",  "$mid",   "$top3",
                                 "$top2",  "$top1", "$alone", "$p"};
    const char *const order[] = {"$p",   "$top1",  "$top2", "$top3",
                                 "$mid", "$alone", "$low",  "$after"};
    struct node_list list = list_of(&fixture, names, COUNT_OF(names));

    assert_int_equal(reverse_topological_power_order(&fixture.graph, &list, NULL), OK);
    /* $alone waits for nobody, but its sender has no power; $low has none either and is newer. */
    assert_order(&list, order, COUNT_OF(order));
}

static void mainline_order_puts_those_with_older_power_levels_first(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fixture fixture = make_fixture(arena, 100);

    add(&fixture, "$c", "m.room.create", "@a:one", 1, CITES(NULL));
    add(&fixture, "$p1", "m.room.power_levels", "@a:one", 2, CITES("$c"));
    add(&fixture, "$p2", "m.room.power_levels", "@a:one", 3, CITES("$c", "$p1"));
    add(&fixture, "$p3", "m.room.power_levels", "@a:one", 4, CITES("$c", "$p2"));
    add(&fixture, "$fork", "m.room.power_levels", "@a:one", 5, CITES("$c", "$p1"));
    add(&fixture, "$on_p3", "m.room.topic", "@a:one", 1, CITES("$c", "$p3"));
    add(&fixture, "$on_p2", "m.room.topic", "@a:one", 2, CITES("$c", "$p2"));
    add(&fixture, "$on_fork", "m.room.topic", "@a:one", 3, CITES("$c", "$fork"));
    add(&fixture, "$on_p1", "m.room.topic", "@a:one", 4, CITES("$c", "$p1"));
    add(&fixture, "$on_nothing", "m.room.topic", "@a:one", 99, CITES("$c"));
    add(&fixture, "$on_p1_too", "m.room.topic", "@a:one", 4, CITES("$c", "$p1"));
    const char *const names[] = {"$on_p3", "$on_p1_too",  "$on_p1",
                                 "$on_p2", "$on_nothing", "$on_fork"};
    const char *const order[] = {"$on_nothing", "$on_fork", "$on_p1",
                                 "$on_p1_too",  "$on_p2",   "$on_p3"};
    struct node_list list = list_of(&fixture, names, COUNT_OF(names));

    assert_int_equal(mainline_order(&fixture.graph, node_of(&fixture, "$p3"), &list), OK);
    assert_order(&list, order, COUNT_OF(order));
}

static void without_power_levels_age_decides(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fixture fixture = make_fixture(arena, 100);
    struct node_list nothing = {0};

    add(&fixture, "$new", "m.room.topic", "@a:one", 2, CITES(NULL));
    add(&fixture, "$old", "m.room.topic", "@a:one", 1, CITES(NULL));
    const char *const names[] = {"$new", "$old"};
    const char *const order[] = {"$old", "$new"};
    struct node_list list = list_of(&fixture, names, 2);

    assert_int_equal(mainline_order(&fixture.graph, NULL, &list), OK);
    assert_order(&list, order, 2);
    assert_int_equal(mainline_order(&fixture.graph, NULL, &nothing), OK);
    assert_int_equal(reverse_topological_power_order(&fixture.graph, &nothing, NULL), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_fetched_once_and_those_unknown_are_left_out),
        cmocka_unit_test(a_graph_grows_to_any_size_within_its_budget),
        cmocka_unit_test(power_order_puts_auth_events_first_then_rank_then_age_then_id),
        cmocka_unit_test(mainline_order_puts_those_with_older_power_levels_first),
        cmocka_unit_test(without_power_levels_age_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
