/* Registration files of application services: YAML -> struct. */
#include "config/appservice_registration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config_report.h"
#include "config/config_tree.h"
#include "homeserver/base/arena.h"

enum { FILE_BYTES_MAX = 256 << 10 };

struct reader {
    struct arena *arena;
    struct config_report *report;
    const struct config_node *root;
};

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

/* NULL after a report. */
static const char *read_file(struct arena *arena, const char *path, struct config_report *report,
                             size_t *size_out)
{
    SCOPED(close_file) FILE *file = fopen(path, "re");
    char *text = arena_alloc(arena, FILE_BYTES_MAX + 1);

    if (file == NULL) {
        config_report_add(report, NULL, NULL, "can not be read: %s", strerrordesc_np(errno));
        return NULL;
    }
    *size_out = fread(text, 1, FILE_BYTES_MAX + 1, file);
    if (!ferror(file) && *size_out <= FILE_BYTES_MAX)
        return text;
    config_report_add(report, NULL, NULL, "is not the registration of an application service");
    return NULL;
}

/* The text of a member; NULL when it is absent or, after a report, no text. */
static const char *text_of(const struct reader *reader, const struct config_node *parent,
                           const char *key)
{
    const struct config_node *node = config_node_member(parent, key);

    if (node == NULL)
        return NULL;
    if (node->kind != CONFIG_SCALAR) {
        config_report_add(reader->report, node->where, key, "must be a text");
        return NULL;
    }
    return node->text;
}

static const char *required_text(const struct reader *reader, const char *key)
{
    const char *text = text_of(reader, reader->root, key);

    if (text == NULL || text[0] == '\0')
        config_report_add(reader->report, NULL, key, "is missing");
    return text;
}

static bool flag_of(const struct reader *reader, const struct config_node *parent, const char *key,
                    bool fallback)
{
    const char *text = text_of(reader, parent, key);

    if (text == NULL)
        return fallback;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        config_report_add(reader->report, config_node_member(parent, key)->where, key,
                          "must be true or false");
    return strcmp(text, "true") == 0;
}

static const struct config_node *list_of(const struct reader *reader,
                                         const struct config_node *parent, const char *key)
{
    const struct config_node *node = config_node_member(parent, key);

    if (node == NULL)
        return NULL;
    if (node->kind != CONFIG_LIST) {
        config_report_add(reader->report, node->where, key, "must be a list");
        return NULL;
    }
    if (config_node_count(node) > APPSERVICE_NAMESPACES_MAX) {
        config_report_add(reader->report, node->where, key, "has more than %d items",
                          APPSERVICE_NAMESPACES_MAX);
        return NULL;
    }
    return node;
}

static size_t count_of(const struct config_node *list)
{
    return list != NULL ? config_node_count(list) : 0;
}

static struct appservice_namespaces namespaces_of(const struct reader *reader, const char *kind)
{
    const struct config_node *all = config_node_member(reader->root, "namespaces");
    const struct config_node *list = list_of(reader, all, kind);
    size_t count = count_of(list);
    struct appservice_namespace *items =
        ARENA_ARRAY(reader->arena, count, struct appservice_namespace);

    for (size_t i = 0; i < count; i++) {
        const struct config_node *item = config_node_item(list, i);
        items[i].regex = text_of(reader, item, "regex");
        items[i].is_exclusive = flag_of(reader, item, "exclusive", false);
        if (items[i].regex == NULL)
            config_report_add(reader->report, item->where, kind, "each needs a \"regex\"");
    }
    return (struct appservice_namespaces){items, count};
}

static void read_protocols(const struct reader *reader, struct appservice_registration *out)
{
    const struct config_node *list = list_of(reader, reader->root, "protocols");
    const char **protocols;

    out->protocol_count = count_of(list);
    protocols = ARENA_ARRAY(reader->arena, out->protocol_count, const char *);
    for (size_t i = 0; i < out->protocol_count; i++) {
        protocols[i] = config_node_item(list, i)->text;
        if (protocols[i] == NULL)
            config_report_add(reader->report, list->where, "protocols", "must be a list of texts");
    }
    out->protocols = protocols;
}

/* Spec: "url: required, may be null". */
static const char *url_of(const struct reader *reader)
{
    const char *url = text_of(reader, reader->root, "url");
    size_t length = url != NULL ? strlen(url) : 0;

    if (length == 0)
        return NULL;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        config_report_add(reader->report, NULL, "url", "must begin with http:// or https://");
    while (length > 0 && url[length - 1] == '/')
        length--;
    return arena_strndup(reader->arena, url, length);
}

static void read_registration(const struct reader *reader, struct appservice_registration *out)
{
    *out = (struct appservice_registration){
        .id = required_text(reader, "id"),
        .url = url_of(reader),
        .as_token = required_text(reader, "as_token"),
        .hs_token = required_text(reader, "hs_token"),
        .sender_localpart = required_text(reader, "sender_localpart"),
        .users = namespaces_of(reader, "users"),
        .aliases = namespaces_of(reader, "aliases"),
        .rooms = namespaces_of(reader, "rooms"),
        .is_rate_limited = flag_of(reader, reader->root, "rate_limited", true),
        .receives_ephemeral =
            flag_of(reader, reader->root, "receive_ephemeral", false) ||
            flag_of(reader, reader->root, "de.sorunome.msc2409.push_ephemeral", false),
        .wants_encryption_fields = flag_of(reader, reader->root, "org.matrix.msc3202", false),
    };
    read_protocols(reader, out);
}

static void parse(struct arena *arena, const char *path, struct config_report *report,
                  struct appservice_registration *out)
{
    struct config_node *root;
    size_t size;
    const char *text = read_file(arena, path, report, &size);

    if (text == NULL || config_tree_parse(arena, text, size, NULL, report, &root) != OK)
        return;
    if (root->kind != CONFIG_MAP) {
        config_report_add(report, NULL, NULL, "is not the registration of an application service");
        return;
    }
    const struct reader reader = {arena, report, root};
    read_registration(&reader, out);
}

enum errcode appservice_registration_read(struct arena *arena, const char *path,
                                          struct error *error, struct appservice_registration *out)
{
    struct config_report *report = config_report_create(arena);

    parse(arena, path, report, out);
    if (report->count == 0)
        return OK;
    return fail(error, M_INVALID_PARAM, "%s", config_report_text(report, path));
}
