#ifndef HOMESERVER_PROTOCOL_MXC_URI_H
#define HOMESERVER_PROTOCOL_MXC_URI_H

#include <stdbool.h>

struct arena;

/* `mxc://server_name/media_id` (client-server API, "Matrix Content (mxc://) URIs"). */
struct mxc_uri {
    const char *server_name;
    const char *media_id;
};

/* False when the text (may be NULL) is not an mxc URI; the parts are copied to the arena. */
bool mxc_uri_parse(struct arena *arena, const char *text, struct mxc_uri *out);
char *mxc_uri_format(struct arena *arena, const char *server_name, const char *media_id);

/* One or more of A-Z a-z 0-9 _ - and at most 255: so it can never name another file. */
bool media_id_is_valid(const char *media_id);

#endif
