/*
 * The grammar of server names.
 * Spec: appendix "Server Name".
 */
#include "homeserver/protocol/server_name.h"

#include <arpa/inet.h>
#include <string.h>

#define DIGITS    "0123456789"
#define DNS_CHARS DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-."

enum { IPV6_CHARS_MAX = 45, PORT_MAX = 65535, OCTET_MAX = 255 };

/* Reads up to `chars_max` digits; false when there is none or the value is over `max`. */
static bool read_number(const char **text, int chars_max, int max, int *out)
{
    int value = 0, count = 0;

    for (; **text >= '0' && **text <= '9'; ++*text) {
        if (++count > chars_max)
            return false;
        value = value * 10 + (**text - '0');
    }
    *out = value;
    return count > 0 && value <= max;
}

/* True for four groups of one to three digits, whatever their value. */
static bool looks_like_ipv4(const char *host, size_t length)
{
    size_t dots = 0, digits = 0;

    for (size_t i = 0; i < length; i++) {
        if (host[i] == '.') {
            if (digits == 0 || digits > 3)
                return false;
            dots++;
            digits = 0;
        } else if (host[i] >= '0' && host[i] <= '9') {
            digits++;
        } else {
            return false;
        }
    }
    return dots == 3 && digits > 0 && digits <= 3;
}

static bool is_ipv4(const char *host)
{
    for (int i = 0; i < 4; i++) {
        int octet;
        if (!read_number(&host, 3, OCTET_MAX, &octet))
            return false;
        host++; /* the dot, or the end */
    }
    return true;
}

static bool is_ipv6(const char *host, size_t length)
{
    char literal[IPV6_CHARS_MAX + 1];
    struct in6_addr address;

    if (length > IPV6_CHARS_MAX)
        return false;
    memcpy(literal, host, length);
    literal[length] = '\0';
    return inet_pton(AF_INET6, literal, &address) == 1;
}

/* Fills host and kind; returns the text after the host, NULL when it is not one. */
static const char *read_host(const char *text, struct server_name *out)
{
    if (text[0] == '[') {
        out->kind = SERVER_HOST_IPV6;
        out->host = text + 1;
        out->host_length = strcspn(text + 1, "]");
        const char *bracket = out->host + out->host_length;
        return *bracket == ']' && is_ipv6(out->host, out->host_length) ? bracket + 1 : NULL;
    }
    out->host = text;
    out->host_length = strspn(text, DNS_CHARS);
    out->kind = looks_like_ipv4(text, out->host_length) ? SERVER_HOST_IPV4 : SERVER_HOST_DNS;
    if (out->host_length == 0 || (out->kind == SERVER_HOST_IPV4 && !is_ipv4(text)))
        return NULL;
    return text + out->host_length;
}

bool server_name_parse(const char *text, struct server_name *out)
{
    struct server_name name = {.port = SERVER_NAME_NO_PORT};

    if (text == NULL || strlen(text) > SERVER_NAME_BYTES_MAX)
        return false;
    const char *rest = read_host(text, &name);
    if (rest == NULL)
        return false;
    if (*rest == ':') {
        rest++;
        if (!read_number(&rest, 5, PORT_MAX, &name.port))
            return false;
    }
    if (*rest != '\0')
        return false;
    *out = name;
    return true;
}

bool server_name_is_valid(const char *text)
{
    struct server_name name;

    return server_name_parse(text, &name);
}
