#ifndef HOMESERVER_PROTOCOL_IDENTIFIERS_H
#define HOMESERVER_PROTOCOL_IDENTIFIERS_H

#include <stdbool.h>

struct arena;

/*
 * The grammar of identifiers (appendix "Identifier Grammar"). All texts are valid UTF-8 (our JSON
 * parser and the path decoder see to it); NULL is never valid. Identifiers are opaque: nothing here
 * changes case or decodes.
 */
enum { IDENTIFIER_BYTES_MAX = 255 };

/* Accepts historical user IDs: any localpart without `:`, even an empty one. For events. */
bool user_id_is_valid(const char *id);

/* Not historical beyond what clients may be shown outside events: a localpart of U+0021..U+007E. */
bool user_id_is_compliant(const char *id);

/* What an account made today may be called: one or more of a-z 0-9 . _ = - / +
 * The length of the whole ID remains to be checked with user_id_is_valid(). */
bool user_localpart_is_valid(const char *localpart);

/* `@localpart:server_name`. */
char *user_id_make(struct arena *arena, const char *localpart, const char *server_name);
/* Without `@` and domain. The ID must be valid. */
char *user_id_localpart(struct arena *arena, const char *id);

/* `!` and something: room IDs are opaque; whether there is a domain depends on the version. */
bool room_id_is_valid(const char *id);
/* `!opaque:domain`, as in room versions 1 to 11. */
bool room_id_with_domain_is_valid(const char *id);
/* `!` and 43 characters of URL-safe base64, as in room version 12. */
bool room_id_without_domain_is_valid(const char *id);

/* `$` and something. */
bool event_id_is_valid(const char *id);
/* `$opaque:domain`, as in room versions 1 and 2. */
bool event_id_with_domain_is_valid(const char *id);

/* `#localpart:domain`. */
bool room_alias_is_valid(const char *alias);

/* The part after the first colon: the server name of a user ID, an alias, an event ID of room
 * versions 1 and 2. NULL when there is no colon. Never ask for the domain of a room ID: it says
 * nothing about who is in the room. */
const char *identifier_domain(const char *id);
/* True when both have a domain and it is the same. */
bool identifier_domains_equal(const char *id, const char *other_id);

/* 1 to 255 of A-Z a-z 0-9 - . _ ~ ("Opaque Identifiers"). */
bool opaque_id_is_valid(const char *id);
/* 1 to 255 of a-z 0-9 - _ . with a letter first ("Common Namespaced Identifier Grammar"). */
bool namespaced_id_is_valid(const char *id);
/* Client secrets, session IDs: 1 to 255 of 0-9 a-z A-Z . = _ - */
bool client_secret_is_valid(const char *secret);
/* `ed25519:` and one or more of a-z A-Z 0-9 _ */
bool signing_key_id_is_valid(const char *id);

#endif
