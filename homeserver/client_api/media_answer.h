#ifndef HOMESERVER_CLIENT_API_MEDIA_ANSWER_H
#define HOMESERVER_CLIENT_API_MEDIA_ANSWER_H

#include "homeserver/base/error.h"

struct request;

/*
 * The endpoints of authed_content_repo.yaml and content_repo.yaml do the same; the older ones show
 * no token and see only what is older than the freeze.
 */
enum media_way { MEDIA_AUTHENTICATED, MEDIA_UNAUTHENTICATED };

/* What keeps a browser from running what a stranger uploaded. */
void media_safety_headers(struct request *req, enum media_way way);

/* …/download/{serverName}/{mediaId}; and …/{fileName}, which the file is then called. */
enum errcode answer_download(struct request *req, enum media_way way);
enum errcode answer_download_as(struct request *req, enum media_way way);
/* …/thumbnail/{serverName}/{mediaId}. */
enum errcode answer_thumbnail(struct request *req, enum media_way way);
/* …/preview_url. */
enum errcode answer_url_preview(struct request *req);
/* …/config. */
enum errcode answer_media_config(struct request *req);

#endif
