#ifndef STORAGE_MEDIA_FILES_H
#define STORAGE_MEDIA_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/sha256.h"
#include "storage/db.h"

/*
 * Which bytes the media stores hold. Identical bytes are one row, with a count of the media and
 * thumbnails that use it; at zero a job removes it. The row never promises what is not there:
 *
 *   writing    note the object as in doubt, write it, then in one transaction add its row (or count
 *              up the row of the same content) and take the doubt away;
 *   deleting   in one statement take the row and note the object as in doubt; remove it; forget it.
 */
enum media_store_kind { MEDIA_STORE_DIRECTORY, MEDIA_STORE_S3 };

struct media_file {
    int64_t file_nid;
    const uint8_t *hash; /* SHA256_BYTES */
    const char *object;  /* name in the store */
    enum media_store_kind store;
    int64_t size_bytes;
};

/* M_NOT_FOUND. */
enum errcode media_file_load(struct db *db, struct arena *arena, int64_t file_nid,
                             struct media_file *out) MUST_CHECK;
enum errcode media_file_load_by_hash(struct db *db, struct arena *arena,
                                     const uint8_t hash[SHA256_BYTES],
                                     struct media_file *out) MUST_CHECK;

/* One more reference to these bytes: the row of the same content, or a new one made of `file`.
 * `object_out` names what the row says; when it is not file->object the caller's copy is not
 * needed. Inside the caller's transaction. */
enum errcode media_file_refer(struct db *db, struct arena *arena, const struct media_file *file,
                              int64_t now_ms, int64_t *nid_out, const char **object_out) MUST_CHECK;
/* One more reference if there are such bytes: M_NOT_FOUND otherwise. */
enum errcode media_file_refer_by_hash(struct db *db, struct arena *arena,
                                      const uint8_t hash[SHA256_BYTES],
                                      int64_t *nid_out) MUST_CHECK;
enum errcode media_file_release(struct db *db, int64_t file_nid) MUST_CHECK;

struct media_object {
    const char *object;
    enum media_store_kind store;
};

/* The bytes are in `copy` now. M_NOT_FOUND when the row has gone meanwhile, or names another object
 * than `file` does: somebody else moved it. */
enum errcode media_file_move(struct db *db, const struct media_file *file,
                             const struct media_object *copy) MUST_CHECK;
/* Up to MEDIA_FILES_PER_LIST files of a store after `after_nid`. */
enum { MEDIA_FILES_PER_LIST = 100 };
enum errcode media_files_list(struct db *db, struct arena *arena, enum media_store_kind store,
                              int64_t after_nid, const struct media_file **out,
                              size_t *count_out) MUST_CHECK;

/* ── Objects in doubt ────────────────────────────────────────────────────────────────────────── */
/* When it is in doubt already, since the earlier of both times. */
enum errcode media_object_doubt(struct db *db, const struct media_object *object,
                                int64_t now_ms) MUST_CHECK;
/* A row names the object from now on: in the transaction that adds the row. M_NOT_FOUND when the
 * object was condemned meanwhile. */
enum errcode media_object_keep(struct db *db, const char *object) MUST_CHECK;
/* The object is not there any more. */
enum errcode media_object_forget(struct db *db, const char *object) MUST_CHECK;
/* What is in doubt since `before_ts` or longer, at most `limit`: from now on it can not be kept, so
 * it may be removed. */
enum errcode media_objects_condemn(struct db *db, struct arena *arena, int64_t before_ts,
                                   int64_t limit, const struct media_object **out,
                                   size_t *count_out) MUST_CHECK;
/* Takes up to `limit` files without references, and their thumbnails' references, and puts the
 * objects in doubt as of time 0: at once. The number taken. */
enum errcode media_files_reap(struct db *db, int64_t limit, int64_t *count_out) MUST_CHECK;

/* ── Thumbnails ──────────────────────────────────────────────────────────────────────────────── */
struct thumbnail_key {
    int64_t source_nid;
    int width, height; /* pixels */
    bool crops;
    bool animated;
};

/* M_NOT_FOUND when there is none yet. */
enum errcode media_thumbnail_load(struct db *db, struct arena *arena,
                                  const struct thumbnail_key *key, struct media_file *file_out,
                                  const char **content_type_out) MUST_CHECK;
/* `file_nid` carries a reference already; 0: the source is small enough. M_CANNOT_OVERWRITE_MEDIA
 * when somebody else was quicker, or the source has gone. */
enum errcode media_thumbnail_insert(struct db *db, const struct thumbnail_key *key,
                                    int64_t file_nid, const char *content_type) MUST_CHECK;

#endif
