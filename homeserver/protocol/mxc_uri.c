/*
 * mxc:// URIs.
 * Spec: client-server API, "Matrix Content (mxc://) URIs" and its security considerations.
 */
#include "homeserver/protocol/mxc_uri.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/server_name.h"

enum { MEDIA_ID_CHARS_MAX = 255 };

bool media_id_is_valid(const char *media_id)
{
    static const char allowed[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";

    if (media_id == NULL)
        return false;
    size_t length = strspn(media_id, allowed);
    return length > 0 && length <= MEDIA_ID_CHARS_MAX && media_id[length] == '\0';
}

bool mxc_uri_parse(struct arena *arena, const char *text, struct mxc_uri *out)
{
    static const char scheme[] = "mxc://";
    const size_t scheme_length = sizeof(scheme) - 1;

    if (text == NULL || strncmp(text, scheme, scheme_length) != 0)
        return false;
    const char *server = text + scheme_length;
    size_t server_length = strcspn(server, "/");
    if (server_length > SERVER_NAME_BYTES_MAX || server[server_length] != '/' ||
        !media_id_is_valid(server + server_length + 1))
        return false;
    struct mxc_uri uri = {
        .server_name = arena_strndup(arena, server, server_length),
        .media_id = arena_strdup(arena, server + server_length + 1),
    };
    if (!server_name_is_valid(uri.server_name))
        return false;
    *out = uri;
    return true;
}

char *mxc_uri_format(struct arena *arena, const char *server_name, const char *media_id)
{
    return arena_printf(arena, "mxc://%s/%s", server_name, media_id);
}
