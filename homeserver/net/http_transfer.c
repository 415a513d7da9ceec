/* One outgoing call: its curl handle, its limits, what arrives. */
#include "homeserver/net/http_transfer.h"

#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "homeserver/base/arena.h"
#include "homeserver/net/certificate_names.h"
#include "homeserver/net/ip_filter.h"

enum { HEADERS_MAX = 128, HEADER_BYTES_MAX = 16 * 1024, CONNECT_TIMEOUT_MS = 10 * 1000 };

static const char *copy(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

struct http_transfer *http_transfer_create(const struct http_call *call, http_done done,
                                           void *done_context)
{
    struct http_transfer *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL)
        abort();
    transfer->arena = arena_create();
    transfer->done = done;
    transfer->done_context = done_context;
    transfer->call = *call;
    struct http_call *own = &transfer->call;
    own->method = copy(transfer->arena, call->method);
    own->url = copy(transfer->arena, call->url);
    own->connect_to = copy(transfer->arena, call->connect_to);
    own->ca_file = copy(transfer->arena, call->ca_file);
    own->client_certificate = copy(transfer->arena, call->client_certificate);
    own->client_key = copy(transfer->arena, call->client_key);
    own->aws_sigv4 = copy(transfer->arena, call->aws_sigv4);
    own->user_password = copy(transfer->arena, call->user_password);
    if (call->body != NULL && !call->borrows_body)
        own->body = arena_memdup(transfer->arena, call->body, call->body_size);
    for (const char *const *header = call->headers; header != NULL && *header != NULL; header++)
        transfer->headers = curl_slist_append(transfer->headers, *header);
    own->headers = NULL;
    strbuf_init(&transfer->body, call->answer_limit_bytes);
    return transfer;
}

void http_transfer_destroy(struct http_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    strbuf_finish(&transfer->body);
    arena_destroy(transfer->arena);
    free(transfer);
}

static void end(struct http_transfer *transfer, enum errcode outcome, const char *why)
{
    transfer->broken = outcome;
    transfer->broken_why = why;
}

static void refuse_address(struct http_transfer *transfer)
{
    transfer->answer.failure = HTTP_FAILURE_ADDRESS;
    end(transfer, E_REMOTE,
        "the address is not of the public internet, and others are not allowed");
}

static bool is_allowed(const struct http_call *call, const char *ip)
{
    if (call->allow_private_addresses || ip_text_is_public(ip))
        return true;
    for (size_t i = 0; i < call->allowed_network_count; i++) {
        if (ip_text_is_in(ip, call->allowed_networks[i]))
            return true;
    }
    return false;
}

/* Before the connection is made, so that nothing of our network is even touched. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_transfer *transfer = context;
    char ip[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];

    (void)purpose;
    if (getnameinfo(&address->addr, address->addrlen, ip, sizeof(ip), NULL, 0, NI_NUMERICHOST) !=
            0 ||
        !is_allowed(&transfer->call, ip)) {
        refuse_address(transfer);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A connection that another call, with fewer scruples, left open. */
static int check_reused(void *context, char *remote_ip, char *local_ip, int remote_port,
                        int local_port)
{
    struct http_transfer *transfer = context;

    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    if (is_allowed(&transfer->call, remote_ip))
        return CURL_PREREQFUNC_OK;
    refuse_address(transfer);
    return CURL_PREREQFUNC_ABORT;
}

static void read_status(struct http_transfer *transfer)
{
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer.status = (int)status;
    transfer->answer.headers = transfer->answer_headers.items;
    transfer->answer.header_count = transfer->answer_headers.count;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct http_transfer *transfer = context;
    const struct http_call *call = &transfer->call;

    (void)one;
    transfer->received += size;
    if (call->answer_limit_bytes > 0 && transfer->received > call->answer_limit_bytes) {
        end(transfer, E_REMOTE, "the answer is too large");
        return 0;
    }
    if (call->on_body == NULL) {
        strbuf_add(&transfer->body, bytes, size);
        return size;
    }
    read_status(transfer);
    enum errcode outcome = call->on_body(call->context, &transfer->answer, bytes, size);
    if (outcome != OK) {
        end(transfer, outcome, "the answer was not wanted");
        return 0;
    }
    return size;
}

static size_t take_header(char *bytes, size_t one, size_t size, void *context)
{
    struct http_transfer *transfer = context;
    const char *colon = memchr(bytes, ':', size);
    size_t end_at = size;

    (void)one;
    if (size >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        /* Another answer begins: after a redirect, or after 100 Continue. */
        transfer->answer_headers.count = 0;
        transfer->received = 0;
        strbuf_truncate(&transfer->body, 0);
        return size;
    }
    if (colon == NULL || size > HEADER_BYTES_MAX || transfer->answer_headers.count == HEADERS_MAX)
        return size;
    const char *value = colon + 1;
    while (end_at > 0 &&
           (bytes[end_at - 1] == '\r' || bytes[end_at - 1] == '\n' || bytes[end_at - 1] == ' '))
        end_at--;
    while (value < bytes + end_at && (*value == ' ' || *value == '\t'))
        value++;
    size_t value_length = value < bytes + end_at ? (size_t)(bytes + end_at - value) : 0;
    const struct http_header header = {
        .name = arena_strndup(transfer->arena, bytes, (size_t)(colon - bytes)),
        .value = arena_strndup(transfer->arena, value, value_length),
    };
    array_push(transfer->arena, &transfer->answer_headers, header);
    return size;
}

/* curl_easy_setopt() fails only for what an option does not know or when memory is short. */
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (curl_easy_setopt(transfer->easy, (option), (value)) != CURLE_OK)                       \
            return E_SYSTEM;                                                                       \
    } while (0)

static enum errcode set_request(struct http_transfer *transfer)
{
    const struct http_call *call = &transfer->call;

    SET(CURLOPT_URL, call->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR,
        strncasecmp(call->url, "https:", 6) == 0 ? "https" : "http,https");
    SET(CURLOPT_FOLLOWLOCATION, call->redirects_max > 0 ? 1L : 0L);
    SET(CURLOPT_MAXREDIRS, (long)call->redirects_max);
    if (call->body != NULL) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
        SET(CURLOPT_POSTFIELDS, (const char *)call->body);
    }
    if (strcmp(call->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else
        SET(CURLOPT_CUSTOMREQUEST, call->method);
    /* Waiting for "100 Continue" costs a second with servers that do not know it. Stores for signed
     * requests do; and curl would sign the header that it leaves out. */
    if (call->aws_sigv4 == NULL)
        transfer->headers = curl_slist_append(transfer->headers, "Expect:");
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_USERAGENT, "Beffroi/" BEFFROI_VERSION);
    if (call->aws_sigv4 == NULL)
        SET(CURLOPT_ACCEPT_ENCODING, "");
    else
        SET(CURLOPT_AWS_SIGV4, call->aws_sigv4);
    if (call->user_password != NULL)
        SET(CURLOPT_USERPWD, call->user_password);
    return OK;
}

static enum errcode set_connection(struct http_transfer *transfer,
                                   const struct http_surroundings *surroundings)
{
    const struct http_call *call = &transfer->call;

    SET(CURLOPT_NOSIGNAL, 1L);
    /* Else giving up on a name that does not resolve would wait for the system's resolver. */
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS,
        (long)(call->timeout_ms < CONNECT_TIMEOUT_MS ? call->timeout_ms : CONNECT_TIMEOUT_MS));
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_PIPEWAIT, 1L);
    /* "" also means: not the one of the environment. */
    SET(CURLOPT_PROXY, surroundings->proxy != NULL ? surroundings->proxy : "");
    if (call->connect_to != NULL) {
        const char *rule = arena_printf(transfer->arena, "::%s", call->connect_to);
        transfer->connect_to = curl_slist_append(NULL, rule);
        SET(CURLOPT_CONNECT_TO, transfer->connect_to);
    }
    /* Behind a proxy the only address that we connect to is the proxy's. */
    if (surroundings->proxy != NULL)
        return OK;
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_PREREQFUNCTION, check_reused);
    SET(CURLOPT_PREREQDATA, transfer);
    return OK;
}

static enum errcode set_trust(struct http_transfer *transfer,
                              const struct http_surroundings *surroundings)
{
    const struct http_call *call = &transfer->call;

    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* Elsewhere it is the administrator who chose whom to call, and may have old certificates. */
    if (call->trust == HTTP_TRUST_FEDERATION &&
        certificate_names_require(transfer->easy) != CURLE_OK)
        return E_SYSTEM;
    const char *ca_file = call->ca_file != NULL ? call->ca_file : surroundings->ca_file;
    if (ca_file != NULL) {
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (call->ca_file != NULL) {
        /* Otherwise curl would go on with what was in the file a day ago. */
        SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
    } else if (call->trust == HTTP_TRUST_FEDERATION && surroundings->federation_ca != NULL) {
        /* Takes the place of CAINFO (it holds that file's certificates as well), beside CAPATH. */
        struct curl_blob blob = {.data = arena_strdup(transfer->arena, surroundings->federation_ca),
                                 .len = strlen(surroundings->federation_ca),
                                 .flags = CURL_BLOB_NOCOPY};
        SET(CURLOPT_CAINFO_BLOB, &blob);
    }
    if (call->client_certificate != NULL) {
        SET(CURLOPT_SSLCERT, call->client_certificate);
        SET(CURLOPT_SSLKEY, call->client_key);
    }
    return OK;
}

enum errcode http_transfer_prepare(struct http_transfer *transfer,
                                   const struct http_surroundings *surroundings)
{
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL)
        return E_SYSTEM;
    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->why);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, transfer);
    TRY(set_request(transfer));
    TRY(set_connection(transfer, surroundings));
    return set_trust(transfer, surroundings);
}

static enum http_failure failure_of(CURLcode result)
{
    switch ((int)result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_FAILURE_NAME;
    case CURLE_COULDNT_CONNECT:
        return HTTP_FAILURE_CONNECT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return HTTP_FAILURE_CERTIFICATE;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_FAILURE_TIME;
    default:
        return HTTP_FAILURE_OTHER;
    }
}

enum errcode http_transfer_outcome(struct http_transfer *transfer, CURLcode result)
{
    if (result != CURLE_OK && transfer->answer.failure == HTTP_FAILURE_OTHER)
        transfer->answer.failure = failure_of(result);
    if (result != CURLE_OK) {
        if (transfer->broken != OK) { /* curl has written its own opinion meanwhile */
            snprintf(transfer->why, sizeof(transfer->why), "%s", transfer->broken_why);
            return transfer->broken;
        }
        if (transfer->why[0] == '\0')
            snprintf(transfer->why, sizeof(transfer->why), "%s", curl_easy_strerror(result));
        return result == CURLE_OPERATION_TIMEDOUT ? E_TIMEOUT : E_REMOTE;
    }
    read_status(transfer);
    transfer->answer.body = transfer->body.data;
    transfer->answer.body_size = transfer->body.length;
    transfer->why[0] = '\0';
    return OK;
}
