#ifndef HOMESERVER_MEDIA_PICTURE_H
#define HOMESERVER_MEDIA_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

/* What the first bytes of a file say; what a client called it does not matter. Nothing is decoded.
 */
struct picture {
    const char *type;      /* "image/jpeg", "image/png", "image/gif", "image/webp" */
    int64_t width, height; /* pixels as stored; 0 when the header does not tell */
};

/* False when the file is none of these. Does not move the position in it. */
bool picture_read(int fd, struct picture *out);

#endif
