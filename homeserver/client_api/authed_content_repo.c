/* Spec: client-server API, "Content repository" (authed-content-repo.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/media_answer.h"

/* GET /_matrix/client/v1/media/config */
enum errcode client_get_config_authed(struct request *req)
{
    return answer_media_config(req);
}

/* GET /_matrix/client/v1/media/download/{serverName}/{mediaId} */
enum errcode client_get_content_authed(struct request *req)
{
    return answer_download(req, MEDIA_AUTHENTICATED);
}

/* GET /_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName} */
enum errcode client_get_content_override_name_authed(struct request *req)
{
    return answer_download_as(req, MEDIA_AUTHENTICATED);
}

/* GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId} */
enum errcode client_get_content_thumbnail_authed(struct request *req)
{
    return answer_thumbnail(req, MEDIA_AUTHENTICATED);
}

/* GET /_matrix/client/v1/media/preview_url */
enum errcode client_get_url_preview_authed(struct request *req)
{
    return answer_url_preview(req);
}
