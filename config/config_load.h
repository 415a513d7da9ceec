#ifndef CONFIG_CONFIG_LOAD_H
#define CONFIG_CONFIG_LOAD_H

#include "homeserver/base/error.h"

struct arena;
struct config;
struct config_report;

/*
 * Where a configuration comes from: the file, then the environment, then --set; later ones win.
 * Overrides are explained in config_override.h.
 */
struct config_source {
    const char *path;               /* YAML file, or NULL: defaults and overrides alone */
    const char *const *environment; /* as environ(7), or NULL */
    const char *const *settings;    /* "section.key=value" texts ending in NULL, or NULL */
};

/* Reads, overrides, fills in defaults and checks. On success `*out` is immutable and belongs to the
 * caller: config_free() or a config_holder. M_INVALID_PARAM when anything is wrong: the report then
 * holds every mistake found. Paths of the result are absolute. */
enum errcode config_load(const struct config_source *source, struct config_report *report,
                         const struct config **out) MUST_CHECK;

/* The whole configuration as a commented YAML file: values of the source, defaults for the rest.
 * Mistakes are reported as by config_load(). The text lives on the report's arena. */
enum errcode config_generate(const struct config_source *source, struct config_report *report,
                             const char **out) MUST_CHECK;

#endif
