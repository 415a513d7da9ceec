#ifndef STORAGE_ROOM_DIRECTORY_H
#define STORAGE_ROOM_DIRECTORY_H

#include "storage/room_summaries.h"

/*
 * The published rooms, the largest first, by pages. A page begins after (or, backwards, ends
 * before) the place of a room in that order; a room whose size changes meanwhile may be seen twice
 * or not.
 */
struct directory_place {
    int64_t joined_members;
    int64_t room_nid;
};

/* Before the first room of the order; for a first page. */
#define DIRECTORY_START ((struct directory_place){INT64_MAX, INT64_MAX})

struct directory_query {
    struct directory_place place;
    bool backwards;
    int64_t limit;
    const char *term;              /* case-folded; in name, topic or main alias; NULL: all rooms */
    bool by_type;                  /* only these types */
    const char *const *room_types; /* NULL stands for rooms without a type */
    size_t room_type_count;
    /* Not the public directory: what is listed on any network as well, or on this one alone. */
    bool all_networks;
    const char *network;
};

/* Up to `limit` rooms; backwards, the nearest to the place first. */
enum errcode room_directory_list(struct db *db, struct arena *arena,
                                 const struct directory_query *query, struct room_summary **out,
                                 size_t *count_out) MUST_CHECK;

/* How many rooms are published; 10,000 when there are more. */
enum errcode room_directory_count(struct db *db, struct arena *arena, int64_t *out) MUST_CHECK;

#endif
