#ifndef HOMESERVER_PROTOCOL_SYNC_TOKEN_H
#define HOMESERVER_PROTOCOL_SYNC_TOKEN_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;

/*
 * The opaque tokens of /sync, /messages and their kin. They hold positions only, so whoever makes
 * one up can at most move through data that is checked against the requester anyway. The first
 * character is the version: old tokens stay readable when the format grows.
 */

/* Where a reader of the journal is. `typing` counts changes since the process `typing_epoch`
 * started; in another epoch it means nothing. `to_device` is how far the device was told its
 * messages: not after `position`, and before it while more are waiting. */
struct sync_token {
    int64_t position;
    uint32_t typing_epoch;
    int64_t typing;
    int64_t to_device;
};

char *sync_token_format(struct arena *arena, struct sync_token token);

/* M_INVALID_PARAM when `text` (NULL too) is no such token, or names a position after
 * `newest_position`: nobody can have got that from us. */
enum errcode sync_token_parse(const char *text, int64_t newest_position, struct error *error,
                              struct sync_token *out) MUST_CHECK;

/* The `pos` of sliding sync: which connection, which of its memories
 * (storage/sliding_connections.h), and how far it was told. */
struct sliding_token {
    int64_t connection_nid;
    int64_t serial;
    struct sync_token sync; /* without `to_device`: that extension has a token of its own */
};

char *sliding_token_format(struct arena *arena, const struct sliding_token *token);

/* M_UNKNOWN_POS when `text` is no such token. */
enum errcode sliding_token_parse(const char *text, int64_t newest_position, struct error *error,
                                 struct sliding_token *out) MUST_CHECK;

/* Where a reader of a room's history is: right after the event at `position`. History that was
 * fetched from other servers has negative positions. */
char *page_token_format(struct arena *arena, int64_t position);

/* Takes tokens of both kinds of sync too, which clients hand to /messages: they are positions.
 * Errors as above. */
enum errcode page_token_parse(const char *text, int64_t newest_position, struct error *error,
                              int64_t *position_out) MUST_CHECK;

#endif
