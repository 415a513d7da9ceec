#ifndef CONFIG_CONFIG_VALUE_H
#define CONFIG_CONFIG_VALUE_H

#include "config/config_schema.h"

struct arena;
struct config_node;
struct config_report;

/*
 * From the tree to structs, as the schema says.
 */
struct config_reader {
    struct arena *arena;
    struct config_report *report;
    const char *base_directory; /* where relative paths start; NULL: they stay relative */
};

/* Adds what the file leaves out: every default, with `where` NULL. */
void config_fill_defaults(struct arena *arena, const struct settings *settings,
                          struct config_node *node);

/* Writes the settings of a mapping to the struct at `out`; mistakes (unknown keys, missing keys,
 * values of the wrong kind or out of range) go to the report. `path` is "" or ends in a dot. */
void config_read_section(struct config_reader *reader, const struct settings *settings,
                         const struct config_node *node, const char *path, void *out);

#endif
