#ifndef STORAGE_JOURNAL_INTERNAL_H
#define STORAGE_JOURNAL_INTERNAL_H

/* Shared by the files of the journal only. */
#include "homeserver/base/array.h"
#include "storage/events.h"
#include "storage/journal.h"

/* An entry of the group is under way / has met its fate. */
void commit_group_enter(struct commit_group *group);
void commit_group_leave(struct commit_group *group, enum errcode outcome);

struct entry_statement {
    struct entry_statement *next;
    const struct db_statement *statement;
    struct db_param *params;
    size_t param_count;
    int64_t expected_rows; /* -1: any */
    int64_t affected;      /* after the run */
};

struct statement_list {
    struct entry_statement *first;
    struct entry_statement *last;
};

struct wake_list {
    int64_t *nids;
    size_t count;
    size_t capacity;
};

struct journal_entry {
    struct journal_entry *next; /* in the queue or the batch */
    struct arena *arena;
    struct statement_list rows; /* journal_entry_add_row(): `affected` is not known */
    struct statement_list statements;
    struct new_event *event; /* NULL: none */
    struct event_effects effects;
    ARRAY_OF(struct personal_action) personal;    /* becomes part of `effects` */
    const struct client_transaction *transaction; /* NULL: none */
    bool rewrites_event;
    struct wake_list rooms;
    struct wake_list message_rooms;
    struct wake_list users;
    journal_outcome on_outcome;
    void *outcome_context;
    struct commit_group *group; /* NULL: nobody waits */
    size_t bytes;               /* an estimate, for the size of a batch */
    int64_t position;
};

/* storage/journal_batch.c: writes the entries (a list) in one transaction and assigns positions.
 * On success `*position_out` is the newest. On failure nothing was written. */
enum errcode journal_write_batch(struct db *db, struct arena *arena, struct journal_entry *first,
                                 const char *notify_payload, int64_t *position_out) MUST_CHECK;

/* storage/journal_rows.c: one statement for all rows of its kind; positions must be assigned. */
enum errcode journal_pipeline_rows(struct db *db, struct arena *arena,
                                   const struct journal_entry *first) MUST_CHECK;

#endif
