/*
 * One number per key: the time until which its failures weigh (the "theoretical arrival time" of
 * the generic cell rate algorithm). A fixed table, so guesses with ever new names cost no memory: a
 * newcomer takes, among the few slots its hash allows, the one whose failures are forgotten first.
 */
#include "homeserver/accounts/login_throttle.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/sha256.h"
#include "homeserver/call.h"
#include "homeserver/services.h"

enum {
    SET_COUNT = 4096,
    SET_SLOTS = 4,
    ACCOUNT_FACTOR = 10,
    IPV6_PREFIX_BYTES = 8,
    SECRET_BYTES = 32
};

struct slot {
    uint64_t key;
    int64_t forgotten_ms; /* monotonic */
};

struct login_throttle {
    pthread_mutex_t lock; /* protects the slots */
    uint8_t secret[SECRET_BYTES];
    struct slot slots[SET_COUNT][SET_SLOTS];
};

struct login_throttle *login_throttle_create(void)
{
    struct login_throttle *throttle = calloc(1, sizeof(*throttle));

    if (throttle == NULL)
        abort();
    pthread_mutex_init(&throttle->lock, NULL);
    random_bytes(throttle->secret, sizeof(throttle->secret));
    return throttle;
}

void login_throttle_destroy(struct login_throttle *throttle)
{
    if (throttle == NULL)
        return;
    pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

/* Keyed, so that nobody can look for names that share a victim's slots. */
static uint64_t hash_key(const struct login_throttle *throttle, const void *bytes, size_t size)
{
    uint8_t keyed[SECRET_BYTES + SHA256_BYTES], digest[SHA256_BYTES];
    uint64_t key;

    memcpy(keyed, throttle->secret, SECRET_BYTES);
    sha256(bytes, size, keyed + SECRET_BYTES);
    sha256(keyed, sizeof(keyed), digest);
    memcpy(&key, digest, sizeof(key));
    return key;
}

static uint64_t address_key(const struct login_throttle *throttle, const char *address)
{
    struct in6_addr ipv6;

    if (inet_pton(AF_INET6, address, &ipv6) == 1)
        return hash_key(throttle, &ipv6, IPV6_PREFIX_BYTES);
    return hash_key(throttle, address, strlen(address));
}

/* The slot of the key, or the one that it may take. */
static struct slot *find_slot(struct login_throttle *throttle, uint64_t key)
{
    struct slot *set = throttle->slots[key % SET_COUNT];
    struct slot *oldest = &set[0];

    for (size_t i = 0; i < SET_SLOTS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].forgotten_ms < oldest->forgotten_ms)
            oldest = &set[i];
    }
    return oldest;
}

static int64_t interval_ms(const struct config_rate *rate)
{
    return rate->per_second > 0 ? (int64_t)(1000.0 / rate->per_second) : 1000;
}

/* How long until one more attempt is allowed; 0: now. */
static int64_t wait_ms(struct login_throttle *throttle, uint64_t key,
                       const struct config_rate *rate, int64_t now_ms)
{
    const struct slot *slot = find_slot(throttle, key);
    int64_t allowed_ms = (rate->burst - 1) * interval_ms(rate);
    int64_t over_ms;

    if (slot->key != key)
        return 0;
    over_ms = slot->forgotten_ms - now_ms - allowed_ms;
    return over_ms > 0 ? over_ms : 0;
}

static void add_failure(struct login_throttle *throttle, uint64_t key,
                        const struct config_rate *rate, int64_t now_ms)
{
    struct slot *slot = find_slot(throttle, key);

    if (slot->key != key || slot->forgotten_ms < now_ms) {
        slot->key = key;
        slot->forgotten_ms = now_ms;
    }
    slot->forgotten_ms += interval_ms(rate);
}

static struct config_rate account_rate(const struct config_rate *rate)
{
    return (struct config_rate){
        .per_second = rate->per_second / ACCOUNT_FACTOR,
        .burst = rate->burst,
    };
}

enum errcode login_throttle_check(struct call *call, const char *user_id, const char *address)
{
    const struct config_rate_limits *limits = &config_current(call->services->config)->rate_limits;
    const struct config_rate of_account = account_rate(&limits->login);
    struct login_throttle *throttle = call->services->login_throttle;
    int64_t now_ms = clock_monotonic_ms();
    int64_t account_ms, address_ms;

    if (!limits->enabled)
        return OK;
    pthread_mutex_lock(&throttle->lock);
    account_ms =
        wait_ms(throttle, hash_key(throttle, user_id, strlen(user_id)), &of_account, now_ms);
    address_ms = wait_ms(throttle, address_key(throttle, address), &limits->login, now_ms);
    pthread_mutex_unlock(&throttle->lock);
    if (account_ms == 0 && address_ms == 0)
        return OK;
    error_set_int(call->error, "retry_after_ms", account_ms > address_ms ? account_ms : address_ms);
    return fail(call->error, M_LIMIT_EXCEEDED,
                "Too many failed attempts to log in. Wait a little, then try again.");
}

void login_throttle_note_failure(struct call *call, const char *user_id, const char *address)
{
    const struct config_rate *rate = &config_current(call->services->config)->rate_limits.login;
    const struct config_rate of_account = account_rate(rate);
    struct login_throttle *throttle = call->services->login_throttle;
    int64_t now_ms = clock_monotonic_ms();

    pthread_mutex_lock(&throttle->lock);
    add_failure(throttle, hash_key(throttle, user_id, strlen(user_id)), &of_account, now_ms);
    add_failure(throttle, address_key(throttle, address), rate, now_ms);
    pthread_mutex_unlock(&throttle->lock);
}
