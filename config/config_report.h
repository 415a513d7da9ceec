#ifndef CONFIG_CONFIG_REPORT_H
#define CONFIG_CONFIG_REPORT_H

#include <stddef.h>

#include "homeserver/base/compiler.h"

struct arena;

/*
 * What is wrong with a configuration: all of it, not only the first mistake, so that one look at
 * the file repairs everything. Texts live on the arena.
 */
struct config_problem {
    const char *where; /* "line 12", "environment variable BEFFROI__…"; NULL: the whole file */
    const char *key;   /* "registration.mode"; NULL when no key is concerned */
    const char *text;  /* what is wrong and what to write instead */
};

enum { CONFIG_PROBLEMS_MAX = 50 };

struct config_report {
    struct arena *arena;
    struct config_problem problems[CONFIG_PROBLEMS_MAX];
    size_t count;
};

struct config_report *config_report_create(struct arena *arena);

/* Further problems than CONFIG_PROBLEMS_MAX are dropped. */
void config_report_add(struct config_report *report, const char *where, const char *key,
                       const char *format, ...) PRINTF_LIKE(4, 5);

/* One line per problem, each ending in a newline; `path` is the file's name or NULL. */
const char *config_report_text(const struct config_report *report, const char *path);

#endif
