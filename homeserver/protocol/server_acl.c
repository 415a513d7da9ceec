/*
 * Server access control lists.
 * Spec: client-server API, "m.room.server_acl".
 */
#include "homeserver/protocol/server_acl.h"

#include <string.h>

#include "homeserver/base/glob.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"

/* "The suspect server's port number must not be considered." Keeps the brackets of IPv6. */
static void copy_without_port(char out[SERVER_NAME_BYTES_MAX + 1], const char *server_name,
                              const struct server_name *parsed)
{
    size_t length = strlen(server_name);

    if (parsed->port != SERVER_NAME_NO_PORT)
        length = (size_t)(strrchr(server_name, ':') - server_name);
    memcpy(out, server_name, length);
    out[length] = '\0';
}

static bool matches_any(const json_t *globs, const char *host)
{
    for (size_t i = 0; i < json_array_size(globs); i++) {
        const char *glob = json_text(json_array_get(globs, i));
        if (glob != NULL && glob_match(glob, host, true))
            return true;
    }
    return false;
}

bool server_acl_allows(const struct event *acl, const char *server_name)
{
    char host[SERVER_NAME_BYTES_MAX + 1];
    struct server_name parsed;

    /* 1. If there is no `m.room.server_acl` event in the room state, allow. */
    if (acl == NULL)
        return true;
    if (!server_name_parse(server_name, &parsed))
        return false;
    copy_without_port(host, server_name, &parsed);

    /* 2. If the server name is an IP address literal, and `allow_ip_literals` is present and
     * `false`, deny. */
    if (parsed.kind != SERVER_HOST_DNS &&
        json_is_false(json_object_get(acl->content, "allow_ip_literals")))
        return false;

    /* 3. If the server name matches an entry in the `deny` list, deny. */
    if (matches_any(json_get_array(acl->content, "deny"), host))
        return false;

    /* 4. If the server name matches an entry in the `allow` list, allow. 5. Otherwise, deny. */
    return matches_any(json_get_array(acl->content, "allow"), host);
}
