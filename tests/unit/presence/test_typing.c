#include <pthread.h>

#include "homeserver/base/arena.h"
#include "homeserver/presence/typing.h"
#include "tests/support/test.h"

static struct arena *arena;
static struct typing *typing;

static int setup(void **state)
{
    (void)state;
    arena = arena_create();
    typing = typing_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    typing_destroy(typing);
    arena_release(&arena);
    return 0;
}

/* The names in a room, separated by spaces. */
static const char *names(int64_t room_nid)
{
    const char *text = "";
    size_t count;
    const char **user_ids = typing_users(typing, arena, room_nid, &count);

    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? " " : "", user_ids[i]);
    return text;
}

static void who_types_is_listed_in_order(void **state)
{
    (void)state;
    assert_string_equal(names(1), "");
    typing_set(typing, 1, "@b:one", 5000, 0);
    typing_set(typing, 1, "@a:one", 5000, 0);
    typing_set(typing, 2, "@c:one", 5000, 0);
    assert_string_equal(names(1), "@b:one @a:one");
    typing_set(typing, 1, "@b:one", 0, 10);
    assert_string_equal(names(1), "@a:one");
    typing_set(typing, 1, "@nobody:one", 0, 10);
    assert_string_equal(names(1), "@a:one");
}

static void changes_raise_the_counter(void **state)
{
    (void)state;
    int64_t start = typing_counter(typing);

    assert_false(typing_changed(typing, 1, start));
    typing_set(typing, 1, "@a:one", 5000, 0);
    int64_t one = typing_counter(typing);
    assert_true(typing_changed(typing, 1, start));
    assert_false(typing_changed(typing, 1, one));
    assert_false(typing_changed(typing, 2, start));
    /* Going on typing is no news. */
    typing_set(typing, 1, "@a:one", 9000, 4000);
    assert_int_equal(typing_counter(typing), one);
    typing_set(typing, 1, "@a:one", 0, 5000);
    assert_true(typing_changed(typing, 1, one));
}

static void typing_ends_by_itself(void **state)
{
    (void)state;
    typing_set(typing, 1, "@a:one", 5000, 0);
    typing_set(typing, 1, "@b:one", 9000, 0);
    int64_t since = typing_counter(typing);
    typing_expire(typing, 4999);
    assert_string_equal(names(1), "@a:one @b:one");
    assert_false(typing_changed(typing, 1, since));
    typing_expire(typing, 5000);
    assert_string_equal(names(1), "@b:one");
    assert_true(typing_changed(typing, 1, since));
    typing_expire(typing, 9000);
    assert_string_equal(names(1), "");
}

/* P-11 */
static void absurd_timeouts_are_clamped(void **state)
{
    (void)state;
    typing_set(typing, 1, "@a:one", INT64_MAX, 0);
    typing_set(typing, 1, "@b:one", 1, 0);
    typing_expire(typing, 500);
    assert_string_equal(names(1), "@a:one @b:one");
    typing_expire(typing, TYPING_TIMEOUT_MAX_MS);
    assert_string_equal(names(1), "");
}

static void a_room_holds_a_limited_number_of_names(void **state)
{
    (void)state;
    size_t count;

    for (int i = 0; i < TYPING_USERS_MAX + 50; i++)
        typing_set(typing, 1, arena_printf(arena, "@u%d:one", i), 5000, 0);
    typing_users(typing, arena, 1, &count);
    assert_int_equal(count, TYPING_USERS_MAX);
}

static void count_change(void *context, int64_t room_nid)
{
    int64_t *sum = context;
    *sum += room_nid;
}

static void the_listener_hears_of_every_change(void **state)
{
    (void)state;
    int64_t sum = 0;

    typing_listen(typing, count_change, &sum);
    for (int64_t room_nid = 1; room_nid <= 600; room_nid++)
        typing_set(typing, room_nid, "@a:one", 5000, 0);
    assert_int_equal(sum, 600 * 601 / 2);
    typing_set(typing, 7, "@a:one", 5000, 0);
    assert_int_equal(sum, 600 * 601 / 2);
    typing_expire(typing, 5000);
    assert_int_equal(sum, 600 * 601);
}

static void quiet_rooms_are_forgotten_in_the_end(void **state)
{
    (void)state;
    typing_set(typing, 1, "@a:one", 5000, 0);
    typing_set(typing, 1, "@a:one", 0, 1000);
    typing_expire(typing, 60 * 60 * 1000);
    assert_true(typing_changed(typing, 1, 0));
    typing_expire(typing, 2 * 60 * 60 * 1000);
    assert_false(typing_changed(typing, 1, 0));
}

static void *type_a_lot(void *context)
{
    const char *user_id = context;

    for (int i = 0; i < 2000; i++) {
        typing_set(typing, i % 7, user_id, i % 3 == 0 ? 0 : 5000, i);
        if (i % 100 == 0)
            typing_expire(typing, i);
    }
    return NULL;
}

static void threads_may_type_at_the_same_time(void **state)
{
    (void)state;
    static char users[4][8] = {"@a:one", "@b:one", "@c:one", "@d:one"};
    pthread_t threads[COUNT_OF(users)];

    for (size_t i = 0; i < COUNT_OF(users); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, type_a_lot, users[i]), 0);
    for (size_t i = 0; i < COUNT_OF(users); i++)
        pthread_join(threads[i], NULL);
    assert_true(typing_counter(typing) > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_types_is_listed_in_order),
        TEST(changes_raise_the_counter),
        TEST(typing_ends_by_itself),
        TEST(absurd_timeouts_are_clamped),
        TEST(a_room_holds_a_limited_number_of_names),
        TEST(the_listener_hears_of_every_change),
        TEST(quiet_rooms_are_forgotten_in_the_end),
        TEST(threads_may_type_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
