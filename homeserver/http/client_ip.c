/* Who is asking, also behind a reverse proxy. */
#include "homeserver/http/client_ip.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Every address as the 16 bytes of IPv6. */
struct ip {
    unsigned char bytes[16];
};

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct ip *ip)
{
    return memcmp(ip->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static bool parse(const char *text, size_t length, struct ip *out)
{
    char copy[INET6_ADDRSTRLEN];

    if (length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET6, copy, out->bytes) == 1)
        return true;
    memcpy(out->bytes, mapped_prefix, sizeof(mapped_prefix));
    return inet_pton(AF_INET, copy, out->bytes + sizeof(mapped_prefix)) == 1;
}

static void format(const struct ip *ip, char out[INET6_ADDRSTRLEN])
{
    if (is_mapped(ip))
        inet_ntop(AF_INET, ip->bytes + sizeof(mapped_prefix), out, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, ip->bytes, out, INET6_ADDRSTRLEN);
}

void client_ip_format(const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
    struct ip ip;

    out[0] = '\0';
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        memcpy(ip.bytes, &in6.sin6_addr, sizeof(ip.bytes));
        format(&ip, out);
    } else if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memcpy(ip.bytes, mapped_prefix, sizeof(mapped_prefix));
        memcpy(ip.bytes + sizeof(mapped_prefix), &in.sin_addr, 4);
        format(&ip, out);
    }
}

static bool same_prefix(const struct ip *a, const struct ip *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    unsigned char mask = (unsigned char)(0xff00u >> rest);

    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

/* A network that can not be read trusts nobody. */
static bool is_in_network(const struct ip *ip, const char *network)
{
    size_t length = strcspn(network, "/");
    struct ip base;

    if (!parse(network, length, &base))
        return false;
    unsigned long width = is_mapped(&base) ? 32 : 128;
    unsigned long bits = width;
    if (network[length] == '/') {
        char *end;
        bits = strtoul(network + length + 1, &end, 10);
        if (*end != '\0' || end == network + length + 1 || bits > width)
            return false;
    }
    return same_prefix(ip, &base, (unsigned)(128 - width + bits));
}

static bool is_trusted(const struct ip *ip, const char *const *trusted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_in_network(ip, trusted[i]))
            return true;
    }
    return false;
}

/* Cuts the last item of a comma-separated list; false when nothing is left. */
static bool last_item(const char *list, size_t *length, const char **item, size_t *item_length)
{
    size_t end = *length;

    while (end > 0 && strchr(", \t", list[end - 1]) != NULL)
        end--;
    if (end == 0)
        return false;
    size_t start = end;
    while (start > 0 && strchr(", \t", list[start - 1]) == NULL)
        start--;
    *length = start;
    *item = list + start;
    *item_length = end - start;
    return true;
}

void client_ip_resolve(const char *peer, const char *forwarded, const char *const *trusted,
                       size_t trusted_count, char out[INET6_ADDRSTRLEN])
{
    size_t left = forwarded == NULL ? 0 : strlen(forwarded);
    const char *item;
    size_t item_length;
    struct ip ip;

    snprintf(out, INET6_ADDRSTRLEN, "%s", peer);
    if (!parse(peer, strlen(peer), &ip))
        return;
    while (is_trusted(&ip, trusted, trusted_count) &&
           last_item(forwarded, &left, &item, &item_length)) {
        if (!parse(item, item_length, &ip))
            return;
        format(&ip, out);
    }
}

void client_ip_network(const char *address, char out[INET6_ADDRSTRLEN])
{
    struct ip ip;

    snprintf(out, INET6_ADDRSTRLEN, "%s", address);
    if (!parse(address, strlen(address), &ip))
        return;
    if (!is_mapped(&ip))
        memset(ip.bytes + 8, 0, 8);
    format(&ip, out);
}
