#ifndef HOMESERVER_MEDIA_MULTIPART_H
#define HOMESERVER_MEDIA_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/error.h"

/*
 * Reads multipart/mixed as it arrives, at constant memory. Pure. Spec: server-server API,
 * "Content Repository"; RFC 2046, 5.1.
 */
struct multipart;

struct multipart_listener {
    /* The header lines of the part with this number, from 0; NUL-terminated, CRLF between lines. */
    enum errcode (*on_part)(void *context, size_t number, const char *headers);
    enum errcode (*on_data)(void *context, size_t number, const void *bytes, size_t size);
    void *context;
};

/* NULL when the content type (may be NULL) is not multipart/mixed with a boundary. malloc'ed. */
struct multipart *multipart_create(const char *content_type,
                                   const struct multipart_listener *listener);
/* NULL is allowed. */
void multipart_destroy(struct multipart *reader);

/* E_REMOTE when the bytes are no such body; or what a listener returned. */
enum errcode multipart_feed(struct multipart *reader, const void *bytes, size_t size) MUST_CHECK;

/* The closing boundary was seen. */
bool multipart_is_complete(const struct multipart *reader);

/* The value of a header among the lines of on_part(), copied to `out`, cut at `size`; false when
 * it is not there. */
bool multipart_header(const char *headers, const char *name, char *out, size_t size);

#endif
