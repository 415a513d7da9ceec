/*
 * Checking and taking apart identifiers.
 * Spec: appendix "Identifier Grammar".
 */
#include "homeserver/protocol/identifiers.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/server_name.h"

#define DIGITS       "0123456789"
#define LOWER        "abcdefghijklmnopqrstuvwxyz"
#define UPPER        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALPHANUMERIC DIGITS LOWER UPPER

enum { HASH_CHARS = 43 }; /* SHA-256 in unpadded base64 */

static bool consists_of(const char *text, const char *alphabet)
{
    return text != NULL && text[0] != '\0' && text[strspn(text, alphabet)] == '\0';
}

static bool is_within_limit(const char *text)
{
    return strnlen(text, IDENTIFIER_BYTES_MAX + 1) <= IDENTIFIER_BYTES_MAX;
}

/* Sigil, at least one more character, 255 bytes at most. */
static bool is_opaque_with_sigil(const char *id, char sigil)
{
    return id != NULL && id[0] == sigil && id[1] != '\0' && is_within_limit(id);
}

const char *identifier_domain(const char *id)
{
    const char *colon = strchr(id, ':');

    return colon != NULL ? colon + 1 : NULL;
}

bool identifier_domains_equal(const char *id, const char *other_id)
{
    const char *domain = identifier_domain(id), *other = identifier_domain(other_id);

    return domain != NULL && other != NULL && strcmp(domain, other) == 0;
}

/* Sigil, a localpart that may be empty, a colon and a server name. */
static bool has_domain_form(const char *id, char sigil)
{
    return is_opaque_with_sigil(id, sigil) && server_name_is_valid(identifier_domain(id));
}

bool user_id_is_valid(const char *id)
{
    return has_domain_form(id, '@');
}

bool user_id_is_compliant(const char *id)
{
    if (!user_id_is_valid(id) || id[1] == ':')
        return false;
    for (const char *c = id + 1; *c != ':'; c++) {
        if (*c < 0x21 || *c > 0x7e)
            return false;
    }
    return true;
}

bool user_localpart_is_valid(const char *localpart)
{
    return consists_of(localpart, LOWER DIGITS "._=-/+");
}

char *user_id_make(struct arena *arena, const char *localpart, const char *server_name)
{
    return arena_printf(arena, "@%s:%s", localpart, server_name);
}

char *user_id_localpart(struct arena *arena, const char *id)
{
    return arena_strndup(arena, id + 1, strcspn(id + 1, ":"));
}

bool room_id_is_valid(const char *id)
{
    return is_opaque_with_sigil(id, '!');
}

bool room_id_with_domain_is_valid(const char *id)
{
    return has_domain_form(id, '!');
}

bool room_id_without_domain_is_valid(const char *id)
{
    return room_id_is_valid(id) && strlen(id + 1) == HASH_CHARS &&
           consists_of(id + 1, ALPHANUMERIC "-_");
}

bool event_id_is_valid(const char *id)
{
    return is_opaque_with_sigil(id, '$');
}

bool event_id_with_domain_is_valid(const char *id)
{
    return has_domain_form(id, '$');
}

bool room_alias_is_valid(const char *alias)
{
    return has_domain_form(alias, '#');
}

bool opaque_id_is_valid(const char *id)
{
    return consists_of(id, ALPHANUMERIC "-._~") && is_within_limit(id);
}

bool namespaced_id_is_valid(const char *id)
{
    return consists_of(id, LOWER DIGITS "-_.") && id[0] >= 'a' && id[0] <= 'z' &&
           is_within_limit(id);
}

bool client_secret_is_valid(const char *secret)
{
    return consists_of(secret, ALPHANUMERIC ".=_-") && is_within_limit(secret);
}

bool signing_key_id_is_valid(const char *id)
{
    const char prefix[] = "ed25519:";
    size_t length = sizeof(prefix) - 1;

    return id != NULL && strncmp(id, prefix, length) == 0 &&
           consists_of(id + length, ALPHANUMERIC "_") && is_within_limit(id);
}
