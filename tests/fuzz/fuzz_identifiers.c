/* Identifiers that are accepted can be taken apart, and the strict forms are part of the wide ones.
 */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/mxc_uri.h"
#include "homeserver/protocol/server_name.h"
#include "tests/fuzz/fuzz.h"

static void check_server_name(const char *text)
{
    struct server_name name;

    if (!server_name_parse(text, &name))
        return;
    MUST(name.host >= text && name.host + name.host_length <= text + strlen(text));
    MUST(name.host_length > 0 && name.port >= SERVER_NAME_NO_PORT && name.port <= 65535);
}

static void check_identifiers(struct arena *arena, const char *text)
{
    if (user_id_is_compliant(text))
        MUST(user_id_is_valid(text));
    if (user_id_is_valid(text)) {
        const char *domain = identifier_domain(text);
        const char *made = user_id_make(arena, user_id_localpart(arena, text), domain);
        MUST(server_name_is_valid(domain) && strcmp(made, text) == 0);
    }
    if (room_id_with_domain_is_valid(text) || room_id_without_domain_is_valid(text))
        MUST(room_id_is_valid(text));
    if (event_id_with_domain_is_valid(text))
        MUST(event_id_is_valid(text));
    if (room_alias_is_valid(text))
        MUST(server_name_is_valid(identifier_domain(text)));
    if (signing_key_id_is_valid(text))
        MUST(strncmp(text, "ed25519:", 8) == 0);
    if (namespaced_id_is_valid(text) || client_secret_is_valid(text))
        MUST(strlen(text) <= IDENTIFIER_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *text = arena_strndup(arena, (const char *)data, size);
    struct mxc_uri uri;

    check_server_name(text);
    check_identifiers(arena, text);
    if (mxc_uri_parse(arena, text, &uri))
        MUST(strcmp(mxc_uri_format(arena, uri.server_name, uri.media_id), text) == 0);
    MUST(json_path_parse(arena, text).count > 0);
    return 0;
}
