/* YAML text -> tree of nodes with line numbers. The only file that knows libyaml. */
#include "config/config_tree.h"

#include <yaml.h>

#include "config/config_report.h"
#include "homeserver/base/arena.h"

enum { DEPTH_MAX = 8 };

static const char alias_text[] = "\"*\" starts an alias in YAML: put the value in quotes";

struct tree_reader {
    struct arena *arena;
    struct config_report *report;
    const char *where; /* for all nodes, or NULL: their lines */
    struct config_node *root;
    struct config_node *open[DEPTH_MAX];
    size_t depth;
    const char *pending_key;
    const char *pending_key_where;
};

struct config_node *config_node_create(struct arena *arena, enum config_node_kind kind,
                                       const char *key, const char *where)
{
    struct config_node *node = ARENA_NEW(arena, struct config_node);

    node->kind = kind;
    node->key = key;
    node->where = where;
    return node;
}

void config_node_append(struct config_node *parent, struct config_node *child)
{
    if (parent->last != NULL)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

struct config_node *config_node_member(const struct config_node *node, const char *key)
{
    if (node == NULL || node->kind != CONFIG_MAP)
        return NULL;
    for (struct config_node *child = node->first; child != NULL; child = child->next) {
        bool is_null = child->kind == CONFIG_SCALAR && child->text == NULL;
        if (strcmp(child->key, key) == 0 && !is_null)
            return child;
    }
    return NULL;
}

struct config_node *config_node_item(const struct config_node *node, size_t index)
{
    struct config_node *child;

    if (node == NULL || node->kind != CONFIG_LIST)
        return NULL;
    for (child = node->first; child != NULL && index > 0; child = child->next)
        index--;
    return child;
}

size_t config_node_count(const struct config_node *node)
{
    size_t count = 0;

    for (const struct config_node *child = node->first; child != NULL; child = child->next)
        count++;
    return count;
}

const char *config_tree_where(const struct config_node *root, const char *path)
{
    const char *where = NULL;
    const struct config_node *node = root;

    while (node != NULL && *path != '\0') {
        char part[64];
        size_t length = strcspn(path, ".");
        if (length >= sizeof(part))
            break;
        memcpy(part, path, length);
        part[length] = '\0';
        node = node->kind == CONFIG_LIST ? config_node_item(node, strtoul(part, NULL, 10))
                                         : config_node_member(node, part);
        if (node != NULL && node->where != NULL)
            where = node->where;
        path += length + (path[length] == '.' ? 1 : 0);
    }
    return where;
}

static const char *where_of(struct tree_reader *reader, const yaml_mark_t *mark)
{
    if (reader->where != NULL)
        return reader->where;
    return arena_printf(reader->arena, "line %zu", mark->line + 1);
}

/* Puts a finished node where it belongs: the root, a list, or under the key read before it. */
static void place(struct tree_reader *reader, struct config_node *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return;
    }
    struct config_node *parent = reader->open[reader->depth - 1];
    if (parent->kind == CONFIG_MAP) {
        node->key = reader->pending_key;
        node->where = reader->pending_key_where;
        reader->pending_key = NULL;
    }
    config_node_append(parent, node);
}

static bool has_key(const struct config_node *map, const char *key)
{
    for (const struct config_node *child = map->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0)
            return true;
    }
    return false;
}

static bool is_null_text(const char *text, bool plain)
{
    return plain && (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static enum errcode read_key(struct tree_reader *reader, const char *text, const char *where)
{
    if (has_key(reader->open[reader->depth - 1], text)) {
        config_report_add(reader->report, where, text,
                          "this key stands twice in the same section: remove one of them");
        return M_INVALID_PARAM;
    }
    reader->pending_key = text;
    reader->pending_key_where = where;
    return OK;
}

static enum errcode read_scalar(struct tree_reader *reader, const yaml_event_t *event)
{
    const char *where = where_of(reader, &event->start_mark);
    const char *text = arena_strndup(reader->arena, (const char *)event->data.scalar.value,
                                     event->data.scalar.length);
    bool in_map = reader->depth > 0 && reader->open[reader->depth - 1]->kind == CONFIG_MAP;

    if (strlen(text) != event->data.scalar.length) {
        config_report_add(reader->report, where, NULL, "a NUL character is not allowed");
        return M_INVALID_PARAM;
    }
    if (in_map && reader->pending_key == NULL)
        return read_key(reader, text, where);

    struct config_node *node = config_node_create(reader->arena, CONFIG_SCALAR, NULL, where);
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = is_null_text(text, plain) ? NULL : text;
    place(reader, node);
    return OK;
}

static enum errcode open_collection(struct tree_reader *reader, const yaml_event_t *event)
{
    const char *where = where_of(reader, &event->start_mark);
    bool in_map = reader->depth > 0 && reader->open[reader->depth - 1]->kind == CONFIG_MAP;

    if (in_map && reader->pending_key == NULL) {
        config_report_add(reader->report, where, NULL, "a key must be a simple word");
        return M_INVALID_PARAM;
    }
    if (reader->depth == DEPTH_MAX) {
        config_report_add(reader->report, where, NULL, "the settings are nested too deeply");
        return M_INVALID_PARAM;
    }
    enum config_node_kind kind = event->type == YAML_MAPPING_START_EVENT ? CONFIG_MAP : CONFIG_LIST;
    struct config_node *node = config_node_create(reader->arena, kind, NULL, where);
    place(reader, node);
    reader->open[reader->depth++] = node;
    return OK;
}

static enum errcode read_event(struct tree_reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return open_collection(reader, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return OK;
    case YAML_ALIAS_EVENT:
        config_report_add(reader->report, where_of(reader, &event->start_mark), NULL, "%s",
                          alias_text);
        return M_INVALID_PARAM;
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root == NULL)
            return OK;
        config_report_add(reader->report, where_of(reader, &event->start_mark), NULL,
                          "a second document starts here: remove the line \"---\"");
        return M_INVALID_PARAM;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return OK;
    }
    return OK;
}

static void report_syntax(struct tree_reader *reader, const yaml_parser_t *parser)
{
    const char *problem = parser->problem != NULL ? parser->problem : "unreadable text";
    const char *context = parser->context != NULL ? parser->context : "";

    if (strstr(context, "alias") != NULL) {
        config_report_add(reader->report, where_of(reader, &parser->problem_mark), NULL, "%s",
                          alias_text);
        return;
    }
    config_report_add(reader->report, where_of(reader, &parser->problem_mark), NULL,
                      "this is not valid YAML: %s%s%s (look at the indentation and at missing "
                      "quotes or colons on this line and the one before)",
                      context, *context != '\0' ? ", " : "", problem);
}

static enum errcode read_events(struct tree_reader *reader, yaml_parser_t *parser)
{
    bool done = false;

    while (!done) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            report_syntax(reader, parser);
            return M_INVALID_PARAM;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        enum errcode code = read_event(reader, &event);
        yaml_event_delete(&event);
        TRY(code);
    }
    return OK;
}

enum errcode config_tree_parse(struct arena *arena, const char *text, size_t length,
                               const char *where, struct config_report *report,
                               struct config_node **out)
{
    struct tree_reader reader = {.arena = arena, .report = report, .where = where};
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        return E_SYSTEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    enum errcode code = read_events(&reader, &parser);
    yaml_parser_delete(&parser);
    TRY(code);

    bool empty =
        reader.root == NULL || (reader.root->kind == CONFIG_SCALAR && reader.root->text == NULL);
    *out = empty ? config_node_create(arena, CONFIG_MAP, NULL, NULL) : reader.root;
    return OK;
}
