#ifndef STORAGE_MISSING_PREV_EVENTS_H
#define STORAGE_MISSING_PREV_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

struct journal_entry;

/* Holes in a room's event graph: events that others name among their prev_events and that we lack.
 */

/* Adds to the journal entry of the event that names them. */
void missing_prev_events_add_in(struct journal_entry *entry, int64_t room_nid, int64_t event_nid,
                                const char *const *prev_ids, size_t count);

/* Adds to the journal entry of an event that came after all. */
void missing_prev_event_filled_in(struct journal_entry *entry, int64_t room_nid,
                                  const char *event_id);

/* Whether an event that was accepted here was built on this one. */
enum errcode missing_prev_event_is_named(struct db *db, struct arena *arena, int64_t room_nid,
                                         const char *event_id, bool *out) MUST_CHECK;

/* The holes of a room, those named by the deepest events first. */
struct event_hole {
    const char *prev_id;
    int64_t depth; /* of the deepest event that names it */
};
struct hole_search {
    int64_t room_nid;
    int64_t from, until; /* positions: of the events that name the hole; inclusive */
    int64_t limit;
};
enum errcode missing_prev_events_list(struct db *db, struct arena *arena,
                                      const struct hole_search *search, struct event_hole **out,
                                      size_t *count_out) MUST_CHECK;

#endif
