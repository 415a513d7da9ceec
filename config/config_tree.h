#ifndef CONFIG_CONFIG_TREE_H
#define CONFIG_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/error.h"

struct arena;
struct config_report;

/*
 * YAML as a tree in which every node knows where it was written. Only what a configuration needs:
 * mappings, lists and scalars; anchors, aliases and tags are refused.
 */
enum config_node_kind { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };

struct config_node {
    enum config_node_kind kind;
    const char *key;   /* inside a mapping, else NULL */
    const char *text;  /* of a scalar; NULL means null */
    const char *where; /* "line 12", or the origin of an override */
    struct config_node *first, *last, *next;
};

/* Parses one document. `where` replaces the line numbers when it is not NULL. An empty document is
 * an empty mapping. Mistakes go to the report and give M_INVALID_PARAM. */
enum errcode config_tree_parse(struct arena *arena, const char *text, size_t length,
                               const char *where, struct config_report *report,
                               struct config_node **out) MUST_CHECK;

struct config_node *config_node_create(struct arena *arena, enum config_node_kind kind,
                                       const char *key, const char *where);
void config_node_append(struct config_node *parent, struct config_node *child);

/* The member of a mapping or NULL; `node` may be NULL. A member that is null counts as absent. */
struct config_node *config_node_member(const struct config_node *node, const char *key);

/* The item of a list or NULL. */
struct config_node *config_node_item(const struct config_node *node, size_t index);
size_t config_node_count(const struct config_node *node);

/* Where the deepest existing node on a path such as "listeners.0.address" was written; NULL when
 * nothing of it is in the tree. */
const char *config_tree_where(const struct config_node *root, const char *path);

#endif
