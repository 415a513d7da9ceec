/*
 * Wiring: the parts of the server, built in layer order and taken down in the reverse one.
 */
#include "homeserver/server/server.h"

#include <stdlib.h>

#include "config/config.h"
#include "federation/client/federation_client.h"
#include "federation/receiver/authenticate_server.h"
#include "federation/receiver/key_ring.h"
#include "federation/receiver/receiver.h"
#include "federation/receiver/state_completion.h"
#include "federation/sender/sender.h"
#include "homeserver/accounts/authenticate.h"
#include "homeserver/accounts/login_throttle.h"
#include "homeserver/accounts/password_hash.h"
#include "homeserver/accounts/token_cache.h"
#include "homeserver/accounts/token_watch.h"
#include "homeserver/appservice/appservice_access.h"
#include "homeserver/appservice/appservices.h"
#include "homeserver/appservice/delivery.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/rate_limiter.h"
#include "homeserver/base/secret.h"
#include "homeserver/base/sha256.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/http/server.h"
#include "homeserver/jobs/email_pusher.h"
#include "homeserver/jobs/scheduler.h"
#include "homeserver/media/media_service.h"
#include "homeserver/net/http_client.h"
#include "homeserver/presence/presence.h"
#include "homeserver/presence/typing.h"
#include "homeserver/push/push_audience.h"
#include "homeserver/push/push_notifier.h"
#include "homeserver/push/unread_memory.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/server/domain_keys.h"
#include "homeserver/server/health.h"
#include "homeserver/server/routes.h"
#include "homeserver/server/signals.h"
#include "homeserver/server/systemd.h"
#include "homeserver/services.h"
#include "homeserver/sync/known_filters.h"
#include "homeserver/sync/notifier.h"
#include "storage/database_check.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/migrate.h"
#include "storage/recent_events.h"
#include "storage/recent_transactions.h"

enum {
    DRAIN_MS = 10 * 1000,
    PASSWORD_QUEUE = 4, /* below the number of workers: a login flood leaves some free */
    ROOMS_LOADED_MAX = 4096,
    RECENT_EVENTS_BYTES = 64 << 20,
    RECENT_TRANSACTIONS_BYTES = 8 << 20,
    UNREAD_MEMORY_BYTES = 16 << 20
};

struct server {
    const struct server_options *options;
    struct arena *arena; /* what lives as long as the process, such as the names of keys */
    struct services services;
    struct scheduler *scheduler;
    struct email_pusher *email_pusher;
    struct http_server *http;
};

static void release_db(struct db **db)
{
    db_destroy(*db);
}

static enum errcode prepare_database(const struct server_options *options, struct error *error)
{
    SCOPED(release_db) struct db *db = db_create(options->conninfo);

    TRY(database_check_server(db, options->allow_unsafe_database, error));
    TRY(migrate(db, error));
    return database_check_collations(db, error);
}

static void configure_log(const struct config *config)
{
    static const char *const names[] = {[LOG_LEVEL_DEBUG] = "debug",
                                        [LOG_LEVEL_INFO] = "info",
                                        [LOG_LEVEL_WARN] = "warn",
                                        [LOG_LEVEL_ERROR] = "error"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(config->log.level, names[i]) == 0)
            log_configure((enum log_level)i, config->log.json);
    }
}

/* Another node wrote to rooms whose heads we hold. */
static void forget_heads(void *context, const struct journal_change *change)
{
    struct room_service *rooms = context;

    if (!change->from_other_node)
        return;
    rooms_forget_heads(rooms, change->everything ? NULL : change->room_nids, change->room_count);
    if (!change->everything && change->message_room_count > 0)
        rooms_forget_heads(rooms, change->message_room_nids, change->message_room_count);
}

/* Another node changed something of some user: maybe their push rules. */
static void forget_audiences(void *context, const struct journal_change *change)
{
    if (change->from_other_node && (change->everything || change->user_count > 0))
        push_audiences_forget(context);
}

/* Somebody types: our clients, the other servers in the room and application services are told. */
static void typing_changed_in(void *context, int64_t room_nid)
{
    const struct services *services = context;

    notifier_wake_room(services->notifier, room_nid);
    federation_sender_on_typing(services->sender, room_nid);
    appservice_delivery_on_typing(services->appservice_delivery, room_nid);
}

static void create_journal(struct server *server)
{
    struct services *services = &server->services;
    services->journal = journal_create(server->options->conninfo);
    services->recent_events = recent_events_create(RECENT_EVENTS_BYTES);
    services->unread_memory = unread_memory_create(UNREAD_MEMORY_BYTES);
    services->recent_transactions = recent_transactions_create(RECENT_TRANSACTIONS_BYTES);
    journal_set_recent_events(services->journal, services->recent_events);
    journal_set_recent_transactions(services->journal, services->recent_transactions);
    journal_add_listener(services->journal, recent_events_on_change, services->recent_events);
    journal_add_listener(services->journal, forget_heads, services->rooms);
    journal_add_listener(services->journal, notifier_on_change, services->notifier);
    journal_add_listener(services->journal, forget_audiences, services->push_audiences);
    journal_add_listener(services->journal, appservice_delivery_on_change,
                         services->appservice_delivery);
    services->sender = federation_sender_create(services, server->options->conninfo);
    journal_add_listener(services->journal, federation_sender_on_change, services->sender);
    journal_add_listener(services->journal, push_notifier_on_change, services->push_notifier);
}

static void create_federation(struct server *server, const struct domain_key *keys)
{
    struct services *services = &server->services;
    const size_t count = server->options->config->domain_count;
    struct federation_identity *identities =
        ARENA_ARRAY(server->arena, count, struct federation_identity);

    for (size_t i = 0; i < count; i++)
        identities[i] = (struct federation_identity){keys[i].server_name, &keys[i].key};
    const struct federation_client_options options = {
        .config = services->config,
        .http = services->http,
        .identities = identities,
        .identity_count = count,
    };
    services->federation = federation_client_create(&options);
    services->key_ring = key_ring_create();
    services->device_lists = singleflight_create();
    services->history = singleflight_create();
}

/* Made of the signing key, so that all processes of the installation have the same, and a restart
 * changes nothing. */
static void set_scanner_key(struct media_service *media, const struct ed25519_key_pair *pair)
{
    static const char purpose[] = "beffroi content scanner";
    uint8_t bytes[sizeof(purpose) + sizeof(pair->secret)], seed[SHA256_BYTES];

    memcpy(bytes, purpose, sizeof(purpose));
    memcpy(bytes + sizeof(purpose), pair->secret, sizeof(pair->secret));
    sha256(bytes, sizeof(bytes), seed);
    media_service_set_scanner_seed(media, seed);
    secret_clear(bytes, sizeof(bytes));
    secret_clear(seed, sizeof(seed));
}

static enum errcode build_services(struct server *server, struct error *error)
{
    const struct config *config = server->options->config;
    struct services *services = &server->services;
    struct domain_key *keys;

    TRY(domain_keys_read(server->arena, config, error, &keys));
    services->rooms = room_service_create(keys, config->domain_count, ROOMS_LOADED_MAX);
    services->passwords = password_hasher_create(PASSWORD_QUEUE);
    services->token_cache = token_cache_create();
    services->login_throttle = login_throttle_create();
    services->rate_limiter = rate_limiter_create();
    services->http = http_client_create(services->config);
    create_federation(server, keys);
    services->media = media_service_create();
    set_scanner_key(services->media, &keys[0].key.pair);
    services->upgrades = singleflight_create();
    services->notifier = notifier_create();
    services->known_filters = known_filters_create();
    services->typing = typing_create();
    typing_listen(services->typing, typing_changed_in, services);
    services->presence = presence_create();
    services->push_audiences = push_audiences_create();
    services->push_notifier = push_notifier_create(services, server->options->conninfo);
    services->appservices = appservices_create();
    TRY(appservices_load(services->appservices, config, error));
    services->appservice_delivery = appservice_delivery_create(services, server->options->conninfo);
    create_journal(server);
    TRY(journal_start(services->journal));
    TRY(token_watch_create(services->token_cache, server->options->conninfo,
                           &services->token_watch));
    notifier_begin(services->notifier, journal_position(services->journal));
    appservice_delivery_start(services->appservice_delivery);
    services->receiver = federation_receiver_create(services, server->options->conninfo);
    services->state_completion = state_completion_create(services, server->options->conninfo);
    push_notifier_start(services->push_notifier);
    server->email_pusher = email_pusher_create(services, server->options->conninfo);
    email_pusher_start(server->email_pusher);
    server->scheduler = scheduler_create(services, server->options->conninfo);
    return OK;
}

static void destroy_services(struct services *services)
{
    state_completion_destroy(services->state_completion);
    federation_receiver_destroy(services->receiver);
    /* What is still waiting in the journal is written before anything else goes. */
    journal_destroy(services->journal);
    federation_sender_destroy(services->sender);
    recent_events_destroy(services->recent_events);
    recent_transactions_destroy(services->recent_transactions);
    unread_memory_destroy(services->unread_memory);
    singleflight_destroy(services->device_lists);
    singleflight_destroy(services->history);
    singleflight_destroy(services->upgrades);
    key_ring_destroy(services->key_ring);
    federation_client_destroy(services->federation);
    appservice_delivery_destroy(services->appservice_delivery);
    push_notifier_destroy(services->push_notifier);
    appservices_destroy(services->appservices);
    http_client_destroy(services->http);
    push_audiences_destroy(services->push_audiences);
    presence_destroy(services->presence);
    typing_destroy(services->typing);
    notifier_destroy(services->notifier);
    known_filters_destroy(services->known_filters);
    media_service_destroy(services->media);
    rate_limiter_destroy(services->rate_limiter);
    login_throttle_destroy(services->login_throttle);
    token_watch_destroy(services->token_watch);
    token_cache_destroy(services->token_cache);
    password_hasher_destroy(services->passwords);
    room_service_destroy(services->rooms);
    config_holder_destroy(services->config);
}

static enum errcode authenticate_origin(struct call *call, const struct server_request *request,
                                        struct requester *out)
{
    const struct signed_server_request signed_request = {
        .method = request->method,
        .target = request->target,
        .authorizations = request->authorizations,
        .authorization_count = request->authorization_count,
        .content = request->content,
        .content_bytes = request->content_bytes,
        .content_size = request->content_size,
    };

    TRY(authenticate_server(call, &signed_request, &out->server_name, &out->addressed_as));
    federation_sender_peer_spoke(call->services->sender, out->server_name);
    return OK;
}

static enum errcode start_http(struct server *server, struct error *error)
{
    const struct http_server_options options = {
        .services = &server->services,
        .conninfo = server->options->conninfo,
        .routes = routes,
        .route_count = route_count,
        .authenticate_user = appservice_authenticate,
        .note_use = authenticate_note_use,
        .authenticate_server = authenticate_origin,
    };

    return http_server_create(&options, error, &server->http);
}

static enum errcode build(struct server *server, struct error *error)
{
    TRY(prepare_database(server->options, error));
    TRY(build_services(server, error));
    return start_http(server, error);
}

/* The files of application services are read again even when the configuration did not change. */
static void reload_appservices(struct server *server, const struct config *config)
{
    struct error error = {0};

    if (appservices_load(server->services.appservices, config, &error) == OK)
        appservice_delivery_wake(server->services.appservice_delivery);
    else
        log_warn(LOG_SERVER, "The application services stay as they were: %s", error.text);
}

static void reload(struct server *server)
{
    const struct config *config = NULL;

    if (server->options->reload != NULL)
        config = server->options->reload(server->options->context);
    if (config != NULL) {
        config_replace(server->services.config, config);
        configure_log(config);
        reload_appservices(server, config);
    }
    http_server_reload(server->http);
    log_info(LOG_SERVER, "The configuration was read again.");
}

static void serve(struct server *server)
{
    health_set_ready(true);
    systemd_notify("READY=1");
    log_info(LOG_SERVER, "Beffroi " BEFFROI_VERSION " is ready.");
    while (signals_wait() == SIGNAL_RELOAD)
        reload(server);
    log_info(LOG_SERVER, "Stopping: no new connections, running requests are finished.");
    systemd_notify("STOPPING=1");
    health_set_ready(false);
}

static void tear_down(struct server *server)
{
    http_server_destroy(server->http);
    scheduler_destroy(server->scheduler);
    appservice_delivery_stop(server->services.appservice_delivery);
    if (server->services.http != NULL)
        http_client_stop(server->services.http);
    federation_sender_stop(server->services.sender);
    email_pusher_destroy(server->email_pusher);
    push_notifier_stop(server->services.push_notifier);
    destroy_services(&server->services);
    arena_destroy(server->arena);
    free(server);
}

static void stop(struct server *server)
{
    /* What waits for another server would wait longer than the drain. */
    http_client_stop(server->services.http);
    if (!http_server_drain(server->http, DRAIN_MS)) {
        /* A handler that hangs must not keep the process. What was answered is committed, so
         * nothing is lost; what the handler still uses is left to the end of the process. */
        log_warn(LOG_SERVER, "Some requests did not end within %d seconds and are cut off.",
                 DRAIN_MS / 1000);
        return;
    }
    tear_down(server);
    log_info(LOG_SERVER, "Stopped.");
}

enum errcode server_run(const struct server_options *options, struct error *error)
{
    struct server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return E_SYSTEM;
    server->options = options;
    server->arena = arena_create();
    server->services.config = config_holder_create(options->config);
    signals_block();
    configure_log(options->config);
    enum errcode outcome = build(server, error);
    if (outcome != OK) {
        tear_down(server);
        return outcome;
    }
    serve(server);
    stop(server);
    return OK;
}
