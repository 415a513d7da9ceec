#ifndef MIGRATIONS_MIGRATIONS_H
#define MIGRATIONS_MIGRATIONS_H

#include <stddef.h>

/* The files of this folder, compiled in (embed.py) and sorted by number. */
struct migration {
    int number;       /* 4 */
    const char *name; /* "0004_rooms_and_events" */
    const char *sql;
};

extern const struct migration migrations[];
extern const size_t migration_count;

#endif
