/* A listener on the channel of ended tokens. */
#include "homeserver/accounts/token_watch.h"

#include <stdlib.h>

#include "homeserver/accounts/token_cache.h"
#include "storage/access_tokens.h"
#include "storage/listen_notify.h"

/* Often enough that one late answer does not make the cache doubtful. */
enum { CHECK_EVERY_MS = TOKEN_CACHE_LIFETIME_MS / 3 };

struct token_watch {
    struct listen_notify *listener;
};

/* The payload is the user's number. */
static void on_ended(void *cache, const char *payload)
{
    if (payload == NULL)
        token_cache_invalidate(cache);
    else
        token_cache_invalidate_user(cache, strtoll(payload, NULL, 10));
}

static void on_checked(void *cache, int64_t asked_ms)
{
    token_cache_confirm(cache, asked_ms);
}

enum errcode token_watch_create(struct token_cache *cache, const char *conninfo,
                                struct token_watch **out)
{
    const struct listen_options options = {
        .conninfo = conninfo,
        .listen = &access_tokens_listen,
        .callback = on_ended,
        .context = cache,
        .check_every_ms = CHECK_EVERY_MS,
        .checked = on_checked,
    };
    struct token_watch *watch = calloc(1, sizeof(*watch));

    if (watch == NULL)
        abort();
    *out = watch;
    return listen_notify_create(&options, &watch->listener);
}

void token_watch_destroy(struct token_watch *watch)
{
    if (watch == NULL)
        return;
    listen_notify_destroy(watch->listener);
    free(watch);
}
