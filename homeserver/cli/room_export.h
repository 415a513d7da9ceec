#ifndef HOMESERVER_CLI_ROOM_EXPORT_H
#define HOMESERVER_CLI_ROOM_EXPORT_H

#include <jansson.h>

#include "homeserver/base/array.h"
#include "homeserver/base/error.h"

struct db;
struct known_keys;

/* The PDUs of one room, from a file or from the database. */
struct exported_pdu {
    bool is_redacted; /* the server knows: its content hash need not match */
    bool is_rejected; /* … and does not show it */
};

struct room_export {
    ARRAY_OF(json_t *) pdus;               /* borrowed from the arena */
    ARRAY_OF(struct exported_pdu) details; /* parallel */
    ARRAY_OF(bool) soft_failed;            /* parallel */
    bool has_state;                        /* the database says what the room's state is: */
    ARRAY_OF(const char *) state_event_ids;
};

/* The JSON of a file, at most 1 GiB. M_NOT_FOUND when it can not be read, M_NOT_JSON, M_BAD_JSON.
 */
enum errcode json_file_read(struct arena *arena, const char *path, struct error *error,
                            json_t **out) MUST_CHECK;

/* Events of a JSON file: a list, an object with lists (`pdus`, `auth_chain`, `state`, `events`,
 * `auth_events`: what servers answer each other), or one object per line. */
enum errcode room_export_read_file(struct arena *arena, const char *path, struct error *error,
                                   struct room_export *out) MUST_CHECK;

/* All that the database has of a room. M_NOT_FOUND when it does not know the room. */
enum errcode room_export_load(struct db *db, struct arena *arena, const char *room_id,
                              struct error *error, struct room_export *out) MUST_CHECK;

#endif
