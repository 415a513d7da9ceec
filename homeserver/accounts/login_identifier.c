/* Spec: client-server API, "Identifier types". */
#include "homeserver/accounts/login_identifier.h"

#include <ctype.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/base/utf8.h"
#include "homeserver/call.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "storage/accounts.h"
#include "storage/threepids.h"

enum { PHONE_DIGITS_MAX = 15 }; /* E.164 */

static enum errcode user_of_address(struct call *call, const char *medium, const char *address,
                                    const char **out)
{
    const struct account *account;
    int64_t user_nid;
    enum errcode code = threepid_find_user(call->db, call->arena, medium, address, &user_nid);

    if (code == M_NOT_FOUND) {
        *out = "";
        return OK;
    }
    TRY(code);
    TRY(account_load_by_nid(call->db, call->arena, user_nid, &account));
    *out = account->user_id;
    return OK;
}

static enum errcode resolve_user(struct call *call, const char *server_name, const json_t *object,
                                 const char **out)
{
    const char *user;

    TRY(json_require_string(object, "user", call->error, &user));
    *out = user[0] == '@' ? user : user_id_make(call->arena, user, server_name);
    return OK;
}

/* The digits of a number as a person writes it: +33 (0)1 23… is not resolved, as the country's
 * rules would be needed. */
static const char *digits_of(struct arena *arena, const char *number)
{
    char *digits = arena_alloc(arena, PHONE_DIGITS_MAX + 1);
    size_t length = 0;

    for (; *number != '\0' && length < PHONE_DIGITS_MAX; number++) {
        if (isdigit((unsigned char)*number))
            digits[length++] = *number;
    }
    digits[length] = '\0';
    return digits;
}

static enum errcode resolve_address(struct call *call, const json_t *object, const char **out)
{
    const char *medium, *address;
    size_t length;

    TRY(json_require_string(object, "medium", call->error, &medium));
    TRY(json_require_string(object, "address", call->error, &address));
    if (strcmp(medium, "email") == 0)
        address = utf8_casefold(call->arena, address, strlen(address), &length);
    else if (strcmp(medium, "msisdn") == 0)
        address = digits_of(call->arena, address);
    return user_of_address(call, medium, address, out);
}

static enum errcode resolve_phone(struct call *call, const json_t *object, const char **out)
{
    const char *number = json_get_string(object, "phone");

    if (number == NULL)
        number = json_get_string(object, "number"); /* the name before r0.2, still sent */
    if (number == NULL)
        return fail(call->error, M_MISSING_PARAM, "The phone number is missing.");
    return user_of_address(call, "msisdn", digits_of(call->arena, number), out);
}

enum errcode login_identifier_resolve(struct call *call, const char *server_name,
                                      const json_t *object, const char **out)
{
    const json_t *identifier = json_get_object(object, "identifier");
    const char *type;

    if (identifier == NULL) {
        if (json_object_get(object, "user") != NULL)
            return resolve_user(call, server_name, object, out);
        if (json_object_get(object, "address") != NULL)
            return resolve_address(call, object, out);
        return fail(call->error, M_MISSING_PARAM, "The identifier is missing.");
    }
    TRY(json_require_string(identifier, "type", call->error, &type));
    if (strcmp(type, "m.id.user") == 0)
        return resolve_user(call, server_name, identifier, out);
    if (strcmp(type, "m.id.thirdparty") == 0)
        return resolve_address(call, identifier, out);
    if (strcmp(type, "m.id.phone") == 0)
        return resolve_phone(call, identifier, out);
    return fail(call->error, M_UNKNOWN, "This type of identifier is not known here.");
}
