/* Fetching from the web for previews. */
#include "homeserver/media/web_fetch.h"

#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/glob.h"
#include "homeserver/net/http_client.h"
#include "homeserver/net/url.h"
#include "homeserver/services.h"

enum {
    REDIRECTS_MAX = 5,
    PATIENCE_MS = 10 * 1000, /* for all redirects together */
    PAGE_BYTES = 1 << 20,    /* read of a page */
    PICTURE_BYTES_MAX = 10 << 20,
    EMBED_BYTES_MAX = 256 << 10,
};

struct fetching {
    struct call *call;
    unsigned kinds;
    enum web_kind kind;
    const char *content_type; /* on the call's arena, which waits */
    struct media_intake *intake;
    bool has_begun;
    bool has_enough; /* the transfer was ended by us, and all is well */
};

static const struct config_url_previews *settings(const struct call *call)
{
    return &config_current(call->services->config)->url_previews;
}

static bool is_denied(const struct call *call, const char *url)
{
    const struct config_url_previews *previews = settings(call);

    for (size_t i = 0; i < previews->deny_count; i++) {
        if (glob_match(previews->deny[i], url, true))
            return true;
    }
    return false;
}

static enum web_kind kind_of(const char *content_type)
{
    static const struct {
        const char *prefix;
        enum web_kind kind;
    } types[] = {
        {"text/html", WEB_PAGE},  {"application/xhtml+xml", WEB_PAGE},
        {"image/", WEB_PICTURE},  {"application/json", WEB_EMBED},
        {"text/json", WEB_EMBED},
    };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strncasecmp(content_type, types[i].prefix, strlen(types[i].prefix)) == 0)
            return types[i].kind;
    }
    return 0;
}

static const char *type_of(const struct http_answer *answer)
{
    const char *type = http_answer_header(answer, "Content-Type");

    return type == NULL ? "" : type;
}

static int64_t limit_of(enum web_kind kind)
{
    return kind == WEB_PAGE ? PAGE_BYTES : kind == WEB_EMBED ? EMBED_BYTES_MAX : PICTURE_BYTES_MAX;
}

static enum errcode has_enough(struct fetching *fetching)
{
    fetching->has_enough = true;
    return E_SHUTDOWN; /* any that ends the transfer */
}

static enum errcode on_body(void *context, const struct http_answer *answer, const void *bytes,
                            size_t size)
{
    struct fetching *fetching = context;
    struct error *error = fetching->call->error;

    if (answer->status != 200)
        return answer->status / 100 == 3
                   ? OK
                   : fail(error, E_REMOTE, "The page answers with status %d.", answer->status);
    if (!fetching->has_begun) {
        fetching->content_type = arena_strdup(fetching->call->arena, type_of(answer));
        fetching->kind = kind_of(fetching->content_type) & fetching->kinds;
    }
    fetching->has_begun = true;
    if (fetching->kind == 0)
        return has_enough(fetching);
    int64_t room = limit_of(fetching->kind) - media_intake_size(fetching->intake);
    if ((int64_t)size <= room)
        return media_intake_add(fetching->call, fetching->intake, bytes, size);
    if (fetching->kind != WEB_PAGE) {
        error->http_status = 502;
        return fail(error, M_TOO_LARGE, "The file is too large for a preview.");
    }
    TRY(media_intake_add(fetching->call, fetching->intake, bytes, (size_t)room));
    return has_enough(fetching);
}

static enum errcode fetch_once(struct fetching *fetching, const char *url, int64_t timeout_ms,
                               struct http_answer *out)
{
    struct call *call = fetching->call;
    const struct config_url_previews *previews = settings(call);
    const char *const headers[] = {
        "Accept: text/html,application/xhtml+xml,application/json;q=0.9,image/*;q=0.8",
        arena_printf(call->arena, "Accept-Language: %s", previews->accept_language), NULL};
    const struct http_call get = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .timeout_ms = timeout_ms,
        .answer_limit_bytes = PICTURE_BYTES_MAX + PAGE_BYTES, /* on_body is stricter */
        .allowed_networks = previews->allow_networks,
        .allowed_network_count = previews->allow_network_count,
        .on_body = on_body,
        .context = fetching,
    };

    fetching->has_begun = false;
    *out = (struct http_answer){.body = ""};
    enum errcode outcome =
        http_client_fetch(call->services->http, call->arena, &get, call->error, out);
    return fetching->has_enough ? OK : outcome;
}

/* Follows redirects one by one, so that each address is judged by us. */
static enum errcode fetch(struct fetching *fetching, struct web_document *out)
{
    struct call *call = fetching->call;
    int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;
    struct http_answer answer;

    for (int i = 0; i <= REDIRECTS_MAX; i++) {
        int64_t left_ms = give_up_ms - clock_monotonic_ms();
        if (is_denied(call, out->url))
            return fail(call->error, M_FORBIDDEN, "Previews of this address are not made here.");
        if (left_ms <= 0)
            return fail(call->error, E_TIMEOUT, "The page takes too long.");
        TRY(fetch_once(fetching, out->url, left_ms, &answer));
        if (fetching->has_enough || answer.status == 200)
            return OK;
        const char *location = http_answer_header(&answer, "Location");
        if (answer.status / 100 != 3 || location == NULL)
            return fail(call->error, E_REMOTE, "The page answers with status %d.", answer.status);
        out->url = url_resolve(call->arena, out->url, location);
        if (out->url == NULL)
            return fail(call->error, E_REMOTE, "The page redirects to what is no web address.");
    }
    return fail(call->error, E_REMOTE, "The page redirects too often.");
}

enum errcode web_fetch(struct call *call, const char *url, unsigned kinds, struct web_document *out)
{
    struct fetching fetching = {.call = call, .kinds = kinds};

    *out = (struct web_document){.url = url, .content_type = ""};
    TRY(media_intake_open(call, &fetching.intake));
    enum errcode outcome = fetch(&fetching, out);
    if (outcome != OK || fetching.kind == 0) {
        media_intake_destroy(fetching.intake);
        return outcome;
    }
    out->kind = fetching.kind;
    out->content_type = fetching.content_type;
    out->body = fetching.intake;
    return OK;
}
