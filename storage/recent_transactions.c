/* Two caches: transactions and their events; devices and what may be guessed about them. */
#include "storage/recent_transactions.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/cache.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"
#include "storage/client_transactions.h"

/* A device needs little, and must be remembered for longer than its transactions. */
#define DEVICE_SHARE(limit_bytes) ((limit_bytes) / 4)

struct kept_transaction {
    _Atomic int references;
    char event_id[];
};

struct recent_transactions {
    struct cache *transactions; /* struct kept_transaction */
    struct cache *devices;      /* one of the two below */
};

static char sends_new_ones[] = "its unknown transactions are new";
static char repeats_unknown_ones[] = "it repeated one that was not remembered";

static void acquire(void *kept)
{
    atomic_fetch_add(&((struct kept_transaction *)kept)->references, 1);
}

static void release(void *kept)
{
    struct kept_transaction *transaction = kept;

    if (atomic_fetch_sub(&transaction->references, 1) == 1)
        free(transaction);
}

static void keep_constant(void *value UNUSED)
{
}

struct recent_transactions *recent_transactions_create(size_t limit_bytes)
{
    struct recent_transactions *recent = calloc(1, sizeof(*recent));
    const struct cache_options transactions = {
        .name = "transactions",
        .limit_bytes = limit_bytes - DEVICE_SHARE(limit_bytes),
        .acquire = acquire,
        .release = release,
    };
    const struct cache_options devices = {
        .name = "sending_devices",
        .limit_bytes = DEVICE_SHARE(limit_bytes),
        .acquire = keep_constant,
        .release = keep_constant,
    };

    if (recent == NULL)
        abort();
    recent->transactions = cache_create(&transactions);
    recent->devices = cache_create(&devices);
    return recent;
}

void recent_transactions_destroy(struct recent_transactions *recent)
{
    if (recent == NULL)
        return;
    cache_destroy(recent->transactions);
    cache_destroy(recent->devices);
    free(recent);
}

/* The length keeps a device ID from looking like another and the start of a key. `key` is to be
 * finished. */
static void device_key(struct strbuf *key, const struct client_transaction *transaction)
{
    strbuf_init(key, SIZE_MAX);
    strbuf_add_int(key, transaction->user_nid);
    strbuf_add_char(key, ' ');
    strbuf_add_int(key, (int64_t)strlen(transaction->device_id));
    strbuf_add_char(key, ' ');
    strbuf_add_string(key, transaction->device_id);
}

static void transaction_key(struct strbuf *key, const struct client_transaction *transaction)
{
    device_key(key, transaction);
    strbuf_add_string(key, transaction->txn_key);
}

void recent_transactions_add(struct recent_transactions *recent,
                             const struct client_transaction *transaction, const char *event_id)
{
    size_t id_bytes = strlen(event_id) + 1;
    struct kept_transaction *kept;
    struct strbuf key;

    if (recent == NULL)
        return;
    kept = malloc(sizeof(*kept) + id_bytes);
    if (kept == NULL)
        abort();
    kept->references = 1;
    memcpy(kept->event_id, event_id, id_bytes);
    transaction_key(&key, transaction);
    cache_put(recent->transactions, key.data, key.length, kept, sizeof(*kept) + id_bytes);
    strbuf_finish(&key);
    release(kept);
}

const char *recent_transactions_find(struct recent_transactions *recent, struct arena *arena,
                                     const struct client_transaction *transaction)
{
    const char *event_id = NULL;
    struct strbuf key;

    if (recent == NULL)
        return NULL;
    transaction_key(&key, transaction);
    struct kept_transaction *kept = cache_get(recent->transactions, key.data, key.length);
    strbuf_finish(&key);
    if (kept != NULL) {
        event_id = arena_strdup(arena, kept->event_id);
        release(kept);
    }
    return event_id;
}

static const char *what_it_does(struct recent_transactions *recent,
                                const struct client_transaction *transaction)
{
    struct strbuf key;

    device_key(&key, transaction);
    const char *known = cache_get(recent->devices, key.data, key.length);
    strbuf_finish(&key);
    return known;
}

static void remember_device(struct recent_transactions *recent,
                            const struct client_transaction *transaction, char *what)
{
    struct strbuf key;

    device_key(&key, transaction);
    cache_put(recent->devices, key.data, key.length, what, 0);
    strbuf_finish(&key);
}

bool recent_transactions_may_guess(struct recent_transactions *recent,
                                   const struct client_transaction *transaction)
{
    return recent != NULL && what_it_does(recent, transaction) == sends_new_ones;
}

void recent_transactions_was_new(struct recent_transactions *recent,
                                 const struct client_transaction *transaction)
{
    if (recent != NULL && what_it_does(recent, transaction) == NULL)
        remember_device(recent, transaction, sends_new_ones);
}

void recent_transactions_guessed_wrong(struct recent_transactions *recent,
                                       const struct client_transaction *transaction)
{
    if (recent != NULL)
        remember_device(recent, transaction, repeats_unknown_ones);
}
