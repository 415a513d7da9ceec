/* A server name, a line feed, the content of an m.room.server_acl. */
#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_acl.h"
#include "homeserver/protocol/server_name.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const uint8_t *line_feed = size > 0 ? memchr(data, '\n', size) : NULL;
    struct event acl = {0};

    if (line_feed == NULL)
        return 0;
    size_t name_size = (size_t)(line_feed - data);
    const char *name = arena_strndup(arena, (const char *)data, name_size);
    const char *json = (const char *)line_feed + 1;
    if (json_parse_object(arena, json, size - name_size - 1, NULL, &acl.content) != OK)
        return 0;
    bool is_allowed = server_acl_allows(&acl, name);

    MUST(!is_allowed || server_name_is_valid(name));
    MUST(server_acl_allows(NULL, name));
    /* Without an allow list nobody is let in. */
    json_object_del(acl.content, "allow");
    MUST(!server_acl_allows(&acl, name));
    return 0;
}
