/* Where the requests for a server go; see the header for the order of the steps. */
#include "federation/client/discovery.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "config/config.h"
#include "federation/client/well_known.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/net/dns_srv.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/server_name.h"

enum {
    DEFAULT_PORT = 8448,
    SRV_TIMEOUT_MS = 5 * 1000,
    SRV_LIFETIME_MS = 10 * 60 * 1000,
    ROUTES_MAX = 20000,
};

struct route_entry {
    char *server_name, *base_url, *host, *connect_to;
    int64_t until_ms; /* monotonic */
    UT_hash_handle hh;
};

struct discovery {
    struct config_holder *config;
    struct http_client *http;
    pthread_mutex_t lock;
    struct route_entry *routes; /* protected by lock */
};

/* One resolution under way. */
struct search {
    struct discovery *discovery;
    struct arena *arena;
    struct strbuf *steps;
    int64_t lifetime_ms;
};

struct discovery *discovery_create(struct config_holder *config, struct http_client *http)
{
    struct discovery *discovery = calloc(1, sizeof(*discovery));

    if (discovery == NULL)
        abort();
    discovery->config = config;
    discovery->http = http;
    pthread_mutex_init(&discovery->lock, NULL);
    return discovery;
}

static void drop(struct discovery *discovery, struct route_entry *entry)
{
    HASH_DEL(discovery->routes, entry);
    free(entry->server_name);
    free(entry->base_url);
    free(entry->host);
    free(entry->connect_to);
    free(entry);
}

void discovery_destroy(struct discovery *discovery)
{
    struct route_entry *entry, *next;

    if (discovery == NULL)
        return;
    HASH_ITER (hh, discovery->routes, entry, next)
        drop(discovery, entry);
    pthread_mutex_destroy(&discovery->lock);
    free(discovery);
}

static char *copy(const char *text)
{
    char *copied = text != NULL ? strdup(text) : NULL;

    if (text != NULL && copied == NULL)
        abort();
    return copied;
}

static void keep(struct discovery *discovery, const char *server_name,
                 const struct server_route *route, int64_t lifetime_ms)
{
    struct route_entry *entry = calloc(1, sizeof(*entry)), *old;

    if (entry == NULL)
        abort();
    entry->server_name = copy(server_name);
    entry->base_url = copy(route->base_url);
    entry->host = copy(route->host);
    entry->connect_to = copy(route->connect_to);
    entry->until_ms = clock_monotonic_ms() + lifetime_ms;
    pthread_mutex_lock(&discovery->lock);
    HASH_FIND_STR(discovery->routes, server_name, old);
    if (old == NULL && HASH_COUNT(discovery->routes) >= ROUTES_MAX)
        old = discovery->routes;
    if (old != NULL)
        drop(discovery, old);
    HASH_ADD_KEYPTR(hh, discovery->routes, entry->server_name, strlen(entry->server_name), entry);
    pthread_mutex_unlock(&discovery->lock);
}

void discovery_forget(struct discovery *discovery, const char *server_name)
{
    struct route_entry *entry;

    pthread_mutex_lock(&discovery->lock);
    HASH_FIND_STR(discovery->routes, server_name, entry);
    if (entry != NULL)
        drop(discovery, entry);
    pthread_mutex_unlock(&discovery->lock);
}

static void step(struct search *search, const char *format, ...) PRINTF_LIKE(2, 3);
static void step(struct search *search, const char *format, ...)
{
    va_list args;

    if (search->steps == NULL)
        return;
    va_start(args, format);
    strbuf_add_string(search->steps, arena_vprintf(search->arena, format, args));
    va_end(args);
    strbuf_add_char(search->steps, '\n');
}

static const char *host_of(struct arena *arena, const struct server_name *name)
{
    const char *text = arena_strndup(arena, name->host, name->host_length);

    return name->kind == SERVER_HOST_IPV6 ? arena_printf(arena, "[%s]", text) : text;
}

static void route_to(struct search *search, const char *host, int port, const char *host_header,
                     struct server_route *out)
{
    *out = (struct server_route){
        .base_url = arena_printf(search->arena, "https://%s:%d", host, port),
        .host = host_header,
    };
}

/* An IP literal or an explicit port says it all: steps 1 and 2, or 3.1 and 3.2. */
static bool is_explicit(struct search *search, const char *text, const struct server_name *name,
                        struct server_route *out)
{
    if (name->kind == SERVER_HOST_DNS && name->port == SERVER_NAME_NO_PORT)
        return false;
    route_to(search, host_of(search->arena, name),
             name->port == SERVER_NAME_NO_PORT ? DEFAULT_PORT : name->port, text, out);
    step(search, "%s has %s: connect to %s", text,
         name->port == SERVER_NAME_NO_PORT ? "an IP address" : "a port", out->base_url);
    return true;
}

/* A name server that did not answer is not asked for the other name as well: that would only double
 * the wait. */
static bool find_srv(struct search *search, const char *service, const char *host,
                     struct server_route *out, bool *is_silent)
{
    const char *name = arena_printf(search->arena, "%s._tcp.%s", service, host);
    struct srv_target *targets;
    struct error error = {0};
    size_t count;

    if (*is_silent)
        return false;
    enum errcode looked_up =
        dns_srv_lookup(search->arena, name, SRV_TIMEOUT_MS, &error, &targets, &count);
    *is_silent = looked_up == E_TIMEOUT;
    if (looked_up != OK) {
        step(search, "SRV %s: %s", name, error.text);
        return false;
    }
    if (count == 0) {
        step(search, "SRV %s: no such record", name);
        return false;
    }
    route_to(search, host, targets[0].port, host, out);
    out->connect_to = arena_printf(search->arena, "%s:%d", targets[0].host, targets[0].port);
    if (search->lifetime_ms > SRV_LIFETIME_MS)
        search->lifetime_ms = SRV_LIFETIME_MS;
    step(search, "SRV %s: connect to %s, with the certificate of %s", name, out->connect_to, host);
    return true;
}

/* Steps 4 to 6, or 3.3 to 3.5. */
static void by_dns(struct search *search, const char *host, struct server_route *out)
{
    bool is_silent = false;

    if (find_srv(search, "_matrix-fed", host, out, &is_silent) ||
        find_srv(search, "_matrix", host, out, &is_silent))
        return;
    if (search->lifetime_ms > SRV_LIFETIME_MS)
        search->lifetime_ms = SRV_LIFETIME_MS;
    route_to(search, host, DEFAULT_PORT, host, out);
    step(search, "nothing else is said: connect to %s", out->base_url);
}

static enum errcode resolve(struct search *search, const char *server_name, struct error *error,
                            struct server_route *out)
{
    const struct config *config = config_current(search->discovery->config);
    struct server_name name;
    struct well_known found;

    search->lifetime_ms = INT64_C(24) * 60 * 60 * 1000;
    if (!server_name_parse(server_name, &name))
        return fail(error, M_INVALID_PARAM, "%s is not a server name", server_name);
    if (is_explicit(search, server_name, &name, out))
        return OK;
    well_known_fetch(search->discovery->http, config, search->arena, server_name, &found);
    search->lifetime_ms = found.lifetime_ms;
    if (found.delegated == NULL) {
        step(search, "https://%s/.well-known/matrix/server says nothing: %s", server_name,
             found.why);
        by_dns(search, server_name, out);
        return OK;
    }
    step(search, "https://%s/.well-known/matrix/server delegates to %s", server_name,
         found.delegated);
    if (!server_name_parse(found.delegated, &name))
        return E_REMOTE;
    if (!is_explicit(search, found.delegated, &name, out))
        by_dns(search, found.delegated, out);
    return OK;
}

bool discovery_recall(struct discovery *discovery, struct arena *arena, const char *server_name,
                      struct server_route *out)
{
    struct search search = {.discovery = discovery, .arena = arena};
    struct route_entry *entry;
    struct server_name name;
    bool found;

    /* What the name itself says needs neither network nor memory. */
    if (server_name_parse(server_name, &name) && is_explicit(&search, server_name, &name, out))
        return true;
    pthread_mutex_lock(&discovery->lock);
    HASH_FIND_STR(discovery->routes, server_name, entry);
    found = entry != NULL && entry->until_ms > clock_monotonic_ms();
    if (found)
        *out = (struct server_route){
            .base_url = arena_strdup(arena, entry->base_url),
            .host = arena_strdup(arena, entry->host),
            .connect_to = entry->connect_to != NULL ? arena_strdup(arena, entry->connect_to) : NULL,
        };
    pthread_mutex_unlock(&discovery->lock);
    return found;
}

enum errcode discovery_resolve(struct discovery *discovery, struct arena *arena,
                               const char *server_name, struct error *error,
                               struct server_route *out)
{
    struct search search = {.discovery = discovery, .arena = arena};

    if (discovery_recall(discovery, arena, server_name, out))
        return OK;
    TRY(resolve(&search, server_name, error, out));
    keep(discovery, server_name, out, search.lifetime_ms);
    return OK;
}

enum errcode discovery_explain(struct discovery *discovery, struct arena *arena,
                               const char *server_name, struct strbuf *steps, struct error *error,
                               struct server_route *out)
{
    struct search search = {.discovery = discovery, .arena = arena, .steps = steps};

    return resolve(&search, server_name, error, out);
}
