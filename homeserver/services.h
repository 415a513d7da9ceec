#ifndef HOMESERVER_SERVICES_H
#define HOMESERVER_SERVICES_H

/*
 * The long-lived parts of the server, built once in homeserver/server/server.c and read-only from
 * then on. Pointers only: a file that uses one includes that part's own header.
 */
struct config_holder;
struct journal;
struct room_service;
struct recent_events;
struct recent_transactions;
struct unread_memory;
struct known_filters;
struct notifier;
struct typing;
struct presence;
struct push_audiences;
struct push_notifier;
struct appservices;
struct appservice_delivery;
struct password_hasher;
struct token_cache;
struct token_watch;
struct login_throttle;
struct rate_limiter;
struct http_client;
struct federation_client;
struct federation_sender;
struct key_ring;
struct media_service;
struct federation_receiver;
struct state_completion;
struct singleflight;
struct metrics;

struct services {
    struct config_holder *config; /* config/config.h: config_current() */
    struct journal *journal;
    struct room_service *rooms;
    struct media_service *media;
    struct recent_events *recent_events;             /* NULL: none are remembered */
    struct recent_transactions *recent_transactions; /* NULL: likewise */
    struct unread_memory *unread_memory;
    struct notifier *notifier;
    struct known_filters *known_filters;
    struct typing *typing;
    struct presence *presence;
    struct push_audiences *push_audiences;
    struct push_notifier *push_notifier;
    struct appservices *appservices; /* homeserver/appservice/ */
    struct appservice_delivery *appservice_delivery;
    struct password_hasher *passwords;
    struct token_cache *token_cache;
    struct token_watch *token_watch;
    struct login_throttle *login_throttle;
    struct rate_limiter *rate_limiter;
    struct http_client *http;             /* homeserver/net/http_client.h: calls to other servers */
    struct federation_client *federation; /* federation/client/ */
    struct federation_sender *sender;     /* federation/sender/ */
    struct key_ring *key_ring;            /* federation/receiver/key_ring.h */
    struct federation_receiver *receiver; /* federation/receiver/receiver.h */
    struct state_completion *state_completion; /* federation/receiver/state_completion.h */
    struct singleflight *device_lists;         /* homeserver/encryption/remote_keys.h: by user */
    struct singleflight *history;              /* federation/receiver/history.h: by room */
    struct singleflight *upgrades;             /* homeserver/rooms/upgrade_room.h: by room */
};

#endif
