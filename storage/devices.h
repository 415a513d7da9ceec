#ifndef STORAGE_DEVICES_H
#define STORAGE_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;
struct journal_entry;

struct device {
    const char *device_id;
    const char *display_name;         /* NULL: none */
    int64_t last_seen_ts;             /* milliseconds since 1970; 0: never */
    const char *last_seen_address;    /* NULL: never */
    const char *last_seen_user_agent; /* NULL: never, or it sent none */
};

/* Makes the device, or keeps the one that exists together with its name. */
enum errcode device_insert(struct db *db, int64_t user_nid, const char *device_id,
                           const char *display_name, int64_t now_ms) MUST_CHECK;

/* M_NOT_FOUND when the user has no such device. */
enum errcode device_load(struct db *db, struct arena *arena, int64_t user_nid,
                         const char *device_id, struct device *out) MUST_CHECK;

/* In order of device ID. */
enum errcode devices_load(struct db *db, struct arena *arena, int64_t user_nid,
                          const struct device **out, size_t *count_out) MUST_CHECK;

/* Does nothing when another node has noted a use within the last `interval_ms`. */
struct device_use {
    int64_t user_nid;
    const char *device_id;
    const char *address;
    const char *user_agent; /* NULL: none */
    int64_t now_ms;
    int64_t interval_ms;
};
enum errcode device_note_use(struct db *db, const struct device_use *use) MUST_CHECK;

/* Other users can see these two, so they travel through the journal. Deleting a device takes its
 * tokens with it. `display_name` NULL takes the name away. */
void device_rename_in(struct journal_entry *entry, int64_t user_nid, const char *device_id,
                      const char *display_name);
void devices_delete_in(struct journal_entry *entry, int64_t user_nid, const char *const *device_ids,
                       size_t count);

#endif
