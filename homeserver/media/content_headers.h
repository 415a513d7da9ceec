#ifndef HOMESERVER_MEDIA_CONTENT_HEADERS_H
#define HOMESERVER_MEDIA_CONTENT_HEADERS_H

#include <stdbool.h>

struct arena;

/*
 * What a client said about its file, made safe to repeat to other clients: never more than a type
 * that a browser shows harmlessly, or a download. Pure.
 * Spec: client-server API, "Serving inline content"; RFC 6266.
 */

/* The type, or application/octet-stream when `sent` (may be NULL) is none: at most 255 printable
 * ASCII characters, type/subtype, parameters. */
const char *content_type_clean(const char *sent);

/* True for the types that the specification allows to show inside a page. */
bool content_type_is_inline(const char *type);

/* Content-Disposition; `file_name` may be NULL. */
const char *content_disposition(struct arena *arena, const char *type, const char *file_name);

/* The name in a Content-Disposition of another server, or NULL: `filename*` before `filename`. */
const char *content_disposition_name(struct arena *arena, const char *header);

/* The name without folders, controls and what is beyond 255 bytes; NULL when nothing is left. */
const char *file_name_clean(struct arena *arena, const char *sent);

#endif
