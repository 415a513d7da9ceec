/* Media to clients, by the endpoints with and without a token. */
#include "homeserver/client_api/media_answer.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/http/request.h"
#include "homeserver/media/content.h"
#include "homeserver/media/content_headers.h"
#include "homeserver/media/thumbnail.h"
#include "homeserver/media/url_preview.h"
#include "homeserver/services.h"

enum {
    TIMEOUT_DEFAULT_MS = 20 * 1000,
    TIMEOUT_MAX_MS = 60 * 1000,
};

/* Spec, "Security considerations" and "Serving inline content". */
void media_safety_headers(struct request *req, enum media_way way)
{
    response_header(req, "Content-Security-Policy",
                    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; "
                    "style-src 'unsafe-inline'; object-src 'self';");
    response_header(req, "Cross-Origin-Resource-Policy", "cross-origin");
    response_header(req, "X-Content-Type-Options", "nosniff");
    response_header(req, "Referrer-Policy", "no-referrer");
    /* Content never changes under its ID, but it may be deleted. */
    response_header(req, "Cache-Control",
                    way == MEDIA_AUTHENTICATED ? "private, max-age=86400"
                                               : "public, max-age=86400");
}

static enum errcode read_wish(struct request *req, enum media_way way, struct content_wish *wish)
{
    bool allow_remote = true;

    if (way == MEDIA_UNAUTHENTICATED &&
        !config_current(req->call.services->config)->media.unauthenticated_downloads)
        return M_UNRECOGNIZED;
    TRY(path_string(req, "serverName", &wish->server_name));
    TRY(path_string(req, "mediaId", &wish->media_id));
    TRY(query_int(req, "timeout_ms", TIMEOUT_DEFAULT_MS, 0, TIMEOUT_MAX_MS, &wish->timeout_ms));
    if (way == MEDIA_UNAUTHENTICATED)
        TRY(query_bool(req, "allow_remote", true, &allow_remote));
    wish->may_fetch = allow_remote;
    wish->is_unauthenticated = way == MEDIA_UNAUTHENTICATED;
    wish->asking_server =
        way == MEDIA_AUTHENTICATED ? req->requester.server_name : request_domain(req)->name;
    return OK;
}

/* Spec: waits up to timeout_ms for content that is still to come (another server has waited by
 * itself). Sets *parked when it does. */
static enum errcode find_or_wait(struct request *req, const struct content_wish *wish,
                                 struct content *out, bool *parked)
{
    const struct config *config = config_current(req->call.services->config);
    enum errcode code = content_find(&req->call, wish, out);

    *parked = false;
    if (code != M_NOT_YET_UPLOADED || !config_hosts(config, wish->server_name) ||
        !req_park_briefly(req, wish->timeout_ms))
        return code;
    *parked = true;
    return OK;
}

static enum errcode send_file(struct request *req, enum media_way way,
                              const struct media_file *file, const char *type, const char *name)
{
    char hex[SHA256_HEX_CHARS + 1];
    int fd = -1;

    TRY(content_open(&req->call, file, &fd));
    sha256_to_hex(file->hash, hex);
    media_safety_headers(req, way);
    response_header(req, "Content-Disposition", content_disposition(req->call.arena, type, name));
    return respond_file_ranged(req, type, fd, (uint64_t)file->size_bytes,
                               arena_printf(req->call.arena, "\"%s\"", hex));
}

/* `name` NULL: the name it was uploaded with. */
static enum errcode download(struct request *req, enum media_way way, const char *name)
{
    struct content_wish wish = {0};
    struct content content;
    bool parked;

    TRY(read_wish(req, way, &wish));
    TRY(find_or_wait(req, &wish, &content, &parked));
    if (parked)
        return OK;
    return send_file(req, way, &content.file, content.media.content_type,
                     name == NULL ? content.media.file_name : name);
}

enum errcode answer_download(struct request *req, enum media_way way)
{
    return download(req, way, NULL);
}

enum errcode answer_download_as(struct request *req, enum media_way way)
{
    const char *name;

    TRY(path_string(req, "fileName", &name));
    return download(req, way, file_name_clean(req->call.arena, name));
}

static enum errcode read_thumbnail_wish(struct request *req, struct thumbnail_wish *wish)
{
    TRY(query_int_required(req, "width", 1, &wish->width));
    TRY(query_int_required(req, "height", 1, &wish->height));
    TRY(query_bool(req, "animated", false, &wish->animated));
    return thumbnail_read_method(query_string(req, "method"), &req->error, &wish->crops);
}

enum errcode answer_thumbnail(struct request *req, enum media_way way)
{
    struct content_wish wish = {0};
    struct thumbnail_wish thumbnail = {0};
    struct content content;
    struct media_file file;
    const char *type;
    bool parked;

    TRY(read_thumbnail_wish(req, &thumbnail));
    TRY(read_wish(req, way, &wish));
    TRY(find_or_wait(req, &wish, &content, &parked));
    if (parked)
        return OK;
    TRY(thumbnail_find(&req->call, &content, &thumbnail, &file, &type));
    /* Spec: inline, and the name does not matter; the type is one of ours. */
    return send_file(req, way, &file, type,
                     arena_printf(req->call.arena, "thumbnail.%s", type + strlen("image/")));
}

enum errcode answer_url_preview(struct request *req)
{
    struct url_preview_wish wish = {.url = query_string(req, "url"),
                                    .server_name = req->requester.server_name};
    json_t *preview;

    if (wish.url == NULL)
        return fail(&req->error, M_MISSING_PARAM, "Say which address: url.");
    TRY(query_int(req, "ts", clock_wall_ms(), 0, clock_wall_ms(), &wish.ts));
    TRY(url_preview_find(&req->call, &wish, &preview));
    return respond(req, 200, json_incref(preview));
}

enum errcode answer_media_config(struct request *req)
{
    const struct config *config = config_current(req->call.services->config);

    return respond(
        req, 200,
        json_pack("{s:I}", "m.upload.size", (json_int_t)config->media.upload_limit_bytes));
}
