#include <pthread.h>
#include <stdatomic.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "storage/db.h"
#include "storage/listen_notify.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

static const struct db_statement listen_bell = {"test_listen", "LISTEN bell"};

/* What was heard, as one text: "* " for each time the listener began to listen. */
struct ear {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char heard[200];
};

static void hear(void *context, const char *payload)
{
    struct ear *ear = context;

    pthread_mutex_lock(&ear->lock);
    size_t length = strlen(ear->heard);
    snprintf(ear->heard + length, sizeof(ear->heard) - length, "%s ",
             payload != NULL ? payload : "*");
    pthread_cond_signal(&ear->changed);
    pthread_mutex_unlock(&ear->lock);
}

static void wait_until_heard(struct ear *ear, const char *text)
{
    struct timespec deadline;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    pthread_mutex_lock(&ear->lock);
    while (strcmp(ear->heard, text) != 0 && status == 0)
        status = pthread_cond_timedwait(&ear->changed, &ear->lock, &deadline);
    pthread_mutex_unlock(&ear->lock);
    assert_string_equal(ear->heard, text);
}

static void payloads_arrive_in_order_also_after_a_lost_connection(void **state)
{
    struct storage_fixture *fixture = *state;
    struct ear ear = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct listen_notify *listener;

    const struct listen_options options = {.conninfo = test_database_conninfo(fixture->database),
                                           .listen = &listen_bell,
                                           .callback = hear,
                                           .context = &ear};

    assert_int_equal(listen_notify_create(&options, &listener), OK);
    wait_until_heard(&ear, "* ");
    test_sql(fixture->db, "NOTIFY bell, 'one'; NOTIFY bell, 'two'");
    wait_until_heard(&ear, "* one two ");
    test_database_terminate_backends(fixture->database);
    wait_until_heard(&ear, "* one two * ");
    test_sql(fixture->db, "NOTIFY bell, 'three'");
    wait_until_heard(&ear, "* one two * three ");
    listen_notify_destroy(listener);
}

/* Once a check that was asked for after the commit is done, the ear has heard of it. */
struct checked_ear {
    struct ear ear;
    _Atomic int64_t asked_ms; /* of the last check */
    _Atomic int64_t committed_ms;
    atomic_bool has_missed;
};

static void on_checked(void *context, int64_t asked_ms)
{
    struct checked_ear *checked = context;
    int64_t committed_ms = atomic_load(&checked->committed_ms);

    pthread_mutex_lock(&checked->ear.lock);
    if (committed_ms != 0 && asked_ms > committed_ms && strcmp(checked->ear.heard, "* ended ") != 0)
        atomic_store(&checked->has_missed, true);
    atomic_store(&checked->asked_ms, asked_ms);
    pthread_cond_broadcast(&checked->ear.changed);
    pthread_mutex_unlock(&checked->ear.lock);
}

static void a_check_comes_after_what_was_notified_before_it_was_asked(void **state)
{
    struct storage_fixture *fixture = *state;
    struct checked_ear checked = {
        .ear = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}};
    struct listen_notify *listener;
    const struct listen_options options = {.conninfo = test_database_conninfo(fixture->database),
                                           .listen = &listen_bell,
                                           .callback = hear,
                                           .context = &checked,
                                           .check_every_ms = 1,
                                           .checked = on_checked};

    assert_int_equal(listen_notify_create(&options, &listener), OK);
    wait_until_heard(&checked.ear, "* ");
    test_sql(fixture->db, "NOTIFY bell, 'ended'");
    atomic_store(&checked.committed_ms, clock_monotonic_ms());
    pthread_mutex_lock(&checked.ear.lock);
    while (atomic_load(&checked.asked_ms) <= atomic_load(&checked.committed_ms))
        pthread_cond_wait(&checked.ear.changed, &checked.ear.lock);
    pthread_mutex_unlock(&checked.ear.lock);
    listen_notify_destroy(listener);
    assert_false(atomic_load(&checked.has_missed));
    assert_string_equal(checked.ear.heard, "* ended ");
}

/* Ends the listener's connection after the first check, when the next one is due. */
struct cut_ear {
    struct ear ear;
    struct test_database *database;
    bool is_cut;
};

static void cut_once(void *context, int64_t asked_ms)
{
    struct cut_ear *cut = context;

    if (cut->is_cut)
        return;
    cut->is_cut = true;
    test_database_terminate_backends(cut->database);
    while (clock_monotonic_ms() <= asked_ms + 1)
        continue;
}

static void a_connection_that_is_lost_when_a_check_is_due_is_listened_on_again(void **state)
{
    struct storage_fixture *fixture = *state;
    struct cut_ear cut = {
        .ear = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER},
        .database = fixture->database};
    struct listen_notify *listener;
    const struct listen_options options = {.conninfo = test_database_conninfo(fixture->database),
                                           .listen = &listen_bell,
                                           .callback = hear,
                                           .context = &cut,
                                           .check_every_ms = 1,
                                           .checked = cut_once};

    assert_int_equal(listen_notify_create(&options, &listener), OK);
    wait_until_heard(&cut.ear, "* * ");
    test_sql(fixture->db, "NOTIFY bell, 'ended'");
    wait_until_heard(&cut.ear, "* * ended ");
    listen_notify_destroy(listener);
}

static void a_listener_without_database_stops_at_once(void **state)
{
    (void)state;
    struct ear ear = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct listen_notify *listener;

    const struct listen_options options = {
        .conninfo = "host=/nonexistent", .listen = &listen_bell, .callback = hear, .context = &ear};

    assert_int_equal(listen_notify_create(&options, &listener), OK);
    listen_notify_destroy(listener);
    assert_string_equal(ear.heard, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(payloads_arrive_in_order_also_after_a_lost_connection,
                                        storage_setup_empty, storage_teardown),
        cmocka_unit_test_setup_teardown(a_check_comes_after_what_was_notified_before_it_was_asked,
                                        storage_setup_empty, storage_teardown),
        cmocka_unit_test_setup_teardown(
            a_connection_that_is_lost_when_a_check_is_due_is_listened_on_again, storage_setup_empty,
            storage_teardown),
        cmocka_unit_test(a_listener_without_database_stops_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
