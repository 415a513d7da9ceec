#ifndef HOMESERVER_MEDIA_URL_PREVIEW_IMAGE_H
#define HOMESERVER_MEDIA_URL_PREVIEW_IMAGE_H

#include <jansson.h>

#include "homeserver/call.h"
#include "homeserver/media/media_intake.h"

/*
 * Keeps a picture of the web as media of `server_name` and adds it to the preview: og:image and its
 * companions. `nid_out` is that media; 0 and nothing added when the bytes are no picture that we
 * know.
 */
enum errcode url_preview_keep_image(struct call *call, struct media_intake *bytes,
                                    const char *server_name, json_t *preview,
                                    int64_t *nid_out) MUST_CHECK;

#endif
