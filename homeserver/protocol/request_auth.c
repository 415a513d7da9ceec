/*
 * The X-Matrix authorisation header.
 * Spec: server-server API, "Request Authentication"; RFC 9110, sections 5.6 and 11.4.
 */
#include "homeserver/protocol/request_auth.h"

#include <string.h>
#include <strings.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/protocol/signing_json.h"

#define SCHEME     "X-Matrix"
#define WHITESPACE " \t"
/* The characters of an RFC 9110 token. */
#define TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static enum errcode refuse(struct error *error, const char *why)
{
    return fail(error, M_UNAUTHORIZED, "The Authorization header is not valid: %s.", why);
}

static const char *skip(const char *text, const char *characters)
{
    return text + strspn(text, characters);
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Reads what stands between quotes, `text` being behind the first. NULL when it does not end or
 * holds control characters; else the text behind the second. */
static const char *read_quoted(struct arena *arena, const char *text, const char **out)
{
    char *value = arena_alloc(arena, strlen(text) + 1), *write = value;

    for (; *text != '"'; text++) {
        if (*text == '\\')
            text++;
        if (is_control(*text)) /* the end as well */
            return NULL;
        *write++ = *text;
    }
    *out = value;
    return text + 1;
}

/* A token may hold colons: older servers do not quote server names and key IDs. */
static const char *read_value(struct arena *arena, const char *text, const char **out)
{
    if (*text == '"')
        return read_quoted(arena, text + 1, out);
    size_t length = strspn(text, TOKEN ":");
    *out = arena_strndup(arena, text, length);
    return length > 0 ? text + length : NULL;
}

/* Where the value of a parameter belongs; NULL for one that we do not know. */
static const char **find_place(struct request_auth *auth, const char *name)
{
    const struct {
        const char *name;
        const char **place;
    } known[] = {
        {"origin", &auth->origin},
        {"destination", &auth->destination},
        {"key", &auth->key_id},
        {"sig", &auth->signature},
    };

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcasecmp(known[i].name, name) == 0)
            return known[i].place;
    }
    return NULL;
}

/* One `name=value`; advances `*text` behind it. */
static enum errcode read_parameter(struct arena *arena, const char **text,
                                   struct request_auth *auth, struct error *error)
{
    size_t name_length = strspn(*text, TOKEN);
    const char *name = arena_strndup(arena, *text, name_length);
    const char *rest = skip(*text + name_length, WHITESPACE);
    const char *value;

    if (name_length == 0 || *rest != '=')
        return refuse(error, "a parameter has no name or no value");
    rest = read_value(arena, skip(rest + 1, WHITESPACE), &value);
    if (rest == NULL)
        return refuse(error, "a value is neither a token nor a quoted text");
    const char **place = find_place(auth, name);
    if (place != NULL && *place != NULL)
        return refuse(error, "a parameter is there twice");
    if (place != NULL)
        *place = value;
    *text = rest;
    return OK;
}

/* Parameters separated by commas; empty list elements are allowed (RFC 9110, 5.6.1.2). */
static enum errcode read_parameters(struct arena *arena, const char *text,
                                    struct request_auth *auth, struct error *error)
{
    for (;;) {
        text = skip(text, WHITESPACE ",");
        if (*text == '\0')
            return OK;
        TRY(read_parameter(arena, &text, auth, error));
        text = skip(text, WHITESPACE);
        if (*text != '\0' && *text != ',')
            return refuse(error, "a comma is missing");
    }
}

static enum errcode check_parameters(const struct request_auth *auth, struct error *error)
{
    if (!server_name_is_valid(auth->origin))
        return refuse(error, "origin is missing or no server name");
    if (auth->destination != NULL && !server_name_is_valid(auth->destination))
        return refuse(error, "destination is no server name");
    if (!signing_key_id_is_valid(auth->key_id))
        return refuse(error, "key is missing or no ed25519 key ID");
    if (auth->signature == NULL)
        return refuse(error, "sig is missing");
    return OK;
}

enum errcode request_auth_parse(struct arena *arena, const char *header, struct error *error,
                                struct request_auth *out)
{
    const size_t scheme_length = strlen(SCHEME);
    struct request_auth auth = {0};

    if (header == NULL)
        return fail(error, M_UNAUTHORIZED, "An Authorization header is needed.");
    if (strncasecmp(header, SCHEME, scheme_length) != 0 || header[scheme_length] != ' ')
        return refuse(error, "the scheme is not X-Matrix");
    TRY(read_parameters(arena, header + scheme_length, &auth, error));
    TRY(check_parameters(&auth, error));
    *out = auth;
    return OK;
}

static json_t *signed_object(const struct signed_request *request)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s}", "method", request->method, "uri", request->uri, "origin",
                  request->origin, "destination", request->destination);

    if (object != NULL && request->content != NULL)
        json_object_set(object, "content", (json_t *)(uintptr_t)request->content);
    return object;
}

/* The signature is over the bytes as they came. "content" comes first in canonical JSON. */
static bool verifies_bytes(const struct signed_request *request, const uint8_t *signature,
                           const struct ed25519_public_key *key)
{
    struct signed_request rest = *request;
    SCOPED(strbuf_finish) struct strbuf bytes, tail;

    strbuf_init(&bytes, 0);
    strbuf_init(&tail, 0);
    rest.content = NULL;
    SCOPED(json_decrefp) json_t *object = signed_object(&rest);
    if (request->content == NULL || request->content_bytes == NULL ||
        signing_json_bytes(object, &tail) != OK)
        return false;
    strbuf_add_string(&bytes, "{\"content\":");
    strbuf_add(&bytes, request->content_bytes, request->content_size);
    strbuf_add_string(&bytes, ",");
    strbuf_add(&bytes, tail.data + 1, tail.length - 1);
    return ed25519_verify(key, bytes.data, bytes.length, signature);
}

bool request_auth_verify(const struct request_auth *auth, const struct signed_request *request,
                         const struct ed25519_public_key *key)
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    SCOPED(json_decrefp) json_t *object = signed_object(request);

    /* NULL: the request target is not UTF-8. */
    if (object == NULL || !ed25519_signature_decode(signature, auth->signature))
        return false;
    signing_json_add_signature(object, request->origin, auth->key_id, signature);
    return signing_json_verify(object, request->origin, auth->key_id, key) ||
           verifies_bytes(request, signature, key);
}

char *request_auth_build(struct arena *arena, const struct signed_request *request,
                         const struct signing_key *key)
{
    json_t *object = json_on_arena(arena, signed_object(request));

    if (object == NULL || signing_json_sign(object, request->origin, key) != OK)
        return NULL;
    return arena_printf(arena, SCHEME " origin=\"%s\",destination=\"%s\",key=\"%s\",sig=\"%s\"",
                        request->origin, request->destination, key->key_id,
                        signing_json_signature(object, request->origin, key->key_id));
}
