#ifndef CONFIG_CONFIG_SCHEMA_H
#define CONFIG_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The table of all settings: what loading, overriding, explaining and printing a configuration go
 * by. A setting is added here and in config.h, nowhere else.
 */
enum setting_kind {
    SETTING_TEXT,    /* const char *; one of `choices` when there are some */
    SETTING_PATH,    /* text; relative paths start at the folder of the configuration file */
    SETTING_BOOL,    /* bool */
    SETTING_INT,     /* int */
    SETTING_SECONDS, /* int64_t; "90", "15m", "24h", "7d" */
    SETTING_BYTES,   /* int64_t; "4096", "50 MiB" */
    SETTING_RATE,    /* double */
    SETTING_CHOICE,  /* an enum: one of `choices` */
    SETTING_CHOICES, /* unsigned: a list of `choices` as bits */
    SETTING_TEXTS,   /* const char *const *, and a size_t at count_offset */
    SETTING_PATHS,
    SETTING_SECTION, /* a nested struct */
    SETTING_SECTIONS /* a pointer to structs, and a size_t at count_offset */
};

struct setting_choice {
    const char *word; /* NULL ends the table */
    unsigned value;
};

struct setting {
    const char *key;
    enum setting_kind kind;
    size_t offset;
    size_t count_offset;
    const char *standard; /* the default as it would stand in the file; NULL: unset */
    int64_t min, max;     /* of numbers */
    const struct setting_choice *choices;
    const struct settings *section;
    const char *example; /* shown as a comment when there is no default */
    bool required;
    bool on_one_line; /* a section printed as {a: 1, b: 2} */
    const char *help; /* full sentences */
};

struct settings {
    const char *title; /* what one of these is called in messages: "a listener" */
    const struct setting *items;
    size_t count;
    size_t struct_size;
};

/* All settings of struct config. */
extern const struct settings config_settings;

/* The setting with this key or NULL; `ignore_case` for names of environment variables. */
const struct setting *settings_find(const struct settings *settings, const char *key,
                                    bool ignore_case);

/* The key that was probably meant, or NULL. */
const char *settings_suggest(const struct settings *settings, const char *key);

#endif
