/*
 * The special-purpose address registries of IANA as two tables of prefixes.
 * https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry
 */
#include "homeserver/net/ip_filter.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/compiler.h"

struct prefix {
    uint8_t bytes[16];
    unsigned bits;
};

/* clang-format off */
static const struct prefix special_v4[] = {
    {{0}, 8},                /* this network */
    {{10}, 8},               /* private */
    {{100, 64}, 10},         /* shared, carrier-grade NAT */
    {{127}, 8},              /* loopback */
    {{169, 254}, 16},        /* link-local, metadata services of clouds */
    {{172, 16}, 12},         /* private */
    {{192, 0, 0}, 24},       /* protocol assignments */
    {{192, 0, 2}, 24},       /* documentation */
    {{192, 31, 196}, 24},    /* AS112 */
    {{192, 52, 193}, 24},    /* AMT */
    {{192, 88, 99}, 24},     /* 6to4 relays */
    {{192, 168}, 16},        /* private */
    {{192, 175, 48}, 24},    /* AS112 */
    {{198, 18}, 15},         /* benchmarks */
    {{198, 51, 100}, 24},    /* documentation */
    {{203, 0, 113}, 24},     /* documentation */
    {{224}, 4},              /* multicast */
    {{240}, 4},              /* reserved, broadcast */
};

/* Only 2000::/3 is handed out for the public internet; these are its exceptions. */
static const struct prefix global_v6 = {{0x20}, 3};
static const struct prefix special_v6[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48}, /* AS112 */
    {{0x3f, 0xff}, 20},                   /* documentation */
};

/* IPv6 forms that stand for an IPv4 address, and where in the sixteen bytes it is. */
static const struct {
    struct prefix prefix;
    size_t offset;
} embedded_v4[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
    {{{0, 0x64, 0xff, 0x9b}, 96}, 12},                      /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};
/* clang-format on */

static bool matches(const uint8_t *address, const struct prefix *prefix)
{
    size_t whole = prefix->bits / 8;
    unsigned rest = prefix->bits % 8;

    if (memcmp(address, prefix->bytes, whole) != 0)
        return false;
    return rest == 0 || (address[whole] >> (8 - rest)) == (prefix->bytes[whole] >> (8 - rest));
}

static bool v4_is_public(const uint8_t *address)
{
    for (size_t i = 0; i < COUNT_OF(special_v4); i++) {
        if (matches(address, &special_v4[i]))
            return false;
    }
    return true;
}

static bool v6_is_public(const uint8_t *address)
{
    for (size_t i = 0; i < COUNT_OF(embedded_v4); i++) {
        if (matches(address, &embedded_v4[i].prefix))
            return v4_is_public(address + embedded_v4[i].offset);
    }
    for (size_t i = 0; i < COUNT_OF(special_v6); i++) {
        if (matches(address, &special_v6[i]))
            return false;
    }
    return matches(address, &global_v6);
}

bool ip_text_is_public(const char *text)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET, text, bytes) == 1)
        return v4_is_public(bytes);
    return inet_pton(AF_INET6, text, bytes) == 1 && v6_is_public(bytes);
}

bool ip_text_is_in(const char *text, const char *network)
{
    char base[INET6_ADDRSTRLEN];
    size_t length = strcspn(network, "/");
    int family = memchr(network, ':', length) != NULL ? AF_INET6 : AF_INET;
    struct prefix prefix = {.bits = family == AF_INET6 ? 128 : 32};
    uint8_t bytes[16];

    if (length >= sizeof(base))
        return false;
    memcpy(base, network, length);
    base[length] = '\0';
    if (network[length] == '/') {
        unsigned long bits = strtoul(network + length + 1, NULL, 10);
        if (bits > prefix.bits)
            return false;
        prefix.bits = (unsigned)bits;
    }
    return inet_pton(family, base, prefix.bytes) == 1 && inet_pton(family, text, bytes) == 1 &&
           matches(bytes, &prefix);
}
