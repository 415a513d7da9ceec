#ifndef STORAGE_TO_DEVICE_H
#define STORAGE_TO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/position_range.h"

struct arena;
struct db;
struct journal_entry;

/*
 * Messages from device to device: kept until the receiver has synced past them, in the order of the
 * journal.
 */
struct to_device_batch {
    int64_t sender_nid;
    const char *type;
    /* Parallel: to whom, which device ("*": all of them), JSON text. */
    const int64_t *user_nids;
    const char *const *device_ids;
    const char *const *contents;
    size_t count;
};

/* Adds to a journal entry, once per entry at most: a device has one message at a position. What is
 * for a device that does not exist is dropped. Wakes the receivers. */
void to_device_add_in(struct journal_entry *entry, const struct to_device_batch *batch);

struct to_device_reader {
    int64_t user_nid;
    const char *device_id;
    struct position_range range; /* limit: messages */
};

struct to_device_message {
    int64_t position;
    const char *sender; /* user ID */
    const char *type;
    const char *content; /* JSON text */
};

/* Deletes what the device has acknowledged, up to range.since, and reads what follows, oldest
 * first. */
enum errcode to_device_read_on(struct db *db, struct arena *arena,
                               const struct to_device_reader *reader,
                               struct to_device_message **out, size_t *count_out) MUST_CHECK;

/* Reads without deleting anything. */
enum errcode to_device_read(struct db *db, struct arena *arena,
                            const struct to_device_reader *reader, struct to_device_message **out,
                            size_t *count_out) MUST_CHECK;

/* What waits longer than anybody comes back for: the messages of devices that were not used since
 * `before_ts` (ms), but for dehydrated ones, on which nobody is ever seen. */
enum errcode to_device_expire(struct db *db, int64_t before_ts) MUST_CHECK;

/* Deletes what is beyond `messages_max` from one sender to one device, the newest first: a flood
 * does not push out what others sent. */
enum errcode to_device_trim(struct db *db, int64_t messages_max) MUST_CHECK;

/* Transaction identifiers; the scope is the sending device. */
struct to_device_transaction {
    int64_t user_nid;
    const char *device_id; /* "" for an application service without one */
    const char *txn_key;   /* event type and transaction ID */
};

enum errcode to_device_transaction_find(struct db *db, struct arena *arena,
                                        const struct to_device_transaction *transaction,
                                        bool *is_known_out) MUST_CHECK;

/* Adds to the messages' entry, which fails with E_CONFLICT when the ID was used meanwhile. */
void to_device_transaction_add_in(struct journal_entry *entry,
                                  const struct to_device_transaction *transaction, int64_t now_ms);

/* Deletes those that are older than `before_ts`. */
enum errcode to_device_transactions_expire(struct db *db, int64_t before_ts) MUST_CHECK;

#endif
