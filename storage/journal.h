#ifndef STORAGE_JOURNAL_H
#define STORAGE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/*
 * How anything becomes visible: everything that readers follow in order gets one position in one
 * sequence, written by one thread that commits whatever is waiting in one transaction (group commit
 * without a timer).
 *
 *   I4  a completion with OK comes only after COMMIT;
 *   I5  positions become visible in order: the position lock is held from assignment to COMMIT;
 *   I6  when a batch fails nothing of it was visible; its entries are repeated one by one and only
 *       the bad ones fail;
 *   I7  an entry may name the version of a room's head it was built on; when another node moved the
 *       head meanwhile the entry fails with E_CONFLICT and is to be rebuilt.
 */
struct journal;
struct journal_entry;
struct arena;

/* A statement parameter that becomes the entry's position when the batch is written. */
#define POSITION              ((struct db_param){.kind = DB_INT, .number = JOURNAL_POSITION_MARK})
#define JOURNAL_POSITION_MARK INT64_MIN

/* An entry owns an arena; all its parts are copied there, so it may outlive the request. */
struct journal_entry *journal_entry_create(void);
void journal_entry_destroy(struct journal_entry *entry);
struct arena *journal_entry_arena(struct journal_entry *entry);

/* Adds a statement; parameters are copied. Runs inside the batch's transaction, in order. */
void journal_entry_add(struct journal_entry *entry, const struct db_statement *statement,
                       struct db_params params);

/* As above, but the entry fails with E_CONFLICT unless exactly `rows` rows are touched: uniqueness
 * ("claim this key", "first use of this transaction ID") is decided inside the batch. */
void journal_entry_add_expecting(struct journal_entry *entry, const struct db_statement *statement,
                                 struct db_params params, int64_t rows);

/* Adds a row to what a statement writes that takes one array for each column (whole numbers that
 * are not NULL, truth values, texts, bytes): all rows of a batch go in one run, before the other
 * statements of its entries. */
void journal_entry_add_row(struct journal_entry *entry, const struct db_statement *statement,
                           struct db_params values);

/* One new event and the room head it makes; see storage/events.h. Written by array-unnest together
 * with the events of the other entries of the batch. At most one per entry. */
struct new_event;
void journal_entry_set_event(struct journal_entry *entry, const struct new_event *event);

/* Beside the rows that say the same: what the entry's event does for single users is remembered
 * with it. Texts are copied. */
void journal_entry_note_personal(struct journal_entry *entry, int64_t user_nid, unsigned flags);
void journal_entry_note_thread(struct journal_entry *entry, const char *root_event_id);
struct client_transaction;
void journal_entry_note_transaction(struct journal_entry *entry,
                                    const struct client_transaction *transaction);

/* The entry changes the stored form of events of the rooms that it wakes, or adds to them past
 * journal_entry_set_event(). */
void journal_entry_rewrites_event(struct journal_entry *entry);

/* Called on the journal's thread once the entry's fate is known, before its group learns of it;
 * `position` is 0 unless the outcome is OK. At most one per entry. */
typedef void (*journal_outcome)(void *context, enum errcode outcome, int64_t position);
void journal_entry_on_outcome(struct journal_entry *entry, journal_outcome callback, void *context);

/* Whom to wake after COMMIT: everybody who is in the room, or one user. */
void journal_entry_wake_room(struct journal_entry *entry, int64_t room_nid);
/* For what adds a message to the timeline and changes nothing else of the room: no state, receipt,
 * presence, device list, redaction. Whoever reads skips those sections. */
void journal_entry_wake_room_for_message(struct journal_entry *entry, int64_t room_nid);
void journal_entry_wake_user(struct journal_entry *entry, int64_t user_nid);

/*
 * The entries that one call has handed over and must see committed before it answers. Reference
 * counted: the call holds one reference, every entry under way another.
 */
struct commit_group;
struct commit_group *commit_group_create(void);
void commit_group_release(struct commit_group *group);

/* Takes the entry. The group (may be NULL) learns of the outcome. */
void journal_submit(struct journal *journal, struct journal_entry *entry_owned,
                    struct commit_group *group);

/* Destroys an entry that will not be submitted after all; its owner learns that it failed. */
void journal_entry_abandon(struct journal_entry *entry);

/* Called once, on the journal's thread or on this one, when nothing of the group is under way any
 * more; `outcome` is OK or the first failure. Register after the last submit. */
typedef void (*commit_callback)(void *context, enum errcode outcome);
void commit_group_when_done(struct commit_group *group, commit_callback callback, void *context);

/* Blocks this thread until all of the group so far is committed; the outcome. For jobs and for the
 * few calls that must read what they wrote. */
enum errcode commit_group_wait(struct commit_group *group) MUST_CHECK;

/* Position of the newest committed change: everything up to it may be read. Learned from the
 * database by journal_start() and kept current by commits and by the notifications of other nodes.
 */
int64_t journal_position(const struct journal *journal);

/* Statements run for batches so far, those of every batch that was answered included: cost models
 * are checked by counting. */
int64_t journal_statements_run(const struct journal *journal);

/* Called on the journal's thread after every COMMIT, with what the batch touched; also for batches
 * of other nodes (learned by NOTIFY), then with `everything` when the list was too long to tell. */
struct journal_change {
    int64_t position; /* newest */
    const int64_t *room_nids;
    size_t room_count;
    const int64_t *message_room_nids; /* where only messages were added */
    size_t message_room_count;
    const int64_t *user_nids;
    size_t user_count;
    bool everything;
    bool from_other_node;
};
typedef void (*journal_listener)(void *context, const struct journal_change *change);

/* `conninfo` as for db_create. Other processes on the same database (further nodes, the command
 * line) are told of every commit, and theirs are heard. */
struct journal *journal_create(const char *conninfo);

/* Where committed events are remembered; borrowed, set before journal_start(). */
struct recent_events;
void journal_set_recent_events(struct journal *journal, struct recent_events *recent);
/* Likewise the transaction IDs that made them. */
struct recent_transactions;
void journal_set_recent_transactions(struct journal *journal, struct recent_transactions *recent);

/* Up to eight listeners, registered before the first submit. */
void journal_add_listener(struct journal *journal, journal_listener listener, void *context);
/* Reads the position and starts the writer's thread. E_UNAVAILABLE when the database is away. */
enum errcode journal_start(struct journal *journal) MUST_CHECK;

/* What another node committed (the payload of its NOTIFY); listeners are told. NULL: notifications
 * may have been lost, so anything may have changed. */
void journal_notified(struct journal *journal, const char *payload);

/* Writes what is waiting, then stops. */
void journal_destroy(struct journal *journal);

#endif
