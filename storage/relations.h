#ifndef STORAGE_RELATIONS_H
#define STORAGE_RELATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"

struct journal_entry;

/* Events that refer to others, and the threads they make. */
struct stored_relation {
    int64_t event_nid;
    int64_t room_nid;
    int64_t sender_nid;
    int64_t origin_server_ts; /* ms */
    const char *parent_id;
    const char *rel_type;
    const char *event_type;
    const char *key; /* of an m.annotation, or NULL */
    bool is_edit;    /* an m.replace with what a valid edit needs */
};

/* Adds to the child's journal entry; its position is the entry's. */
void relation_add_in(struct journal_entry *entry, const struct stored_relation *relation);
/* The same for a local user's annotation: E_CONFLICT at the commit when they made the same one. */
void relation_add_once_in(struct journal_entry *entry, const struct stored_relation *relation);
/* The child is redacted. */
void relation_remove_in(struct journal_entry *entry, int64_t event_nid);

/* Whether the same user has annotated the same event alike. */
enum errcode relation_is_repeated(struct db *db, struct arena *arena,
                                  const struct stored_relation *relation, bool *out) MUST_CHECK;

/* A thread has a new event, the entry's; and, after one was taken away: what is its newest now. */
void thread_advance_in(struct journal_entry *entry, int64_t room_nid, const char *root_id);
void thread_shrink_in(struct journal_entry *entry, int64_t room_nid, const char *root_id);

/* ── Aggregations of many parents at once ────────────────────────────────────────────────────── */
struct relation_parents {
    const int64_t *room_nids; /* of the parents: children elsewhere do not count */
    const char *const *event_ids;
    size_t count;
    struct nid_list ignored; /* senders whose events do not count */
    int64_t viewer_nid;
    int64_t until; /* nothing after this position */
};

struct thread_row {
    const char *root_id;
    int64_t count;
    int64_t latest_nid;
    bool has_viewer; /* the viewer sent one of its events */
};
enum errcode relations_threads(struct db *db, struct arena *arena,
                               const struct relation_parents *parents, struct thread_row **out,
                               size_t *count_out) MUST_CHECK;

/* The newest edit of each event type by the sender of the parent. */
struct edit_row {
    const char *parent_id;
    const char *event_type;
    int64_t event_nid;
};
enum errcode relations_edits(struct db *db, struct arena *arena,
                             const struct relation_parents *parents, struct edit_row **out,
                             size_t *count_out) MUST_CHECK;

/* Children by m.reference, oldest first; at most REFERENCES_MAX of one parent. */
enum { REFERENCES_MAX = 100 };
struct reference_row {
    const char *parent_id;
    const char *event_id;
};
enum errcode relations_references(struct db *db, struct arena *arena,
                                  const struct relation_parents *parents,
                                  struct reference_row **out, size_t *count_out) MUST_CHECK;

/* ── Pages of children, and of threads ───────────────────────────────────────────────────────── */
struct children_query {
    int64_t room_nid;
    const char *parent_id;
    const char *rel_type;   /* NULL: any */
    const char *event_type; /* NULL: any */
    int64_t depth_max;      /* 1: direct children only */
    int64_t after;
    int64_t until;
    bool backwards;
    int64_t limit;
};
/* event_nids with after < position <= until, in the direction's order. */
enum errcode relations_children(struct db *db, struct arena *arena,
                                const struct children_query *query,
                                struct nid_list *out) MUST_CHECK;

struct threads_query {
    int64_t room_nid;
    int64_t until;      /* latest_position is at most this */
    int64_t viewer_nid; /* 0: all threads; else those that this user takes part in */
    int64_t limit;
};
struct thread_place {
    int64_t root_nid;
    int64_t latest_position;
};
/* The most recent first. */
enum errcode threads_list(struct db *db, struct arena *arena, const struct threads_query *query,
                          struct thread_place **out, size_t *count_out) MUST_CHECK;

#endif
