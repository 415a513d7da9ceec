/*
 * Uploads, and the deprecated ways to download.
 * Spec: client-server API, "Content repository" (content-repo.yaml).
 */
#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/media_answer.h"
#include "homeserver/http/request.h"
#include "homeserver/media/content_headers.h"
#include "homeserver/media/upload.h"
#include "homeserver/protocol/mxc_uri.h"
#include "homeserver/services.h"

/* On the request's arena, which lives until the end of the upload. */
struct receiving {
    struct upload upload;
    struct media_intake *intake;
};

static enum errcode receive_chunk(struct request *req, void *context, const char *bytes,
                                  size_t size)
{
    struct receiving *receiving = context;

    return media_intake_add(&req->call, receiving->intake, bytes, size);
}

static enum errcode finish_upload(struct request *req, void *context)
{
    struct receiving *receiving = context;
    const struct upload *upload = &receiving->upload;

    TRY(upload_finish(&req->call, receiving->intake, upload));
    if (upload->media_nid != 0)
        return respond_empty(req);
    return respond(
        req, 200,
        json_pack("{s:s}", "content_uri",
                  mxc_uri_format(req->call.arena, upload->server_name, upload->media_id)));
}

static void close_upload(void *context, bool complete)
{
    struct receiving *receiving = context;

    (void)complete;
    media_intake_destroy(receiving->intake);
}

static enum errcode receive(struct request *req, struct receiving *receiving)
{
    static const struct body_sink sink = {
        .chunk = receive_chunk, .finish = finish_upload, .close = close_upload};
    struct upload *upload = &receiving->upload;
    int64_t limit;

    upload->user_nid = req->requester.user_nid;
    upload->content_type =
        arena_strdup(req->call.arena, content_type_clean(request_header(req, "Content-Type")));
    upload->file_name = file_name_clean(req->call.arena, query_string(req, "filename"));
    TRY(upload_allowance(&req->call, upload->user_nid, request_content_length(req), &limit));
    TRY(media_intake_open(&req->call, &receiving->intake));
    return req_receive_body(req, limit, &sink, receiving);
}

/* POST /_matrix/media/v3/upload */
enum errcode client_upload_content(struct request *req)
{
    struct receiving *receiving = ARENA_NEW(req->call.arena, struct receiving);

    receiving->upload.server_name = req->requester.server_name;
    receiving->upload.media_id = upload_new_id(req->call.arena);
    return receive(req, receiving);
}

/* PUT /_matrix/media/v3/upload/{serverName}/{mediaId} */
enum errcode client_upload_content_to_mxc(struct request *req)
{
    struct receiving *receiving = ARENA_NEW(req->call.arena, struct receiving);
    struct upload *upload = &receiving->upload;

    TRY(path_string(req, "serverName", &upload->server_name));
    TRY(path_string(req, "mediaId", &upload->media_id));
    TRY(upload_check_id(&req->call, upload->server_name, upload->media_id, req->requester.user_nid,
                        &upload->media_nid));
    return receive(req, receiving);
}

/* POST /_matrix/media/v1/create */
enum errcode client_create_content(struct request *req)
{
    struct media media;

    TRY(upload_create_id(&req->call, req->requester.user_nid, req->requester.server_name, &media));
    return respond(req, 200,
                   json_pack("{s:s, s:I}", "content_uri",
                             mxc_uri_format(req->call.arena, media.server_name, media.media_id),
                             "unused_expires_at", (json_int_t)media.unused_expires_ts));
}

/* GET /_matrix/media/v3/config */
enum errcode client_get_config(struct request *req)
{
    return answer_media_config(req);
}

/* GET /_matrix/media/v3/download/{serverName}/{mediaId} */
enum errcode client_get_content(struct request *req)
{
    return answer_download(req, MEDIA_UNAUTHENTICATED);
}

/* GET /_matrix/media/v3/download/{serverName}/{mediaId}/{fileName} */
enum errcode client_get_content_override_name(struct request *req)
{
    return answer_download_as(req, MEDIA_UNAUTHENTICATED);
}

/* GET /_matrix/media/v3/thumbnail/{serverName}/{mediaId} */
enum errcode client_get_content_thumbnail(struct request *req)
{
    return answer_thumbnail(req, MEDIA_UNAUTHENTICATED);
}

/* GET /_matrix/media/v3/preview_url */
enum errcode client_get_url_preview(struct request *req)
{
    return answer_url_preview(req);
}
