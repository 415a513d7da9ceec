#ifndef HOMESERVER_BASE_ERROR_H
#define HOMESERVER_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/compiler.h"

/*
 * One error type for the whole program.
 *
 *   OK   the call did what its header promises.
 *   M_*  an outcome that the Matrix specification defines. The caller may expect and handle it.
 *   E_*  our surroundings failed. Never caught, passed up, logged once at the edge.
 *
 * X(name, default HTTP status, wire name, default text)
 */
#define ERRCODE_TABLE(X)                                                                           \
    X(M_FORBIDDEN, 403, "M_FORBIDDEN", "You are not allowed to do this.")                          \
    X(M_UNKNOWN_TOKEN, 401, "M_UNKNOWN_TOKEN", "The access token is not valid.")                   \
    X(M_MISSING_TOKEN, 401, "M_MISSING_TOKEN", "An access token is needed.")                       \
    X(M_USER_LOCKED, 401, "M_USER_LOCKED", "This account is locked.")                              \
    X(M_USER_SUSPENDED, 403, "M_USER_SUSPENDED", "This account is suspended.")                     \
    X(M_BAD_JSON, 400, "M_BAD_JSON", "The JSON body does not have the expected form.")             \
    X(M_NOT_JSON, 400, "M_NOT_JSON", "The body is not valid JSON.")                                \
    X(M_NOT_FOUND, 404, "M_NOT_FOUND", "Not found.")                                               \
    X(M_LIMIT_EXCEEDED, 429, "M_LIMIT_EXCEEDED", "Too many requests.")                             \
    X(M_UNRECOGNIZED, 404, "M_UNRECOGNIZED", "This server does not know this request.")            \
    X(M_UNKNOWN, 400, "M_UNKNOWN", "The request could not be carried out.")                        \
    X(M_UNAUTHORIZED, 401, "M_UNAUTHORIZED", "The request is not authenticated.")                  \
    X(M_USER_DEACTIVATED, 403, "M_USER_DEACTIVATED", "This account has been deactivated.")         \
    X(M_USER_IN_USE, 400, "M_USER_IN_USE", "This user name is taken.")                             \
    X(M_INVALID_USERNAME, 400, "M_INVALID_USERNAME", "This user name is not valid.")               \
    X(M_ROOM_IN_USE, 400, "M_ROOM_IN_USE", "This room alias is taken.")                            \
    X(M_INVALID_ROOM_STATE, 400, "M_INVALID_ROOM_STATE", "The initial state is not valid.")        \
    X(M_THREEPID_IN_USE, 400, "M_THREEPID_IN_USE", "This address is used by another account.")     \
    X(M_THREEPID_NOT_FOUND, 400, "M_THREEPID_NOT_FOUND", "No account has this address.")           \
    X(M_THREEPID_AUTH_FAILED, 403, "M_THREEPID_AUTH_FAILED", "The address is not validated.")      \
    X(M_THREEPID_DENIED, 403, "M_THREEPID_DENIED", "This address is not allowed here.")            \
    X(M_THREEPID_MEDIUM_NOT_SUPPORTED, 400, "M_THREEPID_MEDIUM_NOT_SUPPORTED",                     \
      "This kind of address is not supported.")                                                    \
    X(M_TERMS_NOT_SIGNED, 403, "M_TERMS_NOT_SIGNED",                                               \
      "The identity server's terms are not signed.")                                               \
    X(M_SESSION_NOT_VALIDATED, 400, "M_SESSION_NOT_VALIDATED",                                     \
      "The address is not validated yet.")                                                         \
    X(M_SESSION_EXPIRED, 400, "M_SESSION_EXPIRED", "The validation of the address has expired.")   \
    X(M_NO_VALID_SESSION, 404, "M_NO_VALID_SESSION", "There is no such validation.")               \
    X(M_INVALID_PEPPER, 400, "M_INVALID_PEPPER", "The pepper has changed.")                        \
    X(M_SERVER_NOT_TRUSTED, 400, "M_SERVER_NOT_TRUSTED", "This identity server is not trusted.")   \
    X(M_UNSUPPORTED_ROOM_VERSION, 400, "M_UNSUPPORTED_ROOM_VERSION",                               \
      "This room version is not supported.")                                                       \
    X(M_INCOMPATIBLE_ROOM_VERSION, 400, "M_INCOMPATIBLE_ROOM_VERSION",                             \
      "The room has a version that your server does not support.")                                 \
    X(M_BAD_STATE, 400, "M_BAD_STATE", "The state does not allow this change.")                    \
    X(M_GUEST_ACCESS_FORBIDDEN, 403, "M_GUEST_ACCESS_FORBIDDEN", "Guests may not do this.")        \
    X(M_CAPTCHA_NEEDED, 401, "M_CAPTCHA_NEEDED", "A captcha is needed.")                           \
    X(M_CAPTCHA_INVALID, 401, "M_CAPTCHA_INVALID", "The captcha is not valid.")                    \
    X(M_MISSING_PARAM, 400, "M_MISSING_PARAM", "A required parameter is missing.")                 \
    X(M_INVALID_PARAM, 400, "M_INVALID_PARAM", "A parameter is not valid.")                        \
    X(M_TOO_LARGE, 413, "M_TOO_LARGE", "The request or the event is too large.")                   \
    X(M_EXCLUSIVE, 400, "M_EXCLUSIVE", "This name is reserved by an application service.")         \
    X(M_RESOURCE_LIMIT_EXCEEDED, 403, "M_RESOURCE_LIMIT_EXCEEDED", "A limit has been reached.")    \
    X(M_CANNOT_LEAVE_SERVER_NOTICE_ROOM, 403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM",                 \
      "The server notices room can not be left.")                                                  \
    X(M_WEAK_PASSWORD, 400, "M_WEAK_PASSWORD", "The password is too weak.")                        \
    X(M_UNABLE_TO_AUTHORISE_JOIN, 400, "M_UNABLE_TO_AUTHORISE_JOIN",                               \
      "This server can not check whether you may join.")                                           \
    X(M_UNABLE_TO_GRANT_JOIN, 400, "M_UNABLE_TO_GRANT_JOIN",                                       \
      "This server has nobody who can let you join.")                                              \
    X(M_BAD_ALIAS, 400, "M_BAD_ALIAS", "The alias does not point to this room.")                   \
    X(M_DUPLICATE_ANNOTATION, 400, "M_DUPLICATE_ANNOTATION", "You already reacted like this.")     \
    X(M_NOT_YET_UPLOADED, 504, "M_NOT_YET_UPLOADED", "The media is not uploaded yet.")             \
    X(M_CANNOT_OVERWRITE_MEDIA, 409, "M_CANNOT_OVERWRITE_MEDIA", "The media exists already.")      \
    X(M_UNKNOWN_DEVICE, 400, "M_UNKNOWN_DEVICE", "There is no such device.")                       \
    X(M_URL_NOT_SET, 400, "M_URL_NOT_SET", "The application service has no URL.")                  \
    X(M_NOT_IN_THREAD, 400, "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD",                                  \
      "The event is not in the thread.")                                                           \
    X(M_CONFLICTING_UNSUBSCRIPTION, 409, "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION",        \
      "The thread was unsubscribed from after this event.")                                        \
    X(M_BAD_STATUS, 502, "M_BAD_STATUS", "The application service answered with an error.")        \
    X(M_CONNECTION_FAILED, 502, "M_CONNECTION_FAILED", "The connection failed.")                   \
    X(M_CONNECTION_TIMEOUT, 504, "M_CONNECTION_TIMEOUT", "The connection timed out.")              \
    X(M_WRONG_ROOM_KEYS_VERSION, 403, "M_WRONG_ROOM_KEYS_VERSION", "Wrong key backup version.")    \
    X(M_INVALID_SIGNATURE, 400, "M_INVALID_SIGNATURE", "A signature is not valid.")                \
    X(M_APPSERVICE_LOGIN_UNSUPPORTED, 400, "M_APPSERVICE_LOGIN_UNSUPPORTED",                       \
      "Application services can not log in here.")                                                 \
    X(M_KEY_TOO_LARGE, 400, "M_KEY_TOO_LARGE", "The profile key is too long.")                     \
    X(M_PROFILE_TOO_LARGE, 400, "M_PROFILE_TOO_LARGE", "The profile is too large.")                \
    X(M_INVITE_BLOCKED, 403, "M_INVITE_BLOCKED", "This user does not accept invites.")             \
    X(M_USER_LIMIT_EXCEEDED, 400, "M_USER_LIMIT_EXCEEDED", "Your account's limit is reached.")     \
    X(M_UNKNOWN_POS, 400, "M_UNKNOWN_POS", "The sync position is not known; start again.")         \
    X(E_OUTWARD, 503, "M_UNKNOWN", "The server can not do this right now; try again.")             \
    X(E_CONFLICT, 503, "M_UNKNOWN", "The room changed meanwhile; try again.")                      \
    X(E_DATABASE, 500, "M_UNKNOWN", "The server's database failed.")                               \
    X(E_UNAVAILABLE, 503, "M_UNKNOWN", "The server can not do this right now; try again.")         \
    X(E_REMOTE, 502, "M_UNKNOWN", "Another server failed to answer.")                              \
    X(E_TIMEOUT, 504, "M_UNKNOWN", "Another server did not answer in time.")                       \
    X(E_SYSTEM, 500, "M_UNKNOWN", "The server failed.")                                            \
    X(E_SHUTDOWN, 503, "M_UNKNOWN", "The server is stopping; try again.")

enum errcode {
    OK = 0,
#define ERRCODE_ENUM(name, status, wire, text) name,
    ERRCODE_TABLE(ERRCODE_ENUM)
#undef ERRCODE_ENUM
        ERRCODE_COUNT
};

int errcode_http_status(enum errcode code);
const char *errcode_wire_name(enum errcode code);
const char *errcode_default_text(enum errcode code);

/* True for E_*: our surroundings failed, an operator may have to look. */
bool errcode_is_internal(enum errcode code);

enum { ERROR_TEXT_BYTES = 320, ERROR_FIELDS_BYTES = 1024 };

/*
 * What a person is told about a failure. One per request; a zeroed struct is valid and empty.
 * `http_status` 0 means the default of the code. `fields` holds further members of the JSON answer,
 * as text: `"retry_after_ms":500,"soft_logout":true`.
 */
struct error {
    int http_status;
    char text[ERROR_TEXT_BYTES];
    char fields[ERROR_FIELDS_BYTES];
};

/* Sets the text for people and returns `code`: `return fail(error, M_FORBIDDEN, "…");`
 * A NULL error is allowed: then the text is dropped. */
enum errcode fail(struct error *error, enum errcode code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Further members of the answer. Text is escaped for JSON; `name` is ours and is not.
 * What does not fit into ERROR_FIELDS_BYTES is left out. */
void error_set_int(struct error *error, const char *name, int64_t value);
void error_set_bool(struct error *error, const char *name, bool value);
void error_set_string(struct error *error, const char *name, const char *value);

void error_clear(struct error *error);

/* Leaves the function with the same code when a call did not succeed. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum errcode try_code_ = (expression);                                                     \
        if (try_code_ != OK)                                                                       \
            return try_code_;                                                                      \
    } while (0)

#endif
