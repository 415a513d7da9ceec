/*
 * Our media for other servers: only what was uploaded at the domain that they name, in one
 * multipart body with JSON that has no meaning so far. Spec: server-server API, "Content
 * Repository" (content_repository.yaml).
 */
#include "config/config.h"
#include "federation/api/federation_api.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"
#include "homeserver/http/request.h"
#include "homeserver/media/content.h"
#include "homeserver/media/content_headers.h"
#include "homeserver/media/thumbnail.h"

enum { TIMEOUT_DEFAULT_MS = 20 * 1000, TIMEOUT_MAX_MS = 60 * 1000, BOUNDARY_CHARS = 24 };

static enum errcode send_file(struct request *req, const struct media_file *file, const char *type,
                              const char *name)
{
    struct arena *arena = req->call.arena;
    const char *boundary = random_token(arena, BOUNDARY_CHARS);
    const char *before =
        arena_printf(arena,
                     "--%s\r\nContent-Type: application/json\r\n\r\n{}\r\n"
                     "--%s\r\nContent-Type: %s\r\nContent-Disposition: %s\r\n\r\n",
                     boundary, boundary, type, content_disposition(arena, type, name));
    const char *after = arena_printf(arena, "\r\n--%s--\r\n", boundary);
    int fd = -1;

    TRY(content_open(&req->call, file, &fd));
    return respond_file_between(req, arena_printf(arena, "multipart/mixed; boundary=%s", boundary),
                                before, fd, (uint64_t)file->size_bytes, after);
}

/* Waits for content that is still to come; sets *parked when it does. */
static enum errcode find(struct request *req, struct content *out, bool *parked)
{
    struct content_wish wish = {0};
    int64_t timeout_ms;

    *parked = false;
    wish.server_name = req->requester.addressed_as;
    TRY(path_string(req, "mediaId", &wish.media_id));
    TRY(query_int(req, "timeout_ms", TIMEOUT_DEFAULT_MS, 0, TIMEOUT_MAX_MS, &timeout_ms));
    enum errcode code = content_find(&req->call, &wish, out);
    if (code != M_NOT_YET_UPLOADED || !req_park_briefly(req, timeout_ms))
        return code;
    *parked = true;
    return OK;
}

static enum errcode read_thumbnail_wish(struct request *req, struct thumbnail_wish *wish)
{
    TRY(query_int_required(req, "width", 1, &wish->width));
    TRY(query_int_required(req, "height", 1, &wish->height));
    TRY(query_bool(req, "animated", false, &wish->animated));
    return thumbnail_read_method(query_string(req, "method"), &req->error, &wish->crops);
}

/* GET /_matrix/federation/v1/media/download/{mediaId} */
enum errcode federation_get_content(struct request *req)
{
    struct content content;
    bool parked;

    TRY(find(req, &content, &parked));
    if (parked)
        return OK;
    return send_file(req, &content.file, content.media.content_type, content.media.file_name);
}

/* GET /_matrix/federation/v1/media/thumbnail/{mediaId} */
enum errcode federation_get_content_thumbnail(struct request *req)
{
    struct thumbnail_wish wish;
    struct content content;
    struct media_file file;
    const char *type;
    bool parked;

    TRY(read_thumbnail_wish(req, &wish));
    TRY(find(req, &content, &parked));
    if (parked)
        return OK;
    TRY(thumbnail_find(&req->call, &content, &wish, &file, &type));
    return send_file(req, &file, type, NULL);
}
