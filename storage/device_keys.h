#ifndef STORAGE_DEVICE_KEYS_H
#define STORAGE_DEVICE_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;
struct journal_entry;

/* The identity keys of devices. Those of local users end with their device; those of other servers'
 * users are read here and written by storage/remote_device_lists.h. */
struct device_keys_row {
    size_t user; /* whose: index into the users asked for */
    const char *device_id;
    const char *display_name; /* NULL: none */
    const char *keys;         /* JSON text without `unsigned` */
};

/* Of a local user; M_NOT_FOUND when the device has uploaded none. */
enum errcode device_keys_load(struct db *db, struct arena *arena, int64_t user_nid,
                              const char *device_id, const char **keys_out) MUST_CHECK;

/* All devices with keys of these users, local or not; a number of 0 has none. */
enum errcode device_keys_of_users(struct db *db, struct arena *arena, const int64_t *user_nids,
                                  size_t user_count, struct device_keys_row **out,
                                  size_t *count_out) MUST_CHECK;

/* Adds to a journal entry; E_CONFLICT at the commit when the device ended meanwhile. */
void device_keys_set_in(struct journal_entry *entry, int64_t user_nid, const char *device_id,
                        const char *keys);

#endif
