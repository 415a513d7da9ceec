#ifndef STORAGE_DESTINATIONS_H
#define STORAGE_DESTINATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Whether other servers answer, over restarts; times in ms since 1970. */
struct stored_destination {
    int64_t failing_since_ts; /* 0: it answers */
    int64_t retry_ts;         /* not before this */
    int64_t retry_interval_ms;
};

/* All zero when nothing is known. */
enum errcode destination_load(struct db *db, struct arena *arena, const char *server_name,
                              struct stored_destination *out) MUST_CHECK;
/* `last_error`: ASCII, why it failed; NULL: it answers. */
enum errcode destination_store(struct db *db, const char *server_name,
                               const struct stored_destination *destination,
                               const char *last_error) MUST_CHECK;

/* Asks that a server that does not answer be tried at once, whatever process calls it. False when
 * it counts as answering. */
enum errcode destination_ask_retry(struct db *db, const char *server_name, bool *out) MUST_CHECK;
/* Those for whom that was asked, and who have not failed again since. */
enum errcode destinations_to_retry(struct db *db, struct arena *arena, const char ***out,
                                   size_t *count_out) MUST_CHECK;

/* For administrators: a server that we called or had something to tell. */
struct destination_report {
    const char *server_name;
    struct stored_destination health;
    const char *last_error; /* NULL: none */
    int64_t sent_position;  /* in the journal: it was told everything up to there; 0: nothing yet */
    int64_t sent_ts;        /* of the last transaction that it took; 0: none */
    bool is_waiting;        /* something waits for it */
    int64_t waiting_since_ts;
    int64_t events_behind; /* about, and only among the next 5,000 events of all rooms */
};
struct destination_query {
    const char *name;     /* this one; NULL: all */
    const char *contains; /* in its name; NULL: anything */
    bool only_failing;    /* or with something that waits for it */
    int64_t from, limit;  /* a page, in order of the names */
};
enum errcode destinations_report(struct db *db, struct arena *arena,
                                 const struct destination_query *query,
                                 struct destination_report **out, size_t *count_out) MUST_CHECK;
/* How many there are, whatever the page. */
enum errcode destinations_count(struct db *db, struct arena *arena,
                                const struct destination_query *query, int64_t *out) MUST_CHECK;

/* For monitoring; of all processes on the database. Ages in ms, 0 when nothing waits. */
struct federation_figures {
    int64_t failing;         /* servers that do not answer */
    int64_t outgoing_queues; /* in which something waits */
    int64_t outgoing_age_ms;
    int64_t outgoing_events; /* about; of the 20 queues that wait longest, as events_behind */
    int64_t incoming_events; /* 100,000: at least so many */
    int64_t incoming_rooms;  /* among those */
    int64_t incoming_age_ms;
};
enum errcode federation_figures_load(struct db *db, struct arena *arena, int64_t now_ms,
                                     struct federation_figures *out) MUST_CHECK;

#endif
