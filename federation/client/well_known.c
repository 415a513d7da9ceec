/* The .well-known file by which a server says that it lives elsewhere. */
#include "federation/client/well_known.h"

#include <strings.h>

#include "config/config.h"
#include "federation/client/federation_client.h"
#include "homeserver/base/arena.h"
#include "homeserver/net/http_client.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"

enum {
    TIMEOUT_MS = 10 * 1000,
    ANSWER_BYTES_MAX = 50 * 1024,
    REDIRECTS_MAX = 5,
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    /* Spec: default 24 hours, at most 48; an error may be remembered up to an hour. */
    DEFAULT_MS = 24 * HOUR_MS,
    LIFETIME_MAX_MS = 48 * HOUR_MS,
    LIFETIME_MIN_MS = 5 * MINUTE_MS,
    NONE_MS = HOUR_MS,
    UNREACHABLE_MS = 2 * MINUTE_MS,
};

int64_t well_known_lifetime_ms(const char *cache_control, int64_t fallback_ms)
{
    const char *at = cache_control != NULL ? strcasestr(cache_control, "max-age=") : NULL;
    int64_t lifetime_ms = fallback_ms;

    if (at != NULL) {
        int64_t seconds = strtoll(at + strlen("max-age="), NULL, 10);
        lifetime_ms = seconds > LIFETIME_MAX_MS / 1000 ? LIFETIME_MAX_MS
                      : seconds < 0                    ? 0
                                                       : seconds * 1000;
    }
    if (cache_control != NULL && (strcasestr(cache_control, "no-store") != NULL ||
                                  strcasestr(cache_control, "no-cache") != NULL))
        lifetime_ms = 0;
    return lifetime_ms < LIFETIME_MIN_MS ? LIFETIME_MIN_MS : lifetime_ms;
}

static void none(struct well_known *out, int64_t lifetime_ms, const char *why)
{
    *out = (struct well_known){.lifetime_ms = lifetime_ms, .why = why};
}

void well_known_fetch(struct http_client *http, const struct config *config, struct arena *arena,
                      const char *host, struct well_known *out)
{
    struct http_call call = {
        .method = "GET",
        .url = arena_printf(arena, "https://%s/.well-known/matrix/server", host),
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        .redirects_max = REDIRECTS_MAX,
        .allow_private_addresses = config->federation.allow_private_addresses,
        .trust = HTTP_TRUST_FEDERATION,
    };
    struct http_answer answer;
    struct error error = {0};
    json_t *json;

    federation_set_tls(config, host, &call);
    if (http_client_fetch(http, arena, &call, &error, &answer) != OK) {
        none(out, UNREACHABLE_MS, arena_strdup(arena, error.text));
        return;
    }
    if (answer.status != 200) {
        none(out, NONE_MS, arena_printf(arena, "HTTP status %d", answer.status));
        return;
    }
    if (json_parse_object(arena, answer.body, answer.body_size, &error, &json) != OK ||
        !server_name_is_valid(json_get_string(json, "m.server"))) {
        none(out, NONE_MS, "it is not JSON with a server name as m.server");
        return;
    }
    *out = (struct well_known){
        .delegated = json_get_string(json, "m.server"),
        .lifetime_ms =
            well_known_lifetime_ms(http_answer_header(&answer, "Cache-Control"), DEFAULT_MS),
    };
}
