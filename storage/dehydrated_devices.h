#ifndef STORAGE_DEHYDRATED_DEVICES_H
#define STORAGE_DEHYDRATED_DEVICES_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* The dehydrated device of a user; it is a row of `devices` too and ends with that. */
struct dehydrated_device {
    const char *device_id;
    const char *device_data; /* JSON text */
};

/* M_NOT_FOUND when the user has none. */
enum errcode dehydrated_device_load(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct dehydrated_device *out) MUST_CHECK;

/* The device must exist; takes the place of one that was there before. */
enum errcode dehydrated_device_set(struct db *db, int64_t user_nid,
                                   const struct dehydrated_device *device) MUST_CHECK;

#endif
