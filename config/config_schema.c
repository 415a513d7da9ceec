/* The table of all settings, section by section, in the order in which they are printed. */
#include "config/config_schema.h"

#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/suggest.h"

/* clang-format off */

#define AT(type, field) .offset = offsetof(struct type, field)
#define LIST(type, field, count) .offset = offsetof(struct type, field), .count_offset = offsetof(struct type, count)
#define SECTION(type, title, items) {title, items, COUNT_OF(items), sizeof(struct type)}

static const struct setting domain_items[] = {
    {"name", SETTING_TEXT, AT(config_domain, name), .required = true, .example = "example.org",
     .help = "What stands after the colon of user IDs: @anna:example.org. It can never be changed later."},
    {"signing_key_file", SETTING_PATH, AT(config_domain, signing_key_file),
     .example = "/var/lib/beffroi/signing-example.org.key",
     .help = "The private key that signs what this domain says to other servers. Make it with `beffroi generate-key` "
             "and keep a copy in a safe place. Unset: signing-<name>.key in the data directory."},
    {"client_base_url", SETTING_TEXT, AT(config_domain, client_base_url), .example = "https://matrix.example.org",
     .help = "The address clients use, told to them by https://<name>/.well-known/matrix/client. "
             "Unset: the address of the request."},
    {"federation_address", SETTING_TEXT, AT(config_domain, federation_address), .example = "matrix.example.org:443",
     .help = "host:port where other servers reach this one, told to them by https://<name>/.well-known/matrix/server. "
             "Unset: nothing is told and they try port 8448 of <name>."},
    {"support_email", SETTING_TEXT, AT(config_domain, support_email), .example = "support@example.org",
     .help = "Whom users and other administrators may write to: https://<name>/.well-known/matrix/support."},
    {"support_page", SETTING_TEXT, AT(config_domain, support_page), .example = "https://example.org/help"},
    {"policy_server_key", SETTING_TEXT, AT(config_domain, policy_server_key),
     .example = "6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s",
     .help = "The public key of a policy server (ed25519, base64) that runs under this name beside the homeserver, told "
             "to rooms that want to use it: https://<name>/.well-known/matrix/policy_server."},
};
static const struct settings domain_section = SECTION(config_domain, "a domain", domain_items);

static const struct setting_choice api_choices[] = {
    {"client", API_CLIENT}, {"federation", API_FEDERATION}, {"admin", API_ADMIN}, {"metrics", API_METRICS},
    {"health", API_HEALTH}, {NULL, 0},
};

static const struct setting listener_items[] = {
    {"address", SETTING_TEXT, AT(config_listener, address), .required = true, .example = "127.0.0.1:8008",
     .help = "IP address and port: 127.0.0.1:8008, 0.0.0.0:8008 (every IPv4 address), [::]:8448 (every address)."},
    {"apis", SETTING_CHOICES, AT(config_listener, apis), .choices = api_choices, .standard = "[client, federation]",
     .help = "What is answered here: client, federation, admin, metrics (Prometheus, /metrics), health (/health/live, "
             "/health/ready). Keep metrics and admin away from the internet."},
    {"tls_certificate", SETTING_PATH, AT(config_listener, tls_certificate), .example = "/etc/beffroi/fullchain.pem",
     .help = "PEM file with the certificate and its chain. Unset, and not self-signed: plain HTTP, which is right "
             "behind a reverse proxy. The file is read again on SIGHUP."},
    {"tls_key", SETTING_PATH, AT(config_listener, tls_key), .example = "/etc/beffroi/privkey.pem",
     .help = "PEM file with the private key of the certificate."},
    {"tls_self_signed", SETTING_BOOL, AT(config_listener, tls_self_signed), .standard = "false",
     .help = "Make a self-signed certificate in the data directory when there is none. For trying things out: "
             "other servers do not trust it."},
};
static const struct settings listener_section = SECTION(config_listener, "a listener", listener_items);

static const struct setting_choice registration_choices[] = {
    {"closed", REGISTRATION_CLOSED}, {"token", REGISTRATION_TOKEN}, {"open", REGISTRATION_OPEN}, {NULL, 0},
};

static const struct setting registration_items[] = {
    {"mode", SETTING_CHOICE, AT(config_registration, mode), .choices = registration_choices, .standard = "closed",
     .help = "closed: administrators create accounts (`beffroi user create`). token: a registration token is needed. "
             "open: anybody may register."},
    {"shared_secret", SETTING_TEXT, AT(config_registration, shared_secret), .example = "a long random text",
     .help = "Programs that know it may create accounts at /_synapse/admin/v1/register, whatever the mode. "
             "Unset: that path does not exist."},
    {"guests", SETTING_BOOL, AT(config_registration, guests), .standard = "false",
     .help = "Whether guest accounts may be made."},
    {"require_email", SETTING_BOOL, AT(config_registration, require_email), .standard = "false",
     .help = "A new account needs a validated e-mail address. Needs the section mail."},
    {"email_domains", SETTING_TEXTS, LIST(config_registration, email_domains, email_domain_count),
     .example = "[example.org]", .help = "The address must be of one of these domains. Empty: of any."},
    {"terms_url", SETTING_TEXT, AT(config_registration, terms_url), .example = "https://example.org/terms",
     .help = "Terms of use that a new user must accept."},
    {"terms_version", SETTING_TEXT, AT(config_registration, terms_version), .example = "1.0"},
};
static const struct settings registration_section = SECTION(config_registration, "registration", registration_items);

static const struct setting rate_items[] = {
    {"per_second", SETTING_RATE, AT(config_rate, per_second), .standard = "1", .min = 0, .max = 1000000},
    {"burst", SETTING_INT, AT(config_rate, burst), .standard = "10", .min = 1, .max = 1000000},
};
static const struct settings rate_section = SECTION(config_rate, "a rate", rate_items);

#define RATE(field, values, text) \
    {#field, SETTING_SECTION, AT(config_rate_limits, field), .section = &rate_section, .standard = values, \
     .on_one_line = true, .help = text}

static const struct setting rate_limit_items[] = {
    {"enabled", SETTING_BOOL, AT(config_rate_limits, enabled), .standard = "true"},
    RATE(message, "{per_second: 5, burst: 50}", "Events sent, per user."),
    RATE(login, "{per_second: 0.5, burst: 20}", "Log-ins and password checks, per address."),
    RATE(registration, "{per_second: 0.1, burst: 10}", "New accounts, per address."),
    RATE(join, "{per_second: 0.5, burst: 20}", "Joins, knocks and new rooms, per user."),
    RATE(invite, "{per_second: 0.5, burst: 30}", "Invites, per user."),
    RATE(threepid, "{per_second: 0.02, burst: 5}", "Validation e-mails, per address."),
    RATE(search, "{per_second: 2, burst: 20}", "Searches and room directory, per user."),
    RATE(media, "{per_second: 10, burst: 100}", "Uploads, downloads and previews, per user."),
    RATE(other, "{per_second: 5, burst: 50}", "Everything else that the specification limits, per user."),
    RATE(federation, "{per_second: 50, burst: 500}", "Requests of another server, per server."),
};
static const struct settings rate_limits_section = SECTION(config_rate_limits, "rate_limits", rate_limit_items);

static const struct setting password_items[] = {
    {"argon2_iterations", SETTING_INT, AT(config_passwords, argon2_iterations), .standard = "2", .min = 1, .max = 100},
    {"argon2_memory_kib", SETTING_INT, AT(config_passwords, argon2_memory_kib), .standard = "19456", .min = 8,
     .max = 4194304,
     .help = "Memory for one password check, in KiB. Higher is safer and slower; the default is what OWASP advises."},
    {"length_min", SETTING_INT, AT(config_passwords, length_min), .standard = "8", .min = 1, .max = 512,
     .help = "Characters that a new password needs."},
};
static const struct settings passwords_section = SECTION(config_passwords, "passwords", password_items);

static const struct setting destination_items[] = {
    {"servers", SETTING_TEXTS, LIST(config_destination, servers, server_count), .required = true,
     .example = "[\"*.example.org\"]", .help = "Names of the servers this is about; * and ? are wildcards."},
    {"ca_file", SETTING_PATH, AT(config_destination, ca_file), .example = "/etc/beffroi/ministry-ca.pem",
     .help = "The only certificate authorities to trust for these servers, PEM. Unset: as for all others."},
    {"client_certificate", SETTING_PATH, AT(config_destination, client_certificate),
     .example = "/etc/beffroi/client.pem",
     .help = "The certificate, with its chain, that this server shows to these servers (mutual TLS), PEM."},
    {"client_key", SETTING_PATH, AT(config_destination, client_key), .example = "/etc/beffroi/client.key",
     .help = "The private key of the client certificate, PEM."},
};
static const struct settings destination_section = SECTION(config_destination, "a destination", destination_items);

static const struct setting federation_items[] = {
    {"enabled", SETTING_BOOL, AT(config_federation, enabled), .standard = "true",
     .help = "false: this server talks to no other server."},
    {"allow", SETTING_TEXTS, LIST(config_federation, allow, allow_count), .standard = "[\"*\"]",
     .example = "[\"*.example.org\"]",
     .help = "Server names to talk to; * and ? are wildcards. Empty: nobody. Servers that are not on it are neither "
             "called nor heard, whoever names them."},
    {"deny", SETTING_TEXTS, LIST(config_federation, deny, deny_count), .example = "[\"*.example.net\"]",
     .help = "Server names never to talk to, even when allowed above."},
    {"ca_file", SETTING_PATH, AT(config_federation, ca_file), .example = "/etc/beffroi/our-ca.pem",
     .help = "Further certificate authorities to trust for other servers, PEM."},
    {"allow_private_addresses", SETTING_BOOL, AT(config_federation, allow_private_addresses), .standard = "false",
     .help = "Whether other servers may have addresses of the local network. Leave it off on the internet: "
             "it keeps strangers from making this server call into your network."},
    {"notaries", SETTING_TEXTS, LIST(config_federation, notaries, notary_count), .example = "[matrix.org]",
     .help = "Servers to ask for the keys of servers that are down. They are trusted to tell the truth."},
    {"policy_server_timeout_seconds", SETTING_SECONDS, AT(config_federation, policy_server_timeout_seconds),
     .standard = "10s", .min = 1, .max = 60,
     .help = "How long a room's policy server may think about an event. One that takes longer is left alone for a while, "
             "up to a minute: meanwhile nobody here can write into its rooms, and what others write waits."},
    {"destinations", SETTING_SECTIONS, LIST(config_federation, destinations, destination_count),
     .section = &destination_section,
     .help = "Servers with certificate authorities of their own, or that demand a client certificate; the first entry "
             "that fits a server counts, for its well-known file too. The files are read again on SIGHUP."},
};
static const struct settings federation_section = SECTION(config_federation, "federation", federation_items);

static const struct setting outgoing_items[] = {
    {"proxy", SETTING_TEXT, AT(config_outgoing, proxy), .example = "http://proxy.example.org:3128",
     .help = "HTTP proxy for every outgoing connection."},
    {"ca_file", SETTING_PATH, AT(config_outgoing, ca_file), .example = "/etc/ssl/certs/ca-certificates.crt",
     .help = "Certificate authorities for everything but federation, PEM. Unset: those of the system."},
    {"allow_private_push_gateways", SETTING_BOOL, AT(config_outgoing, allow_private_push_gateways), .standard = "false",
     .help = "Whether push gateways may have addresses of the local network. Their addresses come from the users' apps."},
};
static const struct settings outgoing_section = SECTION(config_outgoing, "outgoing", outgoing_items);

static const struct setting mail_items[] = {
    {"smtp_url", SETTING_TEXT, AT(config_mail, smtp_url), .example = "smtp://mail.example.org:587",
     .help = "smtp://host:port (STARTTLS when offered) or smtps://host:port. Unset: no mail is sent."},
    {"from", SETTING_TEXT, AT(config_mail, from), .example = "Matrix <matrix@example.org>"},
    {"username", SETTING_TEXT, AT(config_mail, username), .example = "matrix"},
    {"password", SETTING_TEXT, AT(config_mail, password), .example = "secret"},
    {"notification_delay_seconds", SETTING_SECONDS, AT(config_mail, notification_delay_seconds), .standard = "10m",
     .max = 604800, .help = "Users who want it get a mail about messages that they have not read for so long."},
    {"notification_interval_seconds", SETTING_SECONDS, AT(config_mail, notification_interval_seconds),
     .standard = "1h", .max = 604800, .help = "The shortest time between two such mails to one user."},
    {"notification_details", SETTING_BOOL, AT(config_mail, notification_details), .standard = "true",
     .help = "Such mails name rooms and people and quote messages (encrypted ones never). false: they only "
             "say how many messages are unread, so that nothing of them is in mailboxes."},
};
static const struct settings mail_section = SECTION(config_mail, "mail", mail_items);

static const struct setting turn_items[] = {
    {"uris", SETTING_TEXTS, LIST(config_turn, uris, uri_count),
     .example = "[\"turn:turn.example.org?transport=udp\", \"turns:turn.example.org\"]"},
    {"shared_secret", SETTING_TEXT, AT(config_turn, shared_secret), .example = "the static-auth-secret of coturn"},
    {"ttl_seconds", SETTING_SECONDS, AT(config_turn, ttl_seconds), .standard = "24h", .min = 60, .max = 31536000,
     .help = "How long the credentials given to a client are good for."},
};
static const struct settings turn_section = SECTION(config_turn, "turn", turn_items);

static const struct setting calls_items[] = {
    {"livekit_service_url", SETTING_TEXT, AT(config_calls, livekit_service_url),
     .example = "https://calls.example.org/livekit/jwt",
     .help = "The authorisation service (lk-jwt-service) of the LiveKit server through which calls of many people go."},
};
static const struct settings calls_section = SECTION(config_calls, "calls", calls_items);

static const struct setting s3_items[] = {
    {"endpoint", SETTING_TEXT, AT(config_s3, endpoint), .example = "https://s3.example.org",
     .help = "The address of the store; objects are at <endpoint>/<bucket>/<name>."},
    {"bucket", SETTING_TEXT, AT(config_s3, bucket), .example = "matrix-media"},
    {"region", SETTING_TEXT, AT(config_s3, region), .standard = "us-east-1"},
    {"access_key", SETTING_TEXT, AT(config_s3, access_key), .example = "AKIA…"},
    {"secret_key", SETTING_TEXT, AT(config_s3, secret_key), .example = "a long random text"},
};
static const struct settings s3_section = SECTION(config_s3, "an S3 store", s3_items);

static const struct setting_choice store_choices[] = {
    {"directory", CONFIG_STORE_DIRECTORY}, {"s3", CONFIG_STORE_S3}, {NULL, 0},
};

static const struct setting media_items[] = {
    {"store", SETTING_CHOICE, AT(config_media, store), .choices = store_choices, .standard = "directory",
     .help = "Where new files go. `beffroi media migrate` moves those that are there. What is being received or sent "
             "lies in the directory in both cases."},
    {"s3", SETTING_SECTION, AT(config_media, s3), .section = &s3_section,
     .help = "A store that speaks the protocol of Amazon S3: for several servers on one database."},
    {"upload_limit_bytes", SETTING_BYTES, AT(config_media, upload_limit_bytes), .standard = "50 MiB", .min = 1024,
     .max = (int64_t)1 << 40, .help = "The largest file that may be uploaded."},
    {"directory", SETTING_PATH, AT(config_media, directory), .example = "/srv/beffroi/media",
     .help = "Where files are stored. Unset: media in the data directory."},
    {"server_quota_bytes", SETTING_BYTES, AT(config_media, server_quota_bytes), .standard = "0", .max = INT64_MAX,
     .help = "How much all users may keep here together. 0: unlimited."},
    {"user_quota_bytes", SETTING_BYTES, AT(config_media, user_quota_bytes), .standard = "0", .max = INT64_MAX,
     .help = "How much a user may keep here in all. 0: unlimited."},
    {"user_quota_files", SETTING_INT, AT(config_media, user_quota_files), .standard = "0", .max = INT32_MAX,
     .help = "How many files a user may keep here. 0: unlimited."},
    {"waiting_uploads_max", SETTING_INT, AT(config_media, waiting_uploads_max), .standard = "50", .min = 1,
     .max = 100000, .help = "How many media IDs a user may have whose content has not been uploaded yet."},
    {"local_retention_seconds", SETTING_SECONDS, AT(config_media, local_retention_seconds), .standard = "0", .max = INT64_C(1) << 40,
     .help = "Uploads that nobody looked at for so long are deleted, such as 365d. 0: none."},
    {"remote_retention_seconds", SETTING_SECONDS, AT(config_media, remote_retention_seconds), .standard = "0", .max = INT64_C(1) << 40,
     .help = "The same for copies of other servers' files, which are fetched again when somebody asks. 0: none."},
    {"remote_limit_bytes", SETTING_BYTES, AT(config_media, remote_limit_bytes), .standard = "100 MiB", .min = 1024,
     .max = INT64_C(1) << 40, .help = "The largest file that is fetched from another server."},
    {"remote_quota_bytes", SETTING_BYTES, AT(config_media, remote_quota_bytes), .standard = "0", .max = INT64_MAX,
     .help = "How much is kept of one other server; what was not looked at for longest goes first. 0: unlimited."},
    {"unauthenticated_downloads", SETTING_BOOL, AT(config_media, unauthenticated_downloads), .standard = "true",
     .help = "Whether the old download addresses exist, which ask for no token (deprecated by Matrix 1.11)."},
    {"unauthenticated_until", SETTING_TEXT, AT(config_media, unauthenticated_until), .example = "2025-01-01",
     .help = "What was uploaded or fetched before this day (UTC) can be had by the old addresses. "
             "Unset: nothing can."},
};
static const struct settings media_section = SECTION(config_media, "media", media_items);

static const struct setting_choice virus_choices[] = {
    {"block", CONFIG_VIRUS_BLOCK}, {"warn", CONFIG_VIRUS_WARN}, {NULL, 0},
};
static const struct setting_choice unscanned_choices[] = {
    {"accept", CONFIG_UNSCANNED_ACCEPT}, {"refuse", CONFIG_UNSCANNED_REFUSE}, {NULL, 0},
};
static const struct setting antivirus_items[] = {
    {"clamd", SETTING_TEXT, AT(config_antivirus, clamd), .example = "/run/clamav/clamd.ctl",
     .help = "The ClamAV daemon: the path of its socket, or host:port. Unset: nothing is scanned. Set: every file is, "
             "before it is kept or shown; and clients find the content scanner's endpoints for what is encrypted."},
    {"on_virus", SETTING_CHOICE, AT(config_antivirus, on_virus), .choices = virus_choices, .standard = "block",
     .help = "block: nobody gets such a file. warn: the log says so, and that is all."},
    {"unscanned", SETTING_CHOICE, AT(config_antivirus, unscanned), .choices = unscanned_choices, .standard = "refuse",
     .help = "What becomes of a file that clamd did not look at, because it is down or the file is larger than its "
             "StreamMaxLength. refuse: it is not taken or shown for now. accept: it is, and scanned when clamd is back."},
    {"rescan_seconds", SETTING_SECONDS, AT(config_antivirus, rescan_seconds), .standard = "7d", .max = INT64_C(1) << 40,
     .help = "A file that was clean is looked at again when somebody asks for it, clamd has newer signatures, and the "
             "result is older than this."},
};
static const struct settings antivirus_section = SECTION(config_antivirus, "antivirus", antivirus_items);

static const struct setting url_preview_items[] = {
    {"enabled", SETTING_BOOL, AT(config_url_previews, enabled), .standard = "false",
     .help = "Whether clients may ask this server what a web page is about. The server then calls pages that users name."},
    {"deny", SETTING_TEXTS, LIST(config_url_previews, deny, deny_count), .example = "[\"*://*.example.net/*\"]",
     .help = "Addresses that are never called; * and ? are wildcards, the whole address must match."},
    {"allow_networks", SETTING_TEXTS, LIST(config_url_previews, allow_networks, allow_network_count),
     .example = "[10.1.0.0/16]",
     .help = "Only addresses of the public internet are called, and those of these networks. Behind outgoing.proxy "
             "it is the proxy that must refuse the others."},
    {"accept_language", SETTING_TEXT, AT(config_url_previews, accept_language), .standard = "en, *;q=0.5",
     .help = "The language in which pages are asked for: the header Accept-Language."},
    {"keep_seconds", SETTING_SECONDS, AT(config_url_previews, keep_seconds), .standard = "30d", .min = 86400,
     .max = INT64_C(1) << 40, .help = "How long previews and their pictures are kept."},
};
static const struct settings url_previews_section = SECTION(config_url_previews, "url_previews", url_preview_items);

static const struct setting room_items[] = {
    {"default_version", SETTING_TEXT, AT(config_rooms, default_version), .standard = "12",
     .help = "The room version of new rooms, 1 to 12."},
    {"encrypt_private_by_default", SETTING_BOOL, AT(config_rooms, encrypt_private_by_default), .standard = "true",
     .help = "New private rooms are end-to-end encrypted unless the client says otherwise."},
    {"refuse_plaintext_in_encrypted", SETTING_BOOL, AT(config_rooms, refuse_plaintext_in_encrypted),
     .standard = "false", .help = "Refuse unencrypted messages in encrypted rooms."},
    {"thread_subscriptions", SETTING_BOOL, AT(config_rooms, thread_subscriptions), .standard = "false",
     .help = "Users subscribe to threads (MSC4306): a thread notifies those who follow it or are mentioned, nobody "
             "else. For clients that know of it; with others nobody would hear of answers in threads."},
    {"publish_room_list_over_federation", SETTING_BOOL, AT(config_rooms, publish_room_list_over_federation),
     .standard = "false", .help = "Whether other servers may read the list of public rooms."},
    {"anyone_may_publish", SETTING_BOOL, AT(config_rooms, anyone_may_publish), .standard = "true",
     .help = "Whether moderators of a room may put it on the list of public rooms. false: administrators only."},
    {"notices_name", SETTING_TEXT, AT(config_rooms, notices_name), .standard = "Server notices",
     .help = "The name of the room in which administrators write to a user "
             "(POST /_synapse/admin/v1/send_server_notice)."},
};
static const struct settings rooms_section = SECTION(config_rooms, "rooms", room_items);

static const struct setting encryption_items[] = {
    {"qr_login", SETTING_BOOL, AT(config_encryption, qr_login), .standard = "true",
     .help = "Whether a new device may be signed in by scanning a code (MSC4108): this server then passes "
             "short encrypted messages between the two devices."},
    {"accept_unsigned_keys", SETTING_BOOL, AT(config_encryption, accept_unsigned_keys), .standard = "false",
     .help = "Accept keys that their device has not signed. No app trusts them; for test suites only."},
};
static const struct settings encryption_section = SECTION(config_encryption, "encryption", encryption_items);

static const struct setting_choice log_levels[] = {
    {"debug", 0}, {"info", 1}, {"warn", 2}, {"error", 3}, {NULL, 0},
};

static const struct setting log_items[] = {
    {"level", SETTING_TEXT, AT(config_log, level), .choices = log_levels, .standard = "info",
     .help = "debug, info, warn or error."},
    {"json", SETTING_BOOL, AT(config_log, json), .standard = "false",
     .help = "One JSON object per line instead of name=value pairs."},
};
static const struct settings log_section = SECTION(config_log, "log", log_items);

static const struct setting limit_items[] = {
    {"request_body_bytes", SETTING_BYTES, AT(config_limits, request_body_bytes), .standard = "1 MiB", .min = 65536,
     .max = 268435456, .help = "The largest JSON body of a client's request."},
    {"worker_threads", SETTING_INT, AT(config_limits, worker_threads), .standard = "0", .min = 0, .max = 1024,
     .help = "Requests worked on at the same time, and as many again that may wait for other servers. "
             "0: 4 per processor core, at least 8."},
    {"io_threads", SETTING_INT, AT(config_limits, io_threads), .standard = "0", .min = 0, .max = 256,
     .help = "Threads that read and write connections. 0: one per processor core, at least 4."},
    {"database_connections", SETTING_INT, AT(config_limits, database_connections), .standard = "0", .min = 0,
     .max = 4096, .help = "0: one per worker thread and a few more."},
    {"cache_bytes", SETTING_BYTES, AT(config_limits, cache_bytes), .standard = "256 MiB", .min = 4194304,
     .max = (int64_t)1 << 42, .help = "Memory for all caches together."},
};
static const struct settings limits_section = SECTION(config_limits, "limits", limit_items);

#define DEFAULT_LISTENERS \
    "[{address: \"127.0.0.1:8008\", apis: [client, federation, admin, health]}," \
    " {address: \"127.0.0.1:8448\", apis: [client, federation], tls_self_signed: true}," \
    " {address: \"127.0.0.1:9008\", apis: [metrics, health]}]"

static const struct setting config_items[] = {
    {"domains", SETTING_SECTIONS, LIST(config, domains, domain_count), .section = &domain_section, .required = true,
     .help = "The server names hosted here. The first is the default; more may follow, each with its own users."},
    {"listeners", SETTING_SECTIONS, LIST(config, listeners, listener_count), .section = &listener_section,
     .standard = DEFAULT_LISTENERS, .help = "Where the server answers. One entry per address."},
    {"database", SETTING_TEXT, AT(config, database), .standard = "embedded",
     .help = "embedded: Beffroi runs a PostgreSQL of its own in the data directory, reachable by nobody else. "
             "Or the address of a PostgreSQL server: postgresql://user:password@host/database."},
    {"data_directory", SETTING_PATH, AT(config, data_directory), .standard = "/var/lib/beffroi",
     .help = "What the server stores: keys, media, the embedded database. Back it up."},
    {"registration", SETTING_SECTION, AT(config, registration), .section = &registration_section,
     .help = "Who may make an account."},
    {"passwords", SETTING_SECTION, AT(config, passwords), .section = &passwords_section,
     .help = "How passwords are hashed (argon2id) and what they must be like."},
    {"rooms", SETTING_SECTION, AT(config, rooms), .section = &rooms_section},
    {"encryption", SETTING_SECTION, AT(config, encryption), .section = &encryption_section},
    {"media", SETTING_SECTION, AT(config, media), .section = &media_section},
    {"antivirus", SETTING_SECTION, AT(config, antivirus), .section = &antivirus_section,
     .help = "Looking for viruses in files, with ClamAV."},
    {"url_previews", SETTING_SECTION, AT(config, url_previews), .section = &url_previews_section,
     .help = "What clients show below a message with a link in it."},
    {"federation", SETTING_SECTION, AT(config, federation), .section = &federation_section,
     .help = "Talking to other Matrix servers."},
    {"outgoing", SETTING_SECTION, AT(config, outgoing), .section = &outgoing_section,
     .help = "How this server reaches the outside."},
    {"mail", SETTING_SECTION, AT(config, mail), .section = &mail_section,
     .help = "E-mail: validation of addresses, forgotten passwords, notifications."},
    {"turn", SETTING_SECTION, AT(config, turn), .section = &turn_section,
     .help = "A TURN server for calls between clients that can not reach each other."},
    {"calls", SETTING_SECTION, AT(config, calls), .section = &calls_section,
     .help = "Calls of many people (Element Call)."},
    {"rate_limits", SETTING_SECTION, AT(config, rate_limits), .section = &rate_limits_section,
     .help = "per_second is what somebody may do all day, burst what they may do at once."},
    {"limits", SETTING_SECTION, AT(config, limits), .section = &limits_section,
     .help = "How much of the machine the server uses."},
    {"log", SETTING_SECTION, AT(config, log), .section = &log_section,
     .help = "The log goes to standard error."},
    {"identity_servers", SETTING_TEXTS, LIST(config, identity_servers, identity_server_count),
     .example = "[identity.example.org]",
     .help = "Identity servers that users may publish their addresses on and find others by: whoever runs one learns "
             "who knows whom. Empty: this server talks to none."},
    {"presence_enabled", SETTING_BOOL, AT(config, presence_enabled), .standard = "true",
     .help = "Whether users see who is online."},
    {"access_token_in_query", SETTING_BOOL, AT(config, access_token_in_query), .standard = "true",
     .help = "Accept ?access_token= in addresses: deprecated, but some clients still use it."},
    {"trusted_proxies", SETTING_TEXTS, LIST(config, trusted_proxies, trusted_proxy_count),
     .example = "[127.0.0.1, \"10.0.0.0/8\"]",
     .help = "Addresses or networks of reverse proxies: their X-Forwarded-For header is believed."},
    {"appservice_files", SETTING_PATHS, LIST(config, appservice_files, appservice_file_count),
     .example = "[/etc/beffroi/irc-bridge.yaml]", .help = "Registration files of application services (bridges, bots)."},
};
/* clang-format on */

const struct settings config_settings = SECTION(config, "the configuration", config_items);

const struct setting *settings_find(const struct settings *settings, const char *key,
                                    bool ignore_case)
{
    for (size_t i = 0; i < settings->count; i++) {
        const char *candidate = settings->items[i].key;
        if (strcmp(candidate, key) == 0 || (ignore_case && strcasecmp(candidate, key) == 0))
            return &settings->items[i];
    }
    return NULL;
}

enum { SETTINGS_MAX = 64 };

const char *settings_suggest(const struct settings *settings, const char *key)
{
    const char *keys[SETTINGS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < settings->count && count < SETTINGS_MAX; i++)
        keys[count++] = settings->items[i].key;
    return suggest_word(key, keys, count);
}
