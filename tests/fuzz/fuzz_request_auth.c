/* Any Authorization header is either refused with a reason or has sound parts. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/ed25519.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/request_auth.h"
#include "homeserver/protocol/server_name.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *header = arena_strndup(arena, (const char *)data, size);
    const struct signed_request request = {"GET", header, "a", "b", NULL, NULL, 0};
    const struct ed25519_public_key key = {{0}};
    struct request_auth auth;
    struct error error = {0};

    if (request_auth_parse(arena, header, &error, &auth) != OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    MUST(server_name_is_valid(auth.origin));
    MUST(auth.destination == NULL || server_name_is_valid(auth.destination));
    MUST(signing_key_id_is_valid(auth.key_id));
    MUST(!request_auth_verify(&auth, &request, &key));
    return 0;
}
