#ifndef HOMESERVER_PROTOCOL_EVENT_HASH_H
#define HOMESERVER_PROTOCOL_EVENT_HASH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"
#include "homeserver/protocol/json_scan.h"

struct room_version;

/*
 * The two hashes of an event (server-server API, "Signing Events"). All functions fail only for
 * JSON that the parser would have refused (M_BAD_JSON: nested too deep).
 */

/* Covers everything but `unsigned`, `signatures` and `hashes`: shows whether the full event is what
 * its sender made. */
enum errcode event_content_hash(const json_t *event, uint8_t out[SHA256_BYTES]) MUST_CHECK;

/* True when `hashes.sha256` is the content hash. */
bool event_content_hash_matches(const json_t *event);
/* The same where the event's canonical bytes are there: the hash is taken of them. */
bool event_content_hash_matches_bytes(const json_t *event, struct json_span canonical);

/* Sets `hashes` to the content hash. */
enum errcode event_add_content_hash(json_t *event) MUST_CHECK;

/* Covers the redacted event with its `hashes`: the event ID since room version 3. */
enum errcode event_reference_hash(const struct room_version *version, const json_t *event,
                                  uint8_t out[SHA256_BYTES]) MUST_CHECK;

#endif
