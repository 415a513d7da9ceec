#ifndef STORAGE_SEARCH_H
#define STORAGE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

struct journal_entry;

/* Full text search of events. All texts are case-folded by the caller. */
enum search_key { SEARCH_BODY = 1, SEARCH_NAME = 2, SEARCH_TOPIC = 3 };

/* Adds to the event's journal entry; its position is the entry's. */
struct searchable {
    int64_t event_nid;
    int64_t room_nid;
    enum search_key key;
    const char *text;
};
void search_add_in(struct journal_entry *entry, const struct searchable *searchable);
/* The event is redacted. */
void search_remove_in(struct journal_entry *entry, int64_t event_nid);

struct search_query {
    const int64_t *room_nids; /* where to look … */
    const int64_t *until;     /* … and up to which position; parallel */
    size_t room_count;
    const char *term; /* all of its words are to be found */
    const int64_t *keys;
    size_t key_count;
    int64_t until_position; /* nothing after this */
    int64_t limit;
};
struct search_hit {
    int64_t event_nid;
    int64_t room_nid;
    int64_t position;
    double rank;
};
/* The newest hits, the newest first. The work grows with their number, or with all hits there are
 * of a word that few events have. */
enum errcode search_events(struct db *db, struct arena *arena, const struct search_query *query,
                           struct search_hit **out, size_t *count_out) MUST_CHECK;

/* The words of a term as the search sees them. */
enum errcode search_words(struct db *db, struct arena *arena, const char *term, const char ***out,
                          size_t *count_out) MUST_CHECK;

#endif
