/* Signing keys of other servers, asked for once and remembered. */
#include "federation/receiver/key_ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "config/config.h"
#include "federation/client/server_keys.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/server_keys.h"

enum {
    KEYS_MAX = 50000,
    SERVERS_MAX = 20000,
    RETRY_MIN_MS = 2 * 1000,
    RETRY_MAX_MS = 60 * 60 * 1000, /* of a server that does not answer */
    /* Who asks us as a notary makes us ask a server at most so often. */
    REFRESH_MIN_MS = 60 * 1000,
};

struct ring_entry {
    char *name; /* "server key_id" */
    struct verify_key key;
    UT_hash_handle hh;
};

/* A server whose keys could not be had, or that did not list a key it should have. */
struct ring_server {
    char *name;
    int64_t retry_at_ms; /* monotonic */
    int64_t interval_ms;
    UT_hash_handle hh;
};

struct key_ring {
    struct singleflight *flights;
    pthread_mutex_t lock; /* protects what follows */
    struct ring_entry *entries;
    struct ring_server *servers;
};

struct key_ring *key_ring_create(void)
{
    struct key_ring *ring = calloc(1, sizeof(*ring));

    if (ring == NULL)
        abort();
    ring->flights = singleflight_create();
    pthread_mutex_init(&ring->lock, NULL);
    return ring;
}

static void drop_entry(struct key_ring *ring, struct ring_entry *entry)
{
    HASH_DEL(ring->entries, entry);
    free(entry->name);
    free(entry);
}

static void drop_server(struct key_ring *ring, struct ring_server *server)
{
    HASH_DEL(ring->servers, server);
    free(server->name);
    free(server);
}

void key_ring_destroy(struct key_ring *ring)
{
    struct ring_entry *entry, *next_entry;
    struct ring_server *server, *next_server;

    if (ring == NULL)
        return;
    HASH_ITER (hh, ring->entries, entry, next_entry)
        drop_entry(ring, entry);
    HASH_ITER (hh, ring->servers, server, next_server)
        drop_server(ring, server);
    singleflight_destroy(ring->flights);
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

static bool recall(struct key_ring *ring, const char *name, struct verify_key *out)
{
    struct ring_entry *entry;

    pthread_mutex_lock(&ring->lock);
    HASH_FIND_STR(ring->entries, name, entry);
    if (entry != NULL)
        *out = entry->key;
    pthread_mutex_unlock(&ring->lock);
    return entry != NULL;
}

static void remember(struct key_ring *ring, const char *name, const struct verify_key *key)
{
    struct ring_entry *entry;

    pthread_mutex_lock(&ring->lock);
    HASH_FIND_STR(ring->entries, name, entry);
    if (entry == NULL) {
        if (HASH_COUNT(ring->entries) >= KEYS_MAX)
            drop_entry(ring, ring->entries);
        entry = calloc(1, sizeof(*entry));
        if (entry == NULL)
            abort();
        entry->name = strdup(name);
        HASH_ADD_KEYPTR(hh, ring->entries, entry->name, strlen(entry->name), entry);
    }
    entry->key = *key;
    pthread_mutex_unlock(&ring->lock);
}

static bool may_ask(struct key_ring *ring, const char *server_name)
{
    struct ring_server *server;
    bool may;

    pthread_mutex_lock(&ring->lock);
    HASH_FIND_STR(ring->servers, server_name, server);
    may = server == NULL || server->retry_at_ms <= clock_monotonic_ms();
    pthread_mutex_unlock(&ring->lock);
    return may;
}

enum answer { HAS_KEY, LACKS_KEY, NONE };

/* A server that answers without the key that was asked for is asked again soon: anybody can make us
 * ask for a key that it never had, and its real next one must not wait for that. */
static void asked(struct key_ring *ring, const char *server_name, enum answer answer)
{
    bool in_vain = answer != HAS_KEY;
    struct ring_server *server;

    pthread_mutex_lock(&ring->lock);
    HASH_FIND_STR(ring->servers, server_name, server);
    if (server == NULL && in_vain) {
        if (HASH_COUNT(ring->servers) >= SERVERS_MAX)
            drop_server(ring, ring->servers);
        server = calloc(1, sizeof(*server));
        if (server == NULL)
            abort();
        server->name = strdup(server_name);
        HASH_ADD_KEYPTR(hh, ring->servers, server->name, strlen(server->name), server);
    }
    if (server != NULL && in_vain) {
        server->interval_ms = server->interval_ms == 0 || answer == LACKS_KEY
                                  ? RETRY_MIN_MS
                                  : server->interval_ms * 2;
        if (server->interval_ms > RETRY_MAX_MS)
            server->interval_ms = RETRY_MAX_MS;
        server->retry_at_ms = clock_monotonic_ms() + server->interval_ms;
    } else if (server != NULL) {
        drop_server(ring, server);
    }
    pthread_mutex_unlock(&ring->lock);
}

/* ── One flight: the keys of one server ──────────────────────────────────────────────────────── */

struct flight {
    struct call *call;
    const char *server_name;
    const char *key_id; /* NULL: whichever it has */
    bool found;         /* a document lists the key, and is still valid */
};

static enum errcode store(struct flight *flight, const struct server_keys *keys)
{
    struct call *call = flight->call;
    struct stored_server_key *rows =
        ARENA_ARRAY(call->arena, keys->count, struct stored_server_key);
    char *document = json_dumps(keys->json, JSON_COMPACT);
    const struct stored_key_document stored = {
        .server_name = keys->server_name,
        .document = document,
        .received_ts = clock_wall_ms(),
        .valid_until_ts = keys->valid_until_ts,
    };

    if (document == NULL)
        return E_SYSTEM;
    arena_defer(call->arena, free, document);
    for (size_t i = 0; i < keys->count; i++) {
        const struct server_key *key = &keys->keys[i];
        rows[i] = (struct stored_server_key){
            .server_name = keys->server_name,
            .key_id = key->key_id,
            .valid_until_ts = key->key.valid_until_ts,
            .is_expired = key->key.is_expired,
        };
        memcpy(rows[i].public_key, key->key.key.bytes, STORED_KEY_BYTES);
    }
    TRY(server_keys_store(call->db, rows, keys->count));
    TRY(server_key_document_store(call->db, &stored));
    for (size_t i = 0; i < keys->count; i++)
        remember(call->services->key_ring,
                 arena_printf(call->arena, "%s %s", keys->server_name, keys->keys[i].key_id),
                 &keys->keys[i].key);
    const struct server_key *found =
        flight->key_id != NULL ? server_keys_find(keys, flight->key_id) : NULL;
    bool is_expired = found != NULL && found->key.is_expired;
    bool is_valid = keys->valid_until_ts > clock_wall_ms();
    flight->found =
        flight->found || is_expired || ((found != NULL || flight->key_id == NULL) && is_valid);
    return OK;
}

static enum errcode ask_notary(struct flight *flight, const char *notary)
{
    struct call *call = flight->call;
    struct notary_query query = {
        .notary = notary, .server_name = flight->server_name, .key_id = flight->key_id};
    const struct server_keys **documents;
    size_t count;

    TRY(federation_get_server_keys(call, notary, &query.notary_keys));
    TRY(federation_query_notary(call, &query, &documents, &count));
    for (size_t i = 0; i < count; i++)
        TRY(store(flight, documents[i]));
    return OK;
}

/* What servers do wrong (M_*, E_REMOTE, E_TIMEOUT) only means that the key is not to be had there.
 */
static bool is_ours(enum errcode outcome)
{
    return errcode_is_internal(outcome) && outcome != E_REMOTE && outcome != E_TIMEOUT;
}

static const char *ring_name(struct call *call, const struct flight *flight)
{
    return arena_printf(call->arena, "%s %s", flight->server_name, flight->key_id);
}

static bool holds(const struct verify_key *key)
{
    return key->is_expired || key->valid_until_ts > clock_wall_ms();
}

static enum errcode fly(void *context)
{
    struct flight *flight = context;
    struct call *call = flight->call;
    struct key_ring *ring = call->services->key_ring;
    const struct config *config = config_current(call->services->config);
    const struct server_keys *keys;
    struct verify_key known;

    /* Who looked before another flight landed takes off after it. */
    if (flight->key_id != NULL && recall(ring, ring_name(call, flight), &known) && holds(&known))
        return OK;
    enum errcode outcome = federation_get_server_keys(call, flight->server_name, &keys);
    bool has_answered = outcome == OK;
    if (has_answered)
        outcome = store(flight, keys);
    for (size_t i = 0; i < config->federation.notary_count && !flight->found; i++) {
        if (is_ours(outcome))
            return outcome;
        outcome = ask_notary(flight, config->federation.notaries[i]);
    }
    if (is_ours(outcome))
        return outcome;
    if (!flight->found)
        log_info(LOG_FEDERATION, "The key %s of %s can not be had: %s",
                 flight->key_id != NULL ? flight->key_id : "in use", flight->server_name,
                 outcome == OK ? "the server does not list it" : call->error->text);
    asked(ring, flight->server_name, flight->found ? HAS_KEY : has_answered ? LACKS_KEY : NONE);
    return OK;
}

static enum errcode load_stored(struct call *call, const char *server_name, const char *key_id,
                                struct verify_key *out, bool *is_known_out)
{
    struct stored_server_key stored;
    enum errcode outcome = server_key_load(call->db, call->arena, server_name, key_id, &stored);

    *is_known_out = outcome == OK;
    if (outcome != OK)
        return outcome == M_NOT_FOUND ? OK : outcome;
    memcpy(out->key.bytes, stored.public_key, STORED_KEY_BYTES);
    out->valid_until_ts = stored.valid_until_ts;
    out->is_expired = stored.is_expired;
    return OK;
}

enum errcode key_ring_find(struct call *call, const char *server_name, const char *key_id,
                           struct verify_key *out, bool *is_known_out)
{
    struct key_ring *ring = call->services->key_ring;
    const char *name = arena_printf(call->arena, "%s %s", server_name, key_id);
    struct flight flight = {.call = call, .server_name = server_name, .key_id = key_id};

    *is_known_out = recall(ring, name, out);
    if (!*is_known_out) {
        TRY(load_stored(call, server_name, key_id, out, is_known_out));
        if (*is_known_out)
            remember(ring, name, out);
    }
    if (*is_known_out && holds(out))
        return OK;
    if (!may_ask(ring, server_name)) {
        if (!*is_known_out)
            fail(call->error, E_REMOTE, "The key %s of %s could not be had a moment ago", key_id,
                 server_name);
        return OK;
    }
    if (call->must_not_wait)
        return E_OUTWARD;
    TRY(singleflight_run(ring->flights, server_name, fly, &flight, NULL));
    if (recall(ring, name, out))
        *is_known_out = true;
    return OK;
}

static enum errcode load_document(struct call *call, const char *server_name,
                                  struct stored_key_document *out, bool *is_known_out)
{
    enum errcode outcome = server_key_document_load(call->db, call->arena, server_name, out);

    *is_known_out = outcome == OK;
    return outcome == M_NOT_FOUND ? OK : outcome;
}

enum errcode key_ring_document(struct call *call, const char *server_name, int64_t until_ms,
                               json_t **out)
{
    struct key_ring *ring = call->services->key_ring;
    struct flight flight = {.call = call, .server_name = server_name};
    struct stored_key_document stored;
    bool is_known;

    *out = NULL;
    TRY(load_document(call, server_name, &stored, &is_known));
    if (!is_known)
        return OK;
    if (stored.valid_until_ts < until_ms && stored.received_ts < clock_wall_ms() - REFRESH_MIN_MS &&
        may_ask(ring, server_name)) {
        if (call->must_not_wait)
            return E_OUTWARD;
        TRY(singleflight_run(ring->flights, server_name, fly, &flight, NULL));
        TRY(load_document(call, server_name, &stored, &is_known));
    }
    return json_parse_object(call->arena, stored.document, strlen(stored.document), call->error,
                             out);
}
