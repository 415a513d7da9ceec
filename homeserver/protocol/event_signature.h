#ifndef HOMESERVER_PROTOCOL_EVENT_SIGNATURE_H
#define HOMESERVER_PROTOCOL_EVENT_SIGNATURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/ed25519.h"
#include "homeserver/protocol/json_scan.h"

struct arena;
struct event;
struct room_version;
struct signing_key;

/*
 * Signatures of events. They cover the redacted form, so a server that only has that can check
 * them. Spec: server-server API, "Validating hashes and signatures on received events"; room
 * version 5, "Signing key validity period".
 */

/* The key that policy servers use. It says nothing about who made an event and is skipped here. */
#define POLICY_SERVER_KEY_ID "ed25519:policy_server"

enum { SIGNING_SERVERS_MAX = 3 };

/* Servers whose signature the event needs; at most SIGNING_SERVERS_MAX, each once. Fills `servers`
 * and returns how many: none for a third-party invite of room version 3 and later. The names are
 * borrowed from the event. */
size_t event_signing_servers(const struct event *event, const char *servers[SIGNING_SERVERS_MAX]);

/* A verification key as its server published it. */
struct verify_key {
    struct ed25519_public_key key;
    /* Last moment (ms) for which the key vouches: the document's valid_until_ts, already capped, or
     * the expired_ts of an old key. */
    int64_t valid_until_ts;
    bool is_expired; /* from old_verify_keys: counts in all room versions */
};

/* Finds a key that was fetched before; false when it is not known. */
typedef bool (*verify_key_lookup)(void *context, const char *server_name, const char *key_id,
                                  struct verify_key *out);

/* The (server, key) pairs that event_verify_signatures() will look up: what is to be fetched
 * first. `*out` is on the arena, its texts are borrowed from the event. */
struct event_key_need {
    const char *server_name;
    const char *key_id;
};
size_t event_needed_keys(struct arena *arena, const struct event *event,
                         const struct event_key_need **out);

/* M_INVALID_SIGNATURE when a signature is wrong, M_UNAUTHORIZED when one is missing or none of its
 * keys is known or was valid at origin_server_ts (fetching keys may help); `error` names the
 * server. */
enum errcode event_verify_signatures(const struct event *event, verify_key_lookup lookup,
                                     void *context, struct error *error) MUST_CHECK;

/* The same where what signatures cover is there already: see redaction_splice(). */
enum errcode event_verify_signatures_of(const struct event *event, struct json_span signed_bytes,
                                        verify_key_lookup lookup, void *context,
                                        struct error *error) MUST_CHECK;

/* True when `server_name` signed the redacted form of the event with exactly this key. */
bool event_is_signed_with(const struct room_version *version, const json_t *event,
                          const char *server_name, const char *key_id,
                          const struct ed25519_public_key *key);

/* Which of the keys of an m.room.third_party_invite made a signature in `signed_part`: an object
 * with `public_key` and perhaps `key_validity_url`, borrowed; NULL when none did. */
const json_t *third_party_invite_signing_key(const json_t *signed_part,
                                             const json_t *invite_content);

/* True when `content.third_party_invite.signed` of the member event carries a signature by one of
 * the keys that the m.room.third_party_invite event names, whoever claims to have made it. */
bool event_third_party_invite_is_signed(const struct event *member, const struct event *invite);

/* Adds the signature of `server_name`; the event must have its hashes. Fails as
 * event_reference_hash(). */
enum errcode event_sign(const struct room_version *version, json_t *event, const char *server_name,
                        const struct signing_key *key) MUST_CHECK;

/* Hashes and signs an event that we made. */
enum errcode event_seal(const struct room_version *version, json_t *event, const char *server_name,
                        const struct signing_key *key) MUST_CHECK;

#endif
