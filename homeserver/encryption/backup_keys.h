#ifndef HOMESERVER_ENCRYPTION_BACKUP_KEYS_H
#define HOMESERVER_ENCRYPTION_BACKUP_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/key_backups.h"

struct call;

/*
 * Changing the keys of a backup. The backup's row is locked meanwhile, so that no two devices lose
 * each other's keys, and etag and count are those of the keys. Spec: client-server API,
 * "Server-side key backups".
 */

/* Merges the sessions, no one twice, into the backup: each that is better than the stored one
 * replaces it. M_NOT_FOUND for an unknown version, M_WRONG_ROOM_KEYS_VERSION with `current_version`
 * for one that is not the newest. `*out` is the backup after it. */
enum errcode backup_keys_put(struct call *call, int64_t user_nid, int64_t version,
                             const struct key_backup_session *sessions, size_t count,
                             struct key_backup *out) MUST_CHECK;

/* M_NOT_FOUND for an unknown version; nothing to delete is no error. */
enum errcode backup_keys_delete(struct call *call, int64_t user_nid,
                                const struct key_backup_scope *scope,
                                struct key_backup *out) MUST_CHECK;

#endif
