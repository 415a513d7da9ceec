/* The configuration as a commented file: what `beffroi generate-config` prints. */
#include "config/config_print.h"

#include <ctype.h>

#include "config/config_schema.h"
#include "config/config_tree.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"

enum { LINE_WIDTH = 96, INDENT = 2 };

static const char head[] =
    "# Configuration of Beffroi, a Matrix homeserver.\n"
    "#\n"
    "# Every setting is here with its default; `#key: value` is an example of\n"
    "# one that is unset.\n"
    "# Relative paths start at the folder of this file. `beffroi check-config` finds mistakes.\n"
    "# An environment variable overrides any key: BEFFROI__registration__mode=open,\n"
    "# BEFFROI__listeners__0__address=[::]:8008 (items of lists are counted from 0).\n"
    "# `systemctl reload beffroi`, or SIGHUP, makes a running server read this file again.\n";

static void add_indent(struct strbuf *out, int indent)
{
    strbuf_printf(out, "%*s", indent, "");
}

/* A comment, wrapped at spaces. */
static void add_comment(struct strbuf *out, int indent, const char *text)
{
    while (*text != '\0') {
        size_t width = (size_t)(LINE_WIDTH - indent - 2);
        size_t length = strlen(text);
        if (length > width) {
            length = width;
            while (length > 0 && text[length] != ' ')
                length--;
        }
        add_indent(out, indent);
        strbuf_printf(out, "# %.*s\n", (int)length, text);
        text += length;
        while (*text == ' ')
            text++;
    }
}

/* Whether YAML reads the text back as it is without quotes. Texts that look like numbers are
 * quoted too: other YAML readers would make numbers of them. */
static bool is_plain(const char *text, enum setting_kind kind)
{
    bool only_digits = true;

    if (!isalnum((unsigned char)*text) && *text != '/' && *text != '.')
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        bool safe = isalnum((unsigned char)*c) || strchr("_./+-@", *c) != NULL ||
                    (*c == ':' && c[1] != ' ' && c[1] != '\0') ||
                    (*c == ' ' && c[1] != '\0' && c[1] != ' ');
        if (!safe)
            return false;
        only_digits = only_digits && (isdigit((unsigned char)*c) || *c == '.');
    }
    bool is_text = kind == SETTING_TEXT || kind == SETTING_TEXTS;
    return !(only_digits && is_text) && strcmp(text, "null") != 0;
}

static void add_scalar(struct strbuf *out, const char *text, enum setting_kind kind)
{
    if (is_plain(text, kind))
        strbuf_add_string(out, text);
    else
        strbuf_add_json_string(out, text, strlen(text)); /* a JSON string is a YAML one too */
}

static void add_list(struct strbuf *out, const struct config_node *list, enum setting_kind kind)
{
    strbuf_add_char(out, '[');
    for (const struct config_node *item = list->first; item != NULL; item = item->next) {
        if (item != list->first)
            strbuf_add_string(out, ", ");
        add_scalar(out, item->text, kind);
    }
    strbuf_add_char(out, ']');
}

static void add_members(struct strbuf *out, const struct config_node *map)
{
    strbuf_add_char(out, '{');
    for (const struct config_node *item = map->first; item != NULL; item = item->next)
        strbuf_printf(out, "%s%s: %s", item == map->first ? "" : ", ", item->key, item->text);
    strbuf_add_char(out, '}');
}

static void print_settings(struct strbuf *out, const struct settings *settings,
                           const struct config_node *node, int indent, bool explain);

/* A list of sections: every item starts with a dash; only the first is explained. */
static void print_sections(struct strbuf *out, const struct setting *setting,
                           const struct config_node *list, int indent)
{
    strbuf_printf(out, "%s:\n", setting->key);
    for (const struct config_node *item = list->first; item != NULL; item = item->next) {
        add_indent(out, indent + INDENT);
        strbuf_add_string(out, "-\n");
        print_settings(out, setting->section, item, indent + 2 * INDENT, item == list->first);
    }
}

static void print_value(struct strbuf *out, const struct setting *setting,
                        const struct config_node *node, int indent)
{
    if (setting->kind == SETTING_SECTIONS) {
        print_sections(out, setting, node, indent);
        return;
    }
    if (setting->kind == SETTING_SECTION && !setting->on_one_line) {
        strbuf_printf(out, "%s:\n", setting->key);
        print_settings(out, setting->section, node, indent + INDENT, true);
        return;
    }
    strbuf_printf(out, "%s: ", setting->key);
    if (node->kind == CONFIG_LIST)
        add_list(out, node, setting->kind);
    else if (node->kind == CONFIG_MAP)
        add_members(out, node);
    else
        add_scalar(out, node->text, setting->kind);
    strbuf_add_char(out, '\n');
}

static void print_setting(struct strbuf *out, const struct setting *setting,
                          const struct config_node *parent, int indent, bool explain)
{
    const struct config_node *node = config_node_member(parent, setting->key);

    if (node == NULL && !explain)
        return;
    if (explain && setting->help != NULL)
        add_comment(out, indent, setting->help);
    add_indent(out, indent);
    if (node == NULL)
        strbuf_printf(out, "#%s: %s\n", setting->key, setting->example);
    else
        print_value(out, setting, node, indent);
}

/* Recursion goes as deep as the schema does. */
static void print_settings(struct strbuf *out, const struct settings *settings,
                           const struct config_node *node, int indent, bool explain)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (indent == 0)
            strbuf_add_char(out, '\n');
        print_setting(out, &settings->items[i], node, indent, explain);
    }
}

const char *config_print(struct arena *arena, const struct config_node *root)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    strbuf_add_string(&out, head);
    print_settings(&out, &config_settings, root, 0, true);
    const char *text = arena_strndup(arena, out.data, out.length);
    strbuf_finish(&out);
    return text;
}
