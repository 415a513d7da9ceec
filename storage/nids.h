#ifndef STORAGE_NIDS_H
#define STORAGE_NIDS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

/* A list of numbers, borrowed from an arena. */
struct nid_list {
    const int64_t *items;
    size_t count;
};

/*
 * Numbers for rooms, events and snapshots, taken from the database in blocks: an event can be
 * built, and others upon it, before any of them is written. Numbers of a process that died are
 * never used. Thread-safe.
 */
struct nid_source;

struct nid_source *nid_source_create(void);
void nid_source_destroy(struct nid_source *source);

enum errcode nid_next_room(struct nid_source *source, struct db *db, int64_t *out) MUST_CHECK;
enum errcode nid_next_event(struct nid_source *source, struct db *db, int64_t *out) MUST_CHECK;
enum errcode nid_next_snapshot(struct nid_source *source, struct db *db, int64_t *out) MUST_CHECK;

#endif
