/* Environment variables and --set: they change the tree before it is read. */
#include "config/config_override.h"

#include <ctype.h>

#include "config/config_report.h"
#include "config/config_schema.h"
#include "config/config_tree.h"
#include "homeserver/base/arena.h"

enum { PATH_MAX_PARTS = 8, LIST_ITEMS_MAX = 1000 };

struct override {
    struct arena *arena;
    struct config_report *report;
    const char *origin; /* for messages */
    const char *parts[PATH_MAX_PARTS];
    size_t part_count;
    const char *value;
};

/* Splits "a.b.c" at every separator; false when there are too many parts. */
static bool split_path(struct override *change, const char *path, const char *separator)
{
    const char *end;

    while ((end = strstr(path, separator)) != NULL) {
        if (change->part_count == PATH_MAX_PARTS - 1)
            return false;
        change->parts[change->part_count++] =
            arena_strndup(change->arena, path, (size_t)(end - path));
        path = end + strlen(separator);
    }
    change->parts[change->part_count++] = path;
    return true;
}

static struct config_node *parse_yaml(const struct override *change, const char *text)
{
    struct config_node *node;

    if (config_tree_parse(change->arena, text, strlen(text), change->origin, change->report,
                          &node) != OK)
        return NULL;
    return node;
}

/* "a, b" as a list of texts. */
static struct config_node *split_list(const struct override *change)
{
    struct config_node *list = config_node_create(change->arena, CONFIG_LIST, NULL, change->origin);
    const char *text = change->value;

    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        const char *start = text;
        size_t used = length;
        while (used > 0 && isspace((unsigned char)*start)) {
            start++;
            used--;
        }
        while (used > 0 && isspace((unsigned char)start[used - 1]))
            used--;
        struct config_node *item =
            config_node_create(change->arena, CONFIG_SCALAR, NULL, change->origin);
        item->text = arena_strndup(change->arena, start, used);
        config_node_append(list, item);
        text += length + (text[length] == ',' ? 1 : 0);
    }
    return list;
}

/* The new node for a setting, or NULL after a message. */
static struct config_node *value_node(const struct override *change, const struct setting *setting)
{
    bool is_list = setting->kind == SETTING_TEXTS || setting->kind == SETTING_PATHS ||
                   setting->kind == SETTING_CHOICES;
    bool is_nested = setting->kind == SETTING_SECTION || setting->kind == SETTING_SECTIONS;

    if (is_list && *change->value != '[')
        return split_list(change);
    if (is_list || is_nested)
        return parse_yaml(change, change->value);
    struct config_node *node =
        config_node_create(change->arena, CONFIG_SCALAR, NULL, change->origin);
    node->text = *change->value != '\0' ? change->value : NULL;
    return node;
}

static void set_member(struct config_node *parent, const char *key, struct config_node *node)
{
    struct config_node *old = config_node_member(parent, key);

    node->key = key;
    if (old == NULL) {
        config_node_append(parent, node);
        return;
    }
    node->next = old->next;
    *old = *node;
}

/* The section or list below a key, made when the file has none. */
static struct config_node *descend(const struct override *change, struct config_node *parent,
                                   const struct setting *setting)
{
    struct config_node *node = config_node_member(parent, setting->key);

    if (node != NULL)
        return node;
    if (setting->standard != NULL)
        node = parse_yaml(change, setting->standard);
    else
        node = config_node_create(change->arena,
                                  setting->kind == SETTING_SECTIONS ? CONFIG_LIST : CONFIG_MAP,
                                  NULL, change->origin);
    if (node != NULL)
        set_member(parent, setting->key, node);
    return node;
}

/* The item of a list of sections that a part such as "0" names, or NULL after a message. */
static struct config_node *descend_item(const struct override *change, struct config_node *list,
                                        const char *part)
{
    char *end;
    size_t count = list->kind == CONFIG_LIST ? config_node_count(list) : 0;
    unsigned long index = strtoul(part, &end, 10);

    if (!isdigit((unsigned char)*part) || *end != '\0' || index > count ||
        index >= LIST_ITEMS_MAX || list->kind != CONFIG_LIST) {
        config_report_add(change->report, change->origin, NULL,
                          "\"%s\" must be the number of an item: 0 is the first, %zu adds one",
                          part, count);
        return NULL;
    }
    if (index == count)
        config_node_append(list,
                           config_node_create(change->arena, CONFIG_MAP, NULL, change->origin));
    return config_node_item(list, index);
}

static const struct setting *find_setting(const struct override *change,
                                          const struct settings *settings, const char *part)
{
    const struct setting *setting = settings_find(settings, part, true);

    if (setting == NULL) {
        const char *meant = settings_suggest(settings, part);
        config_report_add(change->report, change->origin, NULL,
                          "there is no setting \"%s\" in %s%s%s%s", part, settings->title,
                          meant != NULL ? ". Did you mean \"" : "", meant != NULL ? meant : "",
                          meant != NULL ? "\"?" : "");
    }
    return setting;
}

static void apply(const struct override *change, struct config_node *root)
{
    const struct settings *settings = &config_settings;
    struct config_node *node = root;

    for (size_t i = 0; i < change->part_count && node != NULL; i++) {
        const struct setting *setting = find_setting(change, settings, change->parts[i]);
        if (setting == NULL)
            return;
        if (i + 1 == change->part_count) {
            struct config_node *value = value_node(change, setting);
            if (value != NULL)
                set_member(node, setting->key, value);
            return;
        }
        if (setting->section == NULL) {
            config_report_add(change->report, change->origin, NULL,
                              "\"%s\" has no settings below it", setting->key);
            return;
        }
        node = descend(change, node, setting);
        settings = setting->section;
        if (setting->kind == SETTING_SECTIONS && node != NULL)
            node = descend_item(change, node, change->parts[++i]);
    }
    if (node != NULL)
        config_report_add(change->report, change->origin, NULL,
                          "the name of a setting must follow the number");
}

static void apply_text(struct override *change, const char *path, const char *separator,
                       struct config_node *root)
{
    if (root->kind != CONFIG_MAP)
        return; /* reported when the tree is read */
    if (!split_path(change, path, separator)) {
        config_report_add(change->report, change->origin, NULL, "the name has too many parts");
        return;
    }
    apply(change, root);
}

void config_override_environment(struct arena *arena, struct config_node *root,
                                 const char *const *environment, struct config_report *report)
{
    size_t prefix_length = strlen(CONFIG_ENVIRONMENT_PREFIX);

    for (; environment != NULL && *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');
        if (equals == NULL || strncmp(*environment, CONFIG_ENVIRONMENT_PREFIX, prefix_length) != 0)
            continue;
        const char *name = arena_strndup(arena, *environment, (size_t)(equals - *environment));
        struct override change = {
            .arena = arena,
            .report = report,
            .origin = arena_printf(arena, "environment variable %s", name),
            .value = arena_strdup(arena, equals + 1),
        };
        apply_text(&change, name + prefix_length, "__", root);
    }
}

void config_override_settings(struct arena *arena, struct config_node *root,
                              const char *const *settings, struct config_report *report)
{
    for (; settings != NULL && *settings != NULL; settings++) {
        const char *equals = strchr(*settings, '=');
        struct override change = {.arena = arena, .report = report};
        if (equals == NULL) {
            config_report_add(report, arena_printf(arena, "--set %s", *settings), NULL,
                              "write the setting as section.key=value");
            continue;
        }
        const char *path = arena_strndup(arena, *settings, (size_t)(equals - *settings));
        change.origin = arena_printf(arena, "--set %s", path);
        change.value = arena_strdup(arena, equals + 1);
        apply_text(&change, path, ".", root);
    }
}
