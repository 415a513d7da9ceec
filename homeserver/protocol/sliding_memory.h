#ifndef HOMESERVER_PROTOCOL_SLIDING_MEMORY_H
#define HOMESERVER_PROTOCOL_SLIDING_MEMORY_H

#include "homeserver/protocol/sliding_window.h"

/*
 * What a sliding sync connection has told its client of each room (MSC4186, "Connections"). It is
 * rewritten only when that changes: a room that keeps being told needs no change, because the
 * position of the whole connection is in the token.
 */
enum {
    SLIDING_MEMORY_ROOMS_MAX = 50000, /* of one connection; beyond that the oldest go */
    SLIDING_MEMORY_BYTES_MAX = 16 << 20,
};

struct sliding_known {
    int64_t room_nid;
    int64_t since;          /* told up to here; 0: up to the connection's position */
    int64_t timeline_limit; /* the client has at least so many of the latest events */
    const char *wanted;     /* sliding_wanted_format(): the state it was told of */
    enum sliding_membership membership;
    bool is_dm;
};

struct sliding_memory {
    struct sliding_known *rooms; /* ordered by room_nid */
    size_t count;
    unsigned extensions; /* those that were told; bits are the owner's */
};

/* NULL when the room was never told. */
struct sliding_known *sliding_memory_find(const struct sliding_memory *memory, int64_t room_nid);

/* Sorts the rooms and, when there are too many, drops those that were told longest ago. */
void sliding_memory_tidy(struct sliding_memory *memory);

bool sliding_memory_equal(const struct sliding_memory *a, const struct sliding_memory *b);

/* As bytes to be stored; on `arena`. */
const char *sliding_memory_format(struct arena *arena, const struct sliding_memory *memory);
/* False when the bytes are not of that form. */
bool sliding_memory_parse(struct arena *arena, const char *bytes, size_t size,
                          struct sliding_memory *out) MUST_CHECK;

/* The texts of `wanted` read back. On `arena`; a damaged text wants nothing. */
void sliding_wanted_parse(struct arena *arena, const char *text,
                          const struct required_state *const **out, size_t *count_out);

#endif
