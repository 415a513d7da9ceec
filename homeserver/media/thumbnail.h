#ifndef HOMESERVER_MEDIA_THUMBNAIL_H
#define HOMESERVER_MEDIA_THUMBNAIL_H

#include "homeserver/call.h"
#include "homeserver/media/content.h"

/*
 * Small pictures of pictures, made when they are first asked for and kept. Decoding happens in
 * another process (thumbnailer/), never here. Spec: client-server API, "Thumbnails".
 */
struct thumbnail_wish {
    int64_t width, height; /* pixels, at least 1 */
    bool crops;
    bool animated; /* an animation stays one */
};

/* `text` "scale", "crop", or NULL for the former; M_INVALID_PARAM for anything else. */
enum errcode thumbnail_read_method(const char *text, struct error *error,
                                   bool *crops_out) MUST_CHECK;

/* The file that holds the thumbnail, which is the original when that is small enough. M_UNKNOWN
 * when it is no picture that we know, M_TOO_LARGE when it has too many pixels (status 502 for media
 * of other servers). */
enum errcode thumbnail_find(struct call *call, const struct content *content,
                            const struct thumbnail_wish *wish, struct media_file *out,
                            const char **content_type_out) MUST_CHECK;

#endif
