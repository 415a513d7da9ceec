#ifndef STORAGE_RECENT_TRANSACTIONS_H
#define STORAGE_RECENT_TRANSACTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct client_transaction;

/*
 * Transaction IDs that this process saw committed, and the devices of which it may believe that an
 * ID it does not remember is new. That is only a guess, and saves the question to the database: the
 * unique key decides when the event is committed, and the repeated request asks. A device that made
 * us guess wrong once (its request went to another node, or we have forgotten) is not guessed about
 * again. A memory with a limit in bytes. Thread-safe.
 *
 * Every function but create takes NULL: then nothing is remembered and nothing is guessed.
 */
struct recent_transactions;

struct recent_transactions *recent_transactions_create(size_t limit_bytes);
void recent_transactions_destroy(struct recent_transactions *recent);

/* The transaction has been committed. */
void recent_transactions_add(struct recent_transactions *recent,
                             const struct client_transaction *transaction, const char *event_id);

/* The event of the transaction on the arena, or NULL. */
const char *recent_transactions_find(struct recent_transactions *recent, struct arena *arena,
                                     const struct client_transaction *transaction);

/* May an ID of this device that was not found be taken for a new one? */
bool recent_transactions_may_guess(struct recent_transactions *recent,
                                   const struct client_transaction *transaction);

/* The database was asked and had no event for the transaction / had one although it was taken for
 * new. */
void recent_transactions_was_new(struct recent_transactions *recent,
                                 const struct client_transaction *transaction);
void recent_transactions_guessed_wrong(struct recent_transactions *recent,
                                       const struct client_transaction *transaction);

#endif
