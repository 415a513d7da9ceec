#ifndef STORAGE_RECENT_EVENTS_H
#define STORAGE_RECENT_EVENTS_H

#include "storage/events.h"

/*
 * The newest events of each room as this process committed them, and state events that were read
 * lately: what waiting clients are told of at once is not read from the database again for each of
 * them. A memory of the database with a limit in bytes; forgetting it costs a query. Thread-safe.
 *
 * Every function but create takes NULL: then nothing is remembered.
 */
struct recent_events;
struct journal_change;

struct recent_events *recent_events_create(size_t limit_bytes);
void recent_events_destroy(struct recent_events *recent);

/* For the journal: a committed event of the timeline; called in the order of positions. */
void recent_events_add(struct recent_events *recent, const struct stored_event *event);
/* The stored form of an event of this room changed (it was redacted). */
void recent_events_rewritten(struct recent_events *recent, int64_t room_nid);
/* For journal_add_listener(), before whatever reads: what other nodes write is not known here. */
void recent_events_on_change(void *recent, const struct journal_change *change);

/* Up to `limit` newest visible events with after < position <= until, oldest first, on the arena.
 * False when not all of them are known. */
struct recent_range {
    int64_t room_nid;
    int64_t after;
    int64_t until;
    int64_t limit;
};
bool recent_events_find(struct recent_events *recent, struct arena *arena,
                        const struct recent_range *range, struct stored_event **out,
                        size_t *count_out);

/* As events_load(), for state events: those that are known are not read. */
enum errcode recent_events_load(struct recent_events *recent, struct db *db, struct arena *arena,
                                struct nid_list event_nids, struct stored_event **out,
                                size_t *count_out) MUST_CHECK;

#endif
