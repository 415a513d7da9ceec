/*
 * Rules that one setting alone can not show. Every message says what to write instead.
 */
#include "config/config_check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_report.h"
#include "config/config_tree.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/server_name.h"

struct check {
    const struct config *config;
    const struct config_node *root;
    struct config_report *report;
    struct arena *arena; /* the report's */
};

/* Reports a mistake of a setting, with its line. */
#define MISTAKE(check, key, ...)                                                                   \
    config_report_add((check)->report, config_tree_where((check)->root, (key)), (key), __VA_ARGS__)

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* One of the schemes, then a host; the path is the reader's business. */
static bool is_url(const char *url, const char *const *schemes)
{
    for (; *schemes != NULL; schemes++) {
        size_t length = strlen(*schemes);
        if (has_prefix(url, *schemes) && isgraph((unsigned char)url[length]) &&
            url[length] != '/' && strpbrk(url, " \t\"<>") == NULL)
            return true;
    }
    return false;
}

static const char *const web_schemes[] = {"https://", "http://", NULL};

static void check_web_url(const struct check *check, const char *key, const char *url)
{
    if (url != NULL && !is_url(url, web_schemes))
        MISTAKE(check, key, "\"%s\" is not a web address: write https://host/path", url);
}

static bool is_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

static void check_file(const struct check *check, const char *key, const char *path)
{
    if (path != NULL && !is_readable(path))
        MISTAKE(check, key, "%s can not be read: %s", path, strerrordesc_np(errno));
}

static bool is_ed25519_key(const char *text)
{
    unsigned char bytes[32];
    size_t size;

    return base64_decode_into(bytes, sizeof bytes, &size, text, strlen(text), BASE64_STANDARD) &&
           size == sizeof bytes;
}

static void check_domain(const struct check *check, size_t index)
{
    const struct config_domain *domain = &check->config->domains[index];
    const char *path = arena_printf(check->arena, "domains.%zu", index);
    const char *name_key = arena_printf(check->arena, "%s.name", path);

    if (!server_name_is_valid(domain->name))
        MISTAKE(check, name_key,
                "\"%s\" is not a server name: write a host name such as example.org, without "
                "https:// and without @",
                domain->name);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(check->config->domains[i].name, domain->name) == 0)
            MISTAKE(check, name_key, "\"%s\" stands here twice: remove one of the entries",
                    domain->name);
    }
    check_web_url(check, arena_printf(check->arena, "%s.client_base_url", path),
                  domain->client_base_url);
    check_web_url(check, arena_printf(check->arena, "%s.support_page", path), domain->support_page);
    if (domain->federation_address != NULL && !server_name_is_valid(domain->federation_address))
        MISTAKE(check, arena_printf(check->arena, "%s.federation_address", path),
                "\"%s\" is not host:port: write for example matrix.example.org:443",
                domain->federation_address);
    if (domain->policy_server_key != NULL && !is_ed25519_key(domain->policy_server_key))
        MISTAKE(check, arena_printf(check->arena, "%s.policy_server_key", path),
                "\"%s\" is not an ed25519 public key in base64", domain->policy_server_key);
    if (domain->support_email != NULL && strchr(domain->support_email, '@') == NULL)
        MISTAKE(check, arena_printf(check->arena, "%s.support_email", path),
                "\"%s\" is not an e-mail address", domain->support_email);
}

/* "127.0.0.1:8008" or "[::1]:8008": an IP literal, because a name may mean several addresses. */
static bool is_listen_address(const char *text)
{
    char host[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';

    if (colon == NULL || colon == text || (bracketed && colon[-1] != ']'))
        return false;
    size_t length = (size_t)(colon - text) - (bracketed ? 2 : 0);
    if (length == 0 || length >= sizeof(host))
        return false;
    memcpy(host, text + (bracketed ? 1 : 0), length);
    host[length] = '\0';
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    return isdigit((unsigned char)colon[1]) && *end == '\0' && port >= 1 && port <= 65535 &&
           inet_pton(bracketed ? AF_INET6 : AF_INET, host, bytes) == 1;
}

static void check_listener_tls(const struct check *check, const char *path,
                               const struct config_listener *listener)
{
    const char *certificate_key = arena_printf(check->arena, "%s.tls_certificate", path);
    const char *key_key = arena_printf(check->arena, "%s.tls_key", path);
    const char *self_signed_key = arena_printf(check->arena, "%s.tls_self_signed", path);

    if (listener->tls_certificate != NULL && listener->tls_key == NULL)
        MISTAKE(check, certificate_key, "a certificate needs its private key: set tls_key too");
    if (listener->tls_key != NULL && listener->tls_certificate == NULL)
        MISTAKE(check, key_key, "a private key needs its certificate: set tls_certificate too");
    if (listener->tls_self_signed && listener->tls_certificate != NULL)
        MISTAKE(check, self_signed_key,
                "this listener has a certificate of its own: remove tls_self_signed or "
                "tls_certificate");
    check_file(check, certificate_key, listener->tls_certificate);
    check_file(check, key_key, listener->tls_key);
}

static void check_listener(const struct check *check, size_t index)
{
    const struct config_listener *listener = &check->config->listeners[index];
    const char *path = arena_printf(check->arena, "listeners.%zu", index);
    const char *address_key = arena_printf(check->arena, "%s.address", path);

    if (!is_listen_address(listener->address))
        MISTAKE(check, address_key,
                "\"%s\" is not an IP address and a port: write 127.0.0.1:8008, or 0.0.0.0:8008 for "
                "every IPv4 address, or [::]:8008 for every address",
                listener->address);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(check->config->listeners[i].address, listener->address) == 0)
            MISTAKE(check, address_key, "another listener has this address: %s", listener->address);
    }
    if (listener->apis == 0)
        MISTAKE(check, arena_printf(check->arena, "%s.apis", path),
                "name at least one API, such as [client]");
    check_listener_tls(check, path, listener);
}

static void check_listeners(const struct check *check)
{
    unsigned apis = 0;

    for (size_t i = 0; i < check->config->listener_count; i++) {
        check_listener(check, i);
        apis |= check->config->listeners[i].apis;
    }
    if ((apis & API_CLIENT) == 0)
        MISTAKE(check, "listeners",
                "no listener serves clients: add client to the apis of one of them");
    if (check->config->federation.enabled && (apis & API_FEDERATION) == 0)
        MISTAKE(check, "listeners",
                "no listener serves other servers: add federation to the apis of one of them, or "
                "set federation.enabled to false");
}

static void check_database(const struct check *check)
{
    const char *database = check->config->database;

    if (strcmp(database, "embedded") != 0 && !has_prefix(database, "postgresql://") &&
        !has_prefix(database, "postgres://"))
        MISTAKE(check, "database",
                "write embedded, or an address such as "
                "postgresql://user:password@host:5432/database");
}

static void check_registration(const struct check *check)
{
    const struct config_registration *registration = &check->config->registration;

    if (registration->require_email && check->config->mail.smtp_url == NULL)
        MISTAKE(check, "registration.require_email",
                "validating addresses needs mail: set mail.smtp_url and mail.from");
    if (registration->email_domain_count > 0 && !registration->require_email)
        MISTAKE(check, "registration.email_domains",
                "this has an effect only with require_email: true");
    if ((registration->terms_url == NULL) != (registration->terms_version == NULL))
        MISTAKE(check,
                registration->terms_url == NULL ? "registration.terms_version"
                                                : "registration.terms_url",
                "terms_url and terms_version belong together: set both or none");
    check_web_url(check, "registration.terms_url", registration->terms_url);
}

static void check_mail(const struct check *check)
{
    static const char *const schemes[] = {"smtp://", "smtps://", NULL};
    const struct config_mail *mail = &check->config->mail;

    if (mail->smtp_url != NULL && !is_url(mail->smtp_url, schemes))
        MISTAKE(check, "mail.smtp_url",
                "\"%s\" is not a mail server: write smtp://host:587 or smtps://host:465",
                mail->smtp_url);
    if (mail->smtp_url != NULL && mail->from == NULL)
        MISTAKE(check, "mail.smtp_url",
                "mail needs a sender: set mail.from, such as matrix@example.org");
    if (mail->from != NULL && strchr(mail->from, '@') == NULL)
        MISTAKE(check, "mail.from", "\"%s\" has no e-mail address in it", mail->from);
    if ((mail->username == NULL) != (mail->password == NULL))
        MISTAKE(check, mail->username == NULL ? "mail.password" : "mail.username",
                "username and password belong together: set both or none");
}

static void check_turn(const struct check *check)
{
    const struct config_turn *turn = &check->config->turn;

    for (size_t i = 0; i < turn->uri_count; i++) {
        if (!has_prefix(turn->uris[i], "turn:") && !has_prefix(turn->uris[i], "turns:") &&
            !has_prefix(turn->uris[i], "stun:"))
            MISTAKE(check, "turn.uris",
                    "\"%s\" is not a TURN address: write turn:host?transport=udp or turns:host",
                    turn->uris[i]);
    }
    if (turn->uri_count > 0 && turn->shared_secret == NULL)
        MISTAKE(check, "turn.uris",
                "clients need credentials: set turn.shared_secret to the secret of the TURN "
                "server");
}

/* An address, or a network such as 10.0.0.0/8. */
static bool is_network(const char *text)
{
    char host[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    size_t length = strcspn(text, "/");
    unsigned long bits_max = memchr(text, ':', length) != NULL ? 128 : 32;

    if (length >= sizeof(host))
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(bits_max == 128 ? AF_INET6 : AF_INET, host, bytes) != 1)
        return false;
    if (text[length] == '\0')
        return true;
    char *end;
    unsigned long bits = strtoul(text + length + 1, &end, 10);
    return isdigit((unsigned char)text[length + 1]) && *end == '\0' && bits <= bits_max;
}

static void check_destination(const struct check *check, size_t index)
{
    const struct config_destination *to = &check->config->federation.destinations[index];
    const char *path = arena_printf(check->arena, "federation.destinations.%zu", index);

    if ((to->client_certificate == NULL) != (to->client_key == NULL))
        MISTAKE(check, path, "client_certificate and client_key go together");
    check_file(check, arena_printf(check->arena, "%s.ca_file", path), to->ca_file);
    check_file(check, arena_printf(check->arena, "%s.client_certificate", path),
               to->client_certificate);
    check_file(check, arena_printf(check->arena, "%s.client_key", path), to->client_key);
}

static void check_network(const struct check *check)
{
    static const char *const proxy_schemes[] = {"http://", "https://", "socks5h://", NULL};
    const struct config *config = check->config;

    for (size_t i = 0; i < config->trusted_proxy_count; i++) {
        if (!is_network(config->trusted_proxies[i]))
            MISTAKE(check, "trusted_proxies",
                    "\"%s\" is not an address or network: write 127.0.0.1 or 10.0.0.0/8",
                    config->trusted_proxies[i]);
    }
    for (size_t i = 0; i < config->url_previews.allow_network_count; i++) {
        if (!is_network(config->url_previews.allow_networks[i]))
            MISTAKE(check, "url_previews.allow_networks",
                    "\"%s\" is not an address or network: write 10.1.2.3 or 10.0.0.0/8",
                    config->url_previews.allow_networks[i]);
    }
    for (size_t i = 0; i < config->federation.notary_count; i++) {
        if (!server_name_is_valid(config->federation.notaries[i]))
            MISTAKE(check, "federation.notaries", "\"%s\" is not a server name",
                    config->federation.notaries[i]);
    }
    if (config->outgoing.proxy != NULL && !is_url(config->outgoing.proxy, proxy_schemes))
        MISTAKE(check, "outgoing.proxy",
                "\"%s\" is not a proxy: write http://host:port or socks5h://host:port",
                config->outgoing.proxy);
    check_file(check, "federation.ca_file", config->federation.ca_file);
    for (size_t i = 0; i < config->federation.destination_count; i++)
        check_destination(check, i);
    check_file(check, "outgoing.ca_file", config->outgoing.ca_file);
    for (size_t i = 0; i < config->appservice_file_count; i++)
        check_file(check, "appservice_files", config->appservice_files[i]);
}

static void check_rooms(const struct check *check)
{
    const struct room_version *version = room_version_find(check->config->rooms.default_version);

    if (version == NULL || version->is_unstable)
        MISTAKE(check, "rooms.default_version",
                "\"%s\" is not a stable room version that this server knows: write "
                "\"" ROOM_VERSION_DEFAULT "\"",
                check->config->rooms.default_version);
}

int64_t config_check_day(const char *text)
{
    struct tm day = {0};
    const char *end = strptime(text, "%Y-%m-%d", &day);

    return end == NULL || *end != '\0' ? -1 : (int64_t)timegm(&day) * 1000;
}

/* What fits into a socket's name, or host:port. */
static bool is_clamd_address(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (text[0] == '/')
        return strlen(text) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
    return colon != NULL && colon != text && colon[1] != '\0' &&
           strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static void check_media(const struct check *check)
{
    const char *day = check->config->media.unauthenticated_until;

    if (day != NULL && config_check_day(day) < 0)
        MISTAKE(check, "media.unauthenticated_until", "\"%s\" is not a day: write 2025-01-31", day);
    const struct config_s3 *s3 = &check->config->media.s3;
    bool is_complete = s3->endpoint != NULL && s3->bucket != NULL && s3->access_key != NULL &&
                       s3->secret_key != NULL;
    if (check->config->media.store == CONFIG_STORE_S3 && !is_complete)
        MISTAKE(check, "media.store",
                "an S3 store needs media.s3.endpoint, bucket, access_key and secret_key");
    check_web_url(check, "media.s3.endpoint", s3->endpoint);
    const char *clamd = check->config->antivirus.clamd;
    if (clamd != NULL && !is_clamd_address(clamd))
        MISTAKE(check, "antivirus.clamd",
                "\"%s\" is neither the path of a socket nor an address: write "
                "/run/clamav/clamd.ctl or 127.0.0.1:3310",
                clamd);
}

void config_check(const struct config *config, const struct config_node *root,
                  struct config_report *report)
{
    const struct check check = {
        .config = config, .root = root, .report = report, .arena = report->arena};

    if (config->domain_count == 0)
        MISTAKE(&check, "domains", "name at least one domain, such as `- name: example.org`");
    for (size_t i = 0; i < config->domain_count; i++)
        check_domain(&check, i);
    check_listeners(&check);
    check_database(&check);
    check_registration(&check);
    check_mail(&check);
    check_turn(&check);
    check_network(&check);
    check_rooms(&check);
    check_media(&check);
}
