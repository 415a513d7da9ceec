/* Reading values: text of the tree -> fields of a struct, with messages that say what to write. */
#include "config/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <strings.h>

#include "config/config_report.h"
#include "config/config_tree.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/suggest.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"K", INT64_C(1) << 10},
    {"KiB", INT64_C(1) << 10},
    {"KB", 1000},
    {"M", INT64_C(1) << 20},
    {"MiB", INT64_C(1) << 20},
    {"MB", 1000000},
    {"G", INT64_C(1) << 30},
    {"GiB", INT64_C(1) << 30},
    {"GB", 1000000000},
    {NULL, 0},
};

static const struct unit second_units[] = {
    {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0},
};

/* What one value is read from and where it goes. */
struct value {
    const struct setting *setting;
    const struct config_node *node;
    const char *key; /* whole path, for messages */
    char *out;       /* the struct */
};

static void complain(struct config_reader *reader, const struct value *value, const char *wanted)
{
    if (value->node->kind != CONFIG_SCALAR)
        config_report_add(reader->report, value->node->where, value->key, "write %s, not a %s",
                          wanted, value->node->kind == CONFIG_LIST ? "list" : "section");
    else
        config_report_add(reader->report, value->node->where, value->key, "\"%s\" is not %s",
                          value->node->text, wanted);
}

/* A whole number with a unit; false when it is not one or too large for 63 bits. */
static bool parse_number(const char *text, const struct unit *units, int64_t *out)
{
    char *end;

    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno != 0)
        return false;
    while (*end == ' ')
        end++;
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        if (strcasecmp(unit->name, end) == 0)
            return !__builtin_mul_overflow((int64_t)number, unit->factor, out);
    }
    return false;
}

static bool in_range(struct config_reader *reader, const struct value *value, int64_t number)
{
    const struct setting *setting = value->setting;

    if (setting->min == 0 && setting->max == 0)
        return true;
    if (number >= setting->min && number <= setting->max)
        return true;
    config_report_add(reader->report, value->node->where, value->key,
                      "%s is out of range: it must be %" PRId64 " to %" PRId64, value->node->text,
                      setting->min, setting->max);
    return false;
}

static void read_number(struct config_reader *reader, const struct value *value)
{
    static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
    const struct unit *units = no_units;
    const char *wanted = "a whole number, such as 10";
    int64_t number;

    if (value->setting->kind == SETTING_BYTES) {
        units = byte_units;
        wanted = "a size, such as 4096, 512 KiB or 50 MiB";
    } else if (value->setting->kind == SETTING_SECONDS) {
        units = second_units;
        wanted = "a time, such as 90s, 15m, 24h or 7d";
    }
    if (value->node->kind != CONFIG_SCALAR || !parse_number(value->node->text, units, &number)) {
        complain(reader, value, wanted);
        return;
    }
    if (!in_range(reader, value, number))
        return;
    if (value->setting->kind == SETTING_INT)
        *(int *)(void *)value->out = (int)number;
    else
        *(int64_t *)(void *)value->out = number;
}

static void read_rate(struct config_reader *reader, const struct value *value)
{
    const char *text = value->node->kind == CONFIG_SCALAR ? value->node->text : "";
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(number) || number <= 0) {
        complain(reader, value, "a number above zero, such as 0.5");
        return;
    }
    if (number > (double)value->setting->max) {
        complain(reader, value, "a sensible rate");
        return;
    }
    *(double *)(void *)value->out = number;
}

static void read_bool(struct config_reader *reader, const struct value *value)
{
    static const char *const words[] = {"true", "yes", "on", "false", "no", "off"};
    const char *text = value->node->kind == CONFIG_SCALAR ? value->node->text : "";

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcasecmp(words[i], text) == 0) {
            *(bool *)value->out = i < 3;
            return;
        }
    }
    complain(reader, value, "true or false");
}

static const char *choice_words(struct arena *arena, const struct setting_choice *choices)
{
    const char *words = choices->word;

    for (choices++; choices->word != NULL; choices++)
        words = arena_printf(arena, "%s, %s", words, choices->word);
    return words;
}

/* The choice with this word, or NULL after a message with the word that was probably meant. */
static const struct setting_choice *
find_choice(struct config_reader *reader, const struct value *value, const struct config_node *node)
{
    const struct setting_choice *choices = value->setting->choices;
    const char *words[16];
    size_t count = 0;

    if (node->kind != CONFIG_SCALAR || node->text == NULL) {
        config_report_add(reader->report, node->where, value->key, "write one of: %s",
                          choice_words(reader->arena, choices));
        return NULL;
    }
    for (; choices[count].word != NULL && count < COUNT_OF(words); count++) {
        if (strcasecmp(choices[count].word, node->text) == 0)
            return &choices[count];
        words[count] = choices[count].word;
    }
    const char *meant = suggest_word(node->text, words, count);
    config_report_add(reader->report, node->where, value->key, "\"%s\" is not one of: %s%s%s%s",
                      node->text, choice_words(reader->arena, choices),
                      meant != NULL ? ". Did you mean \"" : "", meant != NULL ? meant : "",
                      meant != NULL ? "\"?" : "");
    return NULL;
}

static void read_choice(struct config_reader *reader, const struct value *value)
{
    const struct setting_choice *choice = find_choice(reader, value, value->node);

    if (choice != NULL)
        *(unsigned *)(void *)value->out = choice->value;
}

static void read_choices(struct config_reader *reader, const struct value *value)
{
    unsigned bits = 0;

    if (value->node->kind != CONFIG_LIST) {
        complain(reader, value,
                 arena_printf(reader->arena, "a list in brackets of: %s",
                              choice_words(reader->arena, value->setting->choices)));
        return;
    }
    for (const struct config_node *item = value->node->first; item != NULL; item = item->next) {
        const struct setting_choice *choice = find_choice(reader, value, item);
        if (choice != NULL)
            bits |= choice->value;
    }
    *(unsigned *)(void *)value->out = bits;
}

static const char *absolute_path(const struct config_reader *reader, const char *path)
{
    if (reader->base_directory == NULL || path[0] == '/')
        return path;
    if (strncmp(path, "./", 2) == 0)
        path += 2;
    return arena_printf(reader->arena, "%s/%s", reader->base_directory, path);
}

static void read_text(struct config_reader *reader, const struct value *value)
{
    const struct setting_choice *choice;

    if (value->node->kind != CONFIG_SCALAR) {
        complain(reader, value, "a single value");
        return;
    }
    if (*value->node->text == '\0') {
        config_report_add(reader->report, value->node->where, value->key,
                          "the value is empty: fill it in, or remove the line to leave it unset");
        return;
    }
    if (value->setting->choices != NULL) {
        choice = find_choice(reader, value, value->node);
        if (choice != NULL)
            *(const char **)(void *)value->out = choice->word;
        return;
    }
    *(const char **)(void *)value->out = value->setting->kind == SETTING_PATH
                                             ? absolute_path(reader, value->node->text)
                                             : value->node->text;
}

static void read_texts(struct config_reader *reader, const struct value *value, size_t *count_out)
{
    size_t count = 0;

    if (value->node->kind != CONFIG_LIST) {
        complain(reader, value, "a list: put the values in brackets, such as [a, b]");
        return;
    }
    const char **texts = ARENA_ARRAY(reader->arena, config_node_count(value->node), const char *);
    for (const struct config_node *item = value->node->first; item != NULL; item = item->next) {
        if (item->kind != CONFIG_SCALAR || item->text == NULL || *item->text == '\0') {
            config_report_add(reader->report, item->where, value->key,
                              "every item of this list must be a text");
            continue;
        }
        texts[count++] =
            value->setting->kind == SETTING_PATHS ? absolute_path(reader, item->text) : item->text;
    }
    *(const char *const **)(void *)value->out = texts;
    *count_out = count;
}

static void read_sections(struct config_reader *reader, const struct value *value,
                          size_t *count_out)
{
    const struct settings *section = value->setting->section;
    size_t count = 0;

    if (value->node->kind != CONFIG_LIST) {
        complain(reader, value, "a list: start every item with a dash");
        return;
    }
    char *items =
        arena_alloc_array(reader->arena, config_node_count(value->node), section->struct_size);
    for (const struct config_node *item = value->node->first; item != NULL; item = item->next) {
        const char *path = arena_printf(reader->arena, "%s.%zu.", value->key, count);
        config_read_section(reader, section, item, path, items + count * section->struct_size);
        count++;
    }
    *(const void **)(void *)value->out = items;
    *count_out = count;
}

static void read_value(struct config_reader *reader, const struct value *value, size_t *count_out)
{
    switch (value->setting->kind) {
    case SETTING_TEXT:
    case SETTING_PATH:
        read_text(reader, value);
        return;
    case SETTING_BOOL:
        read_bool(reader, value);
        return;
    case SETTING_INT:
    case SETTING_SECONDS:
    case SETTING_BYTES:
        read_number(reader, value);
        return;
    case SETTING_RATE:
        read_rate(reader, value);
        return;
    case SETTING_CHOICE:
        read_choice(reader, value);
        return;
    case SETTING_CHOICES:
        read_choices(reader, value);
        return;
    case SETTING_TEXTS:
    case SETTING_PATHS:
        read_texts(reader, value, count_out);
        return;
    case SETTING_SECTION:
        config_read_section(reader, value->setting->section, value->node,
                            arena_printf(reader->arena, "%s.", value->key), value->out);
        return;
    case SETTING_SECTIONS:
        read_sections(reader, value, count_out);
        return;
    }
}

static void report_unknown_keys(struct config_reader *reader, const struct settings *settings,
                                const struct config_node *node, const char *path)
{
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        if (settings_find(settings, child->key, false) != NULL)
            continue;
        const char *meant = settings_suggest(settings, child->key);
        const char *key = arena_printf(reader->arena, "%s%s", path, child->key);
        if (meant != NULL)
            config_report_add(reader->report, child->where, key,
                              "there is no such setting. Did you mean \"%s\"?", meant);
        else
            config_report_add(reader->report, child->where, key,
                              "there is no such setting in %s; `beffroi generate-config` shows all",
                              settings->title);
    }
}

void config_read_section(struct config_reader *reader, const struct settings *settings,
                         const struct config_node *node, const char *path, void *out)
{
    if (node->kind != CONFIG_MAP) {
        config_report_add(
            reader->report, node->where,
            arena_strndup(reader->arena, path, strlen(path) > 0 ? strlen(path) - 1 : 0),
            "write the settings of %s here, one `key: value` per line, indented", settings->title);
        return;
    }
    report_unknown_keys(reader, settings, node, path);
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        struct value value = {
            .setting = setting,
            .node = config_node_member(node, setting->key),
            .key = arena_printf(reader->arena, "%s%s", path, setting->key),
            .out = (char *)out + setting->offset,
        };
        if (value.node != NULL)
            read_value(reader, &value, (size_t *)(void *)((char *)out + setting->count_offset));
        else if (setting->required)
            config_report_add(reader->report, node->where, value.key,
                              "%s needs this setting, such as `%s: %s`", settings->title,
                              setting->key, setting->example != NULL ? setting->example : "[{…}]");
    }
}

/* A default of the table as a tree. The table is ours: a mistake in it is a bug. */
static struct config_node *standard_node(struct arena *arena, const struct setting *setting)
{
    struct config_node *node;
    struct config_report *report = config_report_create(arena);
    const char *text = setting->standard != NULL ? setting->standard : "{}";

    if (config_tree_parse(arena, text, strlen(text), NULL, report, &node) != OK)
        abort();
    node->key = setting->key;
    return node;
}

/* Defaults stand nowhere in the file. Iterative over siblings; depth is that of the schema. */
static void forget_lines(struct config_node *node)
{
    node->where = NULL;
    for (struct config_node *child = node->first; child != NULL; child = child->next)
        forget_lines(child);
}

/* A section with a default of its own, such as a rate, of which the file names only a part. */
static void fill_members(struct config_node *node, const struct config_node *standard)
{
    struct config_node *next;

    for (struct config_node *child = standard->first; child != NULL; child = next) {
        next = child->next;
        child->next = NULL;
        if (config_node_member(node, child->key) == NULL)
            config_node_append(node, child);
    }
}

static void fill_setting(struct arena *arena, const struct setting *setting,
                         struct config_node *parent)
{
    struct config_node *node = config_node_member(parent, setting->key);
    bool is_section = setting->kind == SETTING_SECTION;

    if (node == NULL && (setting->standard != NULL || is_section)) {
        node = standard_node(arena, setting);
        forget_lines(node);
        config_node_append(parent, node);
    } else if (node != NULL && is_section && node->kind == CONFIG_MAP) {
        struct config_node *standard = standard_node(arena, setting);
        forget_lines(standard);
        fill_members(node, standard);
    }
    if (node == NULL)
        return;
    if (is_section)
        config_fill_defaults(arena, setting->section, node);
    if (setting->kind == SETTING_SECTIONS && node->kind == CONFIG_LIST) {
        for (struct config_node *item = node->first; item != NULL; item = item->next)
            config_fill_defaults(arena, setting->section, item);
    }
}

void config_fill_defaults(struct arena *arena, const struct settings *settings,
                          struct config_node *node)
{
    if (node->kind != CONFIG_MAP)
        return;
    for (size_t i = 0; i < settings->count; i++)
        fill_setting(arena, &settings->items[i], node);
}
