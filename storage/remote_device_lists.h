#ifndef STORAGE_REMOTE_DEVICE_LISTS_H
#define STORAGE_REMOTE_DEVICE_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;
struct journal_entry;

/*
 * The devices of other servers' users; see migrations/0034_remote_device_lists.sql. They are read
 * together with those of our users, by device_keys_of_users().
 */
struct remote_device_list {
    bool is_shared; /* somebody here is in a room with them: they tell us of changes */
    bool is_stored; /* something was fetched once, maybe long ago */
    bool is_fresh;  /* what is stored is what their server has */
};

/* In the order of `user_nids`; a number of 0 has nothing. `*out` has `count` items. */
enum errcode remote_device_lists_load(struct db *db, struct arena *arena, const int64_t *user_nids,
                                      size_t count, struct remote_device_list **out) MUST_CHECK;

/* To be called before lists are fetched: from now on updates are noted. The generations, to be
 * given back with what was fetched, are in the order of `user_nids` (each once). */
enum errcode remote_device_lists_begin(struct db *db, struct arena *arena, const int64_t *user_nids,
                                       size_t count, int64_t **generations_out) MUST_CHECK;

struct remote_device {
    const char *device_id;
    const char *display_name; /* NULL: none */
    const char *keys;         /* JSON text without `unsigned`; NULL: the device is gone */
};
enum { REMOTE_DEVICES_MAX = 1000 }; /* of one user; what is more is not kept */

/* Adds to a journal entry: the whole list, replacing what there was. */
struct fetched_device_list {
    int64_t user_nid;
    int64_t stream_id;
    int64_t tracked_position; /* of the journal, before the request was sent */
    int64_t generation;
    const struct remote_device *devices;
    size_t device_count;
};
void remote_device_list_set_in(struct journal_entry *entry, struct arena *arena,
                               const struct fetched_device_list *list);

/* Adds to a journal entry: one update. It is taken over when it follows on what is stored,
 * otherwise the list is to be fetched again. Nothing happens to lists that are not stored. */
struct device_list_step {
    int64_t user_nid;
    int64_t stream_id;
    int64_t newest_prev_id; /* what the update follows on; negative: nothing */
    struct remote_device device;
};
void remote_device_list_update_in(struct journal_entry *entry, const struct device_list_step *step);

/* Adds to a journal entry: something was heard that a list under way may not contain. */
void remote_device_list_heard_in(struct journal_entry *entry, int64_t user_nid);

/* Forgets the lists, and the cross-signing keys, of those with whom nobody here shares a room. */
enum errcode remote_device_lists_forget(struct db *db) MUST_CHECK;

#endif
