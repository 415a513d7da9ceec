/* Previews of web pages: from the table, or from the page itself. */
#include "homeserver/media/url_preview.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/base/utf8.h"
#include "homeserver/media/helper_process.h"
#include "homeserver/media/media_service.h"
#include "homeserver/media/media_store.h"
#include "homeserver/media/url_preview_image.h"
#include "homeserver/media/web_fetch.h"
#include "homeserver/net/url.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/url_previews.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
    FAILURE_KEPT_MS = 10 * 60 * 1000,
    FACTS_BYTES_MAX = 256 << 10, /* more than the previewer writes */
    CHARSET_BYTES_MAX = 40,
    EMBED_VALUE_BYTES_MAX = 2048,
};

struct making {
    struct call *call;
    const struct url_preview_wish *wish;
    const char *url; /* what is called */
    const uint8_t *url_hash;
    int64_t today;
    json_t *preview;
    int64_t image_nid;
    /* What the page says, as it says it. */
    const char *page_url, *image, *embed;
};

static void set_text(json_t *preview, const char *name, const char *text)
{
    if (text != NULL && json_object_get(preview, name) == NULL)
        json_object_set_new(preview, name, json_string(text));
}

/* ── Reading a page ──────────────────────────────────────────────────────────────────────────── */

/* The parameter of a Content-Type, or NULL; only what may be the name of an encoding. */
static const char *charset_of(struct arena *arena, const char *content_type)
{
    const char *found = strcasestr(content_type, "charset=");

    if (found == NULL)
        return NULL;
    found += strlen("charset=");
    found += *found == '"';
    size_t length =
        strspn(found, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    return length == 0 || length > CHARSET_BYTES_MAX ? NULL : arena_strndup(arena, found, length);
}

static void take_fact(struct making *making, const char *name, const char *value)
{
    struct arena *arena = making->call->arena;

    if (strcmp(name, "base") == 0) {
        const char *base = url_resolve(arena, making->page_url, value);
        making->page_url = base == NULL ? making->page_url : base;
    } else if (strcmp(name, "oembed") == 0) {
        making->embed = making->embed == NULL ? value : making->embed;
    } else if (strcmp(name, "og:image") == 0) {
        making->image = making->image == NULL ? value : making->image;
    } else if (strncmp(name, "og:image", strlen("og:image")) != 0) { /* we measure by ourselves */
        set_text(making->preview, name, value);
    }
}

/* Name, NUL, value, NUL; and so on. What is not UTF-8 is dropped. */
static void take_facts(struct making *making, const char *bytes, size_t size)
{
    const char *end = bytes + size;

    while (bytes < end) {
        const char *value = bytes + strlen(bytes) + 1;
        if (value >= end)
            return;
        size_t length = strlen(value);
        if (utf8_is_valid(value, length))
            take_fact(making, bytes, value);
        bytes = value + length + 1;
    }
}

static enum errcode read_all(struct call *call, int fd, size_t limit, char **out, size_t *size_out)
{
    char *bytes = arena_alloc(call->arena, limit + 1); /* zeroed: it ends in NUL */
    ssize_t size = pread(fd, bytes, limit, 0);

    if (size < 0)
        return fail(call->error, E_SYSTEM, "A file can not be read.");
    *out = bytes;
    *size_out = (size_t)size;
    return OK;
}

static enum errcode read_page(struct making *making, const struct web_document *page)
{
    struct call *call = making->call;
    const char *const arguments[] = {"beffroi-previewer",
                                     charset_of(call->arena, page->content_type), NULL};
    SCOPED(media_close_fd) int result = -1;
    char *facts;
    size_t size;
    int status;

    making->page_url = page->url;
    TRY(media_scratch_open(call, &result));
    TRY(helper_run(call, arguments, media_intake_fd(page->body), result, &status));
    if (status != 0)
        log_info(LOG_MEDIA, "A page could not be read: the previewer ended with %d.", status);
    TRY(read_all(call, result, FACTS_BYTES_MAX, &facts, &size));
    take_facts(making, facts, size);
    return OK;
}

/* ── What a page names ───────────────────────────────────────────────────────────────────────── */

/* What is only a part of the preview may fail: then it has less. OK and a NULL body then. */
static enum errcode fetch_part(struct making *making, const char *address, enum web_kind kind,
                               struct web_document *out)
{
    struct error quiet = {0};
    struct call call = *making->call;
    const char *url = url_resolve(call.arena, making->page_url, address);

    *out = (struct web_document){0};
    if (url == NULL)
        return OK;
    call.error = &quiet;
    enum errcode outcome = web_fetch(&call, url, kind, out);
    if (outcome != OK)
        log_debug(LOG_MEDIA, "A part of a preview is not there: %s", quiet.text);
    return outcome == E_SHUTDOWN || outcome == E_SYSTEM ? outcome : OK;
}

static const char *short_text(const json_t *object, const char *name)
{
    const char *text = json_get_string(object, name);

    return text == NULL || strlen(text) > EMBED_VALUE_BYTES_MAX ? NULL : text;
}

/* https://oembed.com, 2.3.4. Its HTML is not for us. */
static void take_embed(struct making *making, const char *bytes, size_t size)
{
    json_t *embed;
    struct error error = {0};

    if (json_parse_object(making->call->arena, bytes, size, &error, &embed) != OK)
        return;
    const char *type = json_get_string(embed, "type");
    set_text(making->preview, "og:title", short_text(embed, "title"));
    set_text(making->preview, "og:site_name", short_text(embed, "provider_name"));
    set_text(making->preview, "og:description", short_text(embed, "author_name"));
    if (making->image == NULL && type != NULL && strcmp(type, "photo") == 0)
        making->image = short_text(embed, "url");
    if (making->image == NULL)
        making->image = short_text(embed, "thumbnail_url");
}

static enum errcode add_embed(struct making *making)
{
    struct web_document embed;
    char *bytes;
    size_t size;

    TRY(fetch_part(making, making->embed, WEB_EMBED, &embed));
    if (embed.body == NULL)
        return OK;
    enum errcode outcome = read_all(making->call, media_intake_fd(embed.body),
                                    (size_t)media_intake_size(embed.body), &bytes, &size);
    if (outcome == OK)
        take_embed(making, bytes, size);
    media_intake_destroy(embed.body);
    return outcome;
}

static enum errcode keep_image(struct making *making, struct web_document *picture)
{
    enum errcode outcome =
        url_preview_keep_image(making->call, picture->body, making->wish->server_name,
                               making->preview, &making->image_nid);

    media_intake_destroy(picture->body);
    return outcome;
}

static enum errcode add_image(struct making *making)
{
    struct web_document picture;

    TRY(fetch_part(making, making->image, WEB_PICTURE, &picture));
    return picture.body == NULL ? OK : keep_image(making, &picture);
}

static enum errcode describe_page(struct making *making, struct web_document *page)
{
    enum errcode outcome = read_page(making, page);

    media_intake_destroy(page->body);
    TRY(outcome);
    if (making->embed != NULL)
        TRY(add_embed(making));
    return making->image == NULL ? OK : add_image(making);
}

/* ── Making and finding ──────────────────────────────────────────────────────────────────────── */

static enum errcode build(struct making *making)
{
    struct web_document document;

    making->preview = json_on_arena(making->call->arena, json_object());
    TRY(web_fetch(making->call, making->url, WEB_PAGE | WEB_PICTURE, &document));
    if (document.kind == WEB_PAGE)
        return describe_page(making, &document);
    if (document.kind == WEB_PICTURE)
        return keep_image(making, &document);
    return OK;
}

/* By the first who wants this address. */
static enum errcode make(void *context)
{
    struct making *making = context;
    struct call *call = making->call;
    struct url_preview_row row = {.url_hash = making->url_hash, .day = making->today};

    enum errcode outcome = build(making);
    row.fetched_ts = clock_wall_ms();
    if (outcome == OK)
        row.preview = json_compact(call->arena, making->preview);
    else if (outcome != E_REMOTE && outcome != E_TIMEOUT && outcome != M_TOO_LARGE)
        return outcome;
    row.image_nid = making->image_nid;
    TRY(url_preview_put(call->db, &row));
    return outcome;
}

/* M_NOT_FOUND: it must be made. */
static enum errcode load(struct making *making, int64_t day, json_t **out)
{
    struct call *call = making->call;
    struct url_preview_row row;

    TRY(url_preview_load(call->db, call->arena, making->url_hash, day, &row));
    if (row.preview != NULL)
        return json_parse(call->arena, row.preview, strlen(row.preview), call->error, out);
    if (day == making->today && clock_wall_ms() - row.fetched_ts < FAILURE_KEPT_MS)
        return fail(call->error, E_REMOTE, "The page could not be had a moment ago.");
    return M_NOT_FOUND;
}

enum errcode url_preview_find(struct call *call, const struct url_preview_wish *wish, json_t **out)
{
    uint8_t url_hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    struct making making = {
        .call = call, .wish = wish, .url_hash = url_hash, .today = clock_wall_ms() / DAY_MS};

    if (!config_current(call->services->config)->url_previews.enabled)
        return M_UNRECOGNIZED;
    making.url = url_resolve(call->arena, NULL, wish->url);
    if (making.url == NULL)
        return fail(call->error, M_INVALID_PARAM, "The url is not one of http or https.");
    sha256(making.url, strlen(making.url), url_hash);
    sha256_to_hex(url_hash, hex);
    /* Spec: a newer version is fine when there is none of that time. */
    enum errcode code = load(&making, wish->ts / DAY_MS, out);
    if (code == M_NOT_FOUND)
        code = load(&making, making.today, out);
    if (code != M_NOT_FOUND)
        return code;
    TRY(singleflight_run(media_service_flights(call->services->media),
                         arena_printf(call->arena, "preview %s", hex), make, &making, NULL));
    return load(&making, making.today, out);
}
