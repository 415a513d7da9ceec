#ifndef STORAGE_POSITION_RANGE_H
#define STORAGE_POSITION_RANGE_H

#include <stdint.h>

/* The changes a reader of the journal asks for: since < position <= until. since 0 means
 * everything from the beginning. */
struct position_range {
    int64_t since;
    int64_t until;
    int64_t limit; /* rows; ignored where a function says nothing of it */
};

#endif
