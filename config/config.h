#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every setting, with its unit in the name. Loaded once (config_load.h) and immutable; a reload
 * makes a new struct. Strings are borrowed from it; optional ones are NULL when unset.
 * The YAML keys are the field names; nested structs are nested mappings.
 */
struct config_domain {
    const char *name;               /* server name: what stands after the colon of user IDs */
    const char *signing_key_file;   /* never NULL; made by `beffroi generate-key` */
    const char *client_base_url;    /* for .well-known/matrix/client; NULL: the listener's URL */
    const char *federation_address; /* host:port for .well-known/matrix/server; NULL: none served */
    const char *support_email;      /* .well-known/matrix/support */
    const char *support_page;
    const char *policy_server_key; /* ed25519, unpadded base64: .well-known/matrix/policy_server */
};

enum listener_api {
    API_CLIENT = 1,
    API_FEDERATION = 2,
    API_ADMIN = 4,
    API_METRICS = 8,
    API_HEALTH = 16
};

struct config_listener {
    const char *address;         /* "127.0.0.1:8008", "[::]:8448" */
    const char *tls_certificate; /* PEM file, or NULL for plain HTTP */
    const char *tls_key;
    bool tls_self_signed; /* the files above are in the data directory, made by `serve` */
    unsigned apis;        /* enum listener_api */
};

enum registration_mode { REGISTRATION_CLOSED, REGISTRATION_TOKEN, REGISTRATION_OPEN };

struct config_registration {
    enum registration_mode mode;      /* closed */
    const char *shared_secret;        /* for /_synapse/admin/v1/register; NULL: that path is off */
    bool guests;                      /* false */
    bool require_email;               /* false: a validated address is a stage of registration */
    const char *const *email_domains; /* addresses must be of one of these; empty: any */
    size_t email_domain_count;
    const char *terms_url; /* m.login.terms stage when set */
    const char *terms_version;
};

struct config_rate {
    double per_second; /* sustained */
    int burst;         /* at once */
};

struct config_rate_limits {
    bool enabled; /* true */
    struct config_rate message, login, registration, join, invite, threepid, search, media, other,
        federation;
};

struct config_passwords {
    int argon2_iterations; /* 2 */
    int argon2_memory_kib; /* 19456 */
    int length_min;        /* 8 characters */
};

/* How TLS is spoken with some servers. */
struct config_destination {
    const char *const *servers; /* globs of server names */
    size_t server_count;
    const char *ca_file;            /* the only trusted CAs, PEM; NULL: as for all others */
    const char *client_certificate; /* PEM, with client_key; NULL: none is shown */
    const char *client_key;
};

struct config_federation {
    bool enabled;             /* true */
    const char *const *allow; /* globs of server names; empty: everybody */
    size_t allow_count;
    const char *const *deny;
    size_t deny_count;
    const char *ca_file;          /* further trusted CAs, PEM */
    bool allow_private_addresses; /* false */
    const char *const *notaries;  /* trusted key servers; none */
    size_t notary_count;
    int64_t policy_server_timeout_seconds;         /* 10 */
    const struct config_destination *destinations; /* the first that fits counts */
    size_t destination_count;
};

struct config_outgoing {
    const char *proxy;                /* URL */
    const char *ca_file;              /* for everything but federation */
    bool allow_private_push_gateways; /* false */
};

struct config_mail {
    const char *smtp_url; /* smtp://host:port or smtps://; NULL: mail is off */
    const char *from;
    const char *username;
    const char *password;
    int64_t notification_delay_seconds;    /* before a mail about something unread */
    int64_t notification_interval_seconds; /* between two of them */
    bool notification_details; /* true: they name rooms and people, and quote messages */
};

struct config_turn {
    const char *const *uris;
    size_t uri_count;
    const char *shared_secret;
    int64_t ttl_seconds; /* 86400 */
};

struct config_calls {
    const char *livekit_service_url; /* NULL: no service for calls of many */
};

struct config_s3 {
    const char *endpoint; /* https://host, without a slash at the end */
    const char *bucket;
    const char *region; /* "us-east-1" */
    const char *access_key, *secret_key;
};

enum config_media_store { CONFIG_STORE_DIRECTORY, CONFIG_STORE_S3 };

struct config_media {
    enum config_media_store store; /* directory */
    struct config_s3 s3;
    int64_t upload_limit_bytes; /* 50 MiB */
    const char *directory;      /* never NULL: <data_directory>/media when unset */
    int64_t server_quota_bytes; /* 0: unlimited; of all users together */
    int64_t user_quota_bytes;   /* 0: unlimited */
    int user_quota_files;       /* 0: unlimited */
    int waiting_uploads_max;    /* 50: IDs of a user whose content has not come */
    int64_t local_retention_seconds, remote_retention_seconds; /* 0: for ever */
    int64_t remote_limit_bytes;        /* 100 MiB: of one file of another server */
    int64_t remote_quota_bytes;        /* 0: unlimited; of all that is kept of one server */
    bool unauthenticated_downloads;    /* true: the deprecated paths exist */
    const char *unauthenticated_until; /* YYYY-MM-DD; NULL: nothing is had without a token */
    int64_t unauthenticated_until_ts;  /* ms since 1970, made of the above; 0 when NULL */
};

enum config_on_virus { CONFIG_VIRUS_BLOCK, CONFIG_VIRUS_WARN };
enum config_unscanned { CONFIG_UNSCANNED_ACCEPT, CONFIG_UNSCANNED_REFUSE };

struct config_antivirus {
    const char *clamd;             /* path of its socket, or host:port; NULL: nothing is scanned */
    enum config_on_virus on_virus; /* block */
    enum config_unscanned unscanned; /* refuse */
    int64_t rescan_seconds;          /* 7 days: how long a result is good for new signatures */
};

struct config_url_previews {
    bool enabled;            /* false */
    const char *const *deny; /* globs of whole addresses */
    size_t deny_count;
    const char *const *allow_networks; /* "10.1.0.0/16": although they are not public */
    size_t allow_network_count;
    const char *accept_language; /* "en, *;q=0.5" */
    int64_t keep_seconds;        /* 30 days */
};

struct config_rooms {
    const char *default_version;            /* "12" */
    bool thread_subscriptions;              /* false; MSC4306 */
    bool encrypt_private_by_default;        /* true: new private rooms */
    bool refuse_plaintext_in_encrypted;     /* false */
    bool publish_room_list_over_federation; /* false */
    bool anyone_may_publish;                /* true: PUT directory/list/room by room moderators */
    const char *notices_name;               /* "Server notices": the room and who speaks in it */
};

struct config_encryption {
    bool accept_unsigned_keys; /* false */
    bool qr_login;             /* true: rendezvous sessions exist */
};

struct config_log {
    const char *level; /* "debug" "info" "warn" "error" */
    bool json;         /* false: logfmt */
};

struct config_limits {
    int64_t request_body_bytes; /* 1 MiB: JSON bodies of the client API */
    int worker_threads;         /* 0: 4 x cores, at least 8 */
    int io_threads;             /* 0: as many as cores, at least 4 */
    int database_connections;   /* 0: one per worker and a few */
    int64_t cache_bytes;        /* 256 MiB: the one budget of all caches */
};

struct config {
    const struct config_domain *domains; /* at least one; the first is the default */
    size_t domain_count;
    const struct config_listener *listeners;
    size_t listener_count;
    const char *database;       /* "embedded" or a postgresql:// URI */
    const char *data_directory; /* absolute after loading */
    struct config_registration registration;
    struct config_rate_limits rate_limits;
    struct config_passwords passwords;
    struct config_federation federation;
    struct config_outgoing outgoing;
    struct config_mail mail;
    struct config_turn turn;
    struct config_calls calls;
    struct config_media media;
    struct config_url_previews url_previews;
    struct config_antivirus antivirus;
    struct config_rooms rooms;
    struct config_encryption encryption;
    struct config_log log;
    struct config_limits limits;
    bool presence_enabled;              /* true */
    bool access_token_in_query;         /* true: deprecated, clients still use it */
    const char *const *trusted_proxies; /* addresses whose X-Forwarded-For counts */
    size_t trusted_proxy_count;
    const char *const *identity_servers; /* trusted ones; none: identity servers are not used */
    size_t identity_server_count;
    const char *const *appservice_files; /* registration YAML */
    size_t appservice_file_count;
};

/* The domain with this name when it is hosted here, else NULL. Names are case-sensitive. */
const struct config_domain *config_find_domain(const struct config *config, const char *name);

/* True when the server name (or the domain of the user ID) is hosted by this installation (I1). */
bool config_hosts(const struct config *config, const char *server_name);
bool config_hosts_user(const struct config *config, const char *user_id);

/* The current configuration; a SIGHUP swaps in a new one. A struct stays valid until the process
 * ends (reloads are rare and small, so old ones are kept): no lock is needed to read. */
struct config_holder;
struct config_holder *config_holder_create(const struct config *config_owned);
void config_holder_destroy(struct config_holder *holder);
const struct config *config_current(const struct config_holder *holder);
void config_replace(struct config_holder *holder, const struct config *config_owned);
void config_free(const struct config *config);

#endif
