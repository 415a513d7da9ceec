/*
 * Route table -> trie. Nodes stand for path segments; children are tried literal first, then the
 * parameter, then the rest of the path. Depth and fan-out are those of the table, never of the
 * request.
 */
#include "homeserver/http/router.h"

#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"

struct segment {
    const char *text;
    size_t length;
};

struct node {
    struct segment literal; /* unused for a parameter */
    struct node *literals;  /* first literal child */
    struct node *parameter; /* child for {name} */
    struct node *rest;      /* child for {name...} */
    struct node *sibling;   /* next literal child of the same parent */
    const struct route *routes[METHOD_COUNT];
    bool has_routes;
};

struct router {
    struct arena *arena;
    struct node *root;
};

static NORETURN void refuse_table(const struct route *route, const char *why)
{
    fprintf(stderr, "<2>beffroi: route table: %s: %s\n", route->path, why);
    abort();
}

/* Cuts the segment that starts at `*position`; false at the end of the path. */
static bool next_segment(const char *path, size_t length, size_t *position, struct segment *out)
{
    if (*position >= length || path[*position] != '/')
        return false;
    size_t start = *position + 1;
    size_t end = start;
    while (end < length && path[end] != '/')
        end++;
    *position = end;
    *out = (struct segment){path + start, end - start};
    return true;
}

static bool is_parameter(struct segment segment)
{
    return segment.length >= 2 && segment.text[0] == '{' && segment.text[segment.length - 1] == '}';
}

static bool is_rest(struct segment segment)
{
    return is_parameter(segment) && segment.length > 5 &&
           memcmp(segment.text + segment.length - 4, "...}", 4) == 0;
}

static struct node *find_literal(const struct node *node, struct segment segment)
{
    for (struct node *child = node->literals; child != NULL; child = child->sibling) {
        if (child->literal.length == segment.length &&
            memcmp(child->literal.text, segment.text, segment.length) == 0)
            return child;
    }
    return NULL;
}

static struct node *add_child(struct router *router, struct node *node, struct segment segment)
{
    struct node **slot = is_rest(segment) ? &node->rest : &node->parameter;

    if (!is_parameter(segment)) {
        struct node *child = find_literal(node, segment);
        if (child != NULL)
            return child;
        child = ARENA_NEW(router->arena, struct node);
        child->literal = segment;
        child->sibling = node->literals;
        node->literals = child;
        return child;
    }
    if (*slot == NULL)
        *slot = ARENA_NEW(router->arena, struct node);
    return *slot;
}

static void add_route(struct router *router, const struct route *route)
{
    size_t length = strlen(route->path);
    size_t position = 0;
    size_t params = 0;
    struct node *node = router->root;
    struct segment segment;

    while (next_segment(route->path, length, &position, &segment)) {
        params += is_parameter(segment) ? 1 : 0;
        node = add_child(router, node, segment);
    }
    if (position != length)
        refuse_table(route, "the path does not start with a slash");
    if (params > ROUTE_PARAMS_MAX)
        refuse_table(route, "too many parameters");
    if (node->routes[route->method] != NULL)
        refuse_table(route, "the same method and path stand there twice");
    node->routes[route->method] = route;
    node->has_routes = true;
}

struct router *router_create(const struct route *routes, size_t count)
{
    struct arena *arena = arena_create();
    struct router *router = ARENA_NEW(arena, struct router);

    router->arena = arena;
    router->root = ARENA_NEW(arena, struct node);
    for (size_t i = 0; i < count; i++)
        add_route(router, &routes[i]);
    return router;
}

void router_destroy(struct router *router)
{
    if (router != NULL)
        arena_destroy(router->arena);
}

static const struct route *route_for(const struct node *node, enum http_method method)
{
    if (method == METHOD_COUNT)
        return NULL;
    if (method == HEAD && node->routes[HEAD] == NULL)
        return node->routes[GET];
    return node->routes[method];
}

struct search {
    enum http_method method;
    const char *path;
    size_t length;
    bool path_is_known;
};

static const struct route *arrive(struct search *search, const struct node *node)
{
    search->path_is_known |= node->has_routes;
    return route_for(node, search->method);
}

/* Before Matrix 1.1 the paths said `r0` where they say `v3` now; clients in use still do. */
static const struct node *follow_literal(const struct node *node, struct segment segment)
{
    const struct node *child = find_literal(node, segment);

    if (child == NULL && segment.length == 2 && memcmp(segment.text, "r0", 2) == 0)
        child = find_literal(node, (struct segment){"v3", 2});
    return child;
}

/* Recursion is as deep as the trie: the longest row of the table. */
static const struct route *descend(struct search *search, const struct node *node, size_t position)
{
    struct segment segment;
    size_t start = position;
    const struct route *route = NULL;

    if (!next_segment(search->path, search->length, &position, &segment))
        return arrive(search, node);
    const struct node *literal = follow_literal(node, segment);
    if (literal != NULL)
        route = descend(search, literal, position);
    if (route == NULL && node->parameter != NULL &&
        (segment.length > 0 || position == search->length))
        route = descend(search, node->parameter, position);
    if (route == NULL && node->rest != NULL && start + 1 < search->length)
        route = arrive(search, node->rest);
    return route;
}

/* Walks the row's own path beside the request's: that is simpler than recording while searching. */
static void collect_params(struct route_match *match, const char *path, size_t length)
{
    const char *row = match->route->path;
    size_t row_length = strlen(row);
    size_t row_position = 0, position = 0;
    struct segment name, value;

    while (next_segment(row, row_length, &row_position, &name) &&
           next_segment(path, length, &position, &value)) {
        if (!is_parameter(name))
            continue;
        struct route_param *param = &match->params[match->param_count++];
        size_t decoration = is_rest(name) ? 5 : 2;
        *param =
            (struct route_param){name.text + 1, name.length - decoration, value.text, value.length};
        if (is_rest(name))
            param->value_length = (size_t)(path + length - value.text);
    }
}

void router_match(const struct router *router, enum http_method method, const char *path,
                  size_t length, struct route_match *out)
{
    struct search search = {.method = method, .path = path, .length = length};

    memset(out, 0, sizeof(*out));
    if (length > 0 && path[0] == '/')
        out->route = descend(&search, router->root, 0);
    out->path_is_known = search.path_is_known;
    if (out->route != NULL)
        collect_params(out, path, length);
}
