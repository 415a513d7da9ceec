/* A journal over a test's own database. */
#include "tests/support/journal.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "tests/support/test.h"

int journal_setup(void **state)
{
    struct journal_fixture *fixture = calloc(1, sizeof(*fixture));
    void *storage = NULL;

    assert_non_null(fixture);
    assert_int_equal(storage_setup(&storage), 0);
    fixture->storage = storage;
    fixture->db = fixture->storage->db;
    fixture->arena = fixture->storage->arena;
    fixture->journal = journal_create(test_database_conninfo(fixture->storage->database));
    assert_int_equal(journal_start(fixture->journal), OK);
    *state = fixture;
    return 0;
}

int journal_teardown(void **state)
{
    struct journal_fixture *fixture = *state;
    void *storage = fixture->storage;

    journal_destroy(fixture->journal);
    free(fixture);
    return storage_teardown(&storage);
}

enum errcode journal_try(struct journal_fixture *fixture, struct journal_entry *entry_owned)
{
    struct commit_group *group = commit_group_create();

    journal_submit(fixture->journal, entry_owned, group);
    enum errcode outcome = commit_group_wait(group);
    commit_group_release(group);
    return outcome;
}

int64_t journal_commit(struct journal_fixture *fixture, struct journal_entry *entry_owned)
{
    assert_int_equal(journal_try(fixture, entry_owned), OK);
    return journal_position(fixture->journal);
}
