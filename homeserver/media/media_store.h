#ifndef HOMESERVER_MEDIA_MEDIA_STORE_H
#define HOMESERVER_MEDIA_MEDIA_STORE_H

#include "homeserver/call.h"
#include "storage/media_files.h"

/*
 * Where bytes live. An object is written once, under a name that never comes back, and does not
 * change. What is being received is in an unnamed file of the media directory, so a process that
 * dies leaves nothing behind.
 */
struct media_store {
    /* Durable when it returns OK. `fd` is borrowed and holds `size` bytes. */
    enum errcode (*put)(struct call *call, const char *object, int fd, int64_t size);
    /* A descriptor that can be read from the start, for the caller to close. M_NOT_FOUND when the
     * object is not there. */
    enum errcode (*open)(struct call *call, const char *object, int *fd_out);
    /* OK also when the object is not there. */
    enum errcode (*remove)(struct call *call, const char *object);
};

const struct media_store *media_store(enum media_store_kind kind);

/* Moves everything that lies in the other store to this one, file by file, while servers run.
 * `count_out` is how many. */
enum errcode media_store_migrate(struct call *call, enum media_store_kind to,
                                 int64_t *count_out) MUST_CHECK;

/* Where new objects go, by the configuration. */
enum media_store_kind media_store_current(const struct call *call);

/* An unnamed file in the media directory; the directory is made when it is not there. E_SYSTEM. */
enum errcode media_scratch_open(struct call *call, int *fd_out) MUST_CHECK;
/* All of `bytes`. E_SYSTEM: the disk is full. */
enum errcode media_scratch_write(struct call *call, int fd, const void *bytes,
                                 size_t size) MUST_CHECK;

/* For SCOPED(media_close_fd) int fd = -1; */
void media_close_fd(int *fd);

/* "<hash>-<random>": by content for people, unique so that removing one never meets another. */
const char *media_object_name(struct arena *arena, const uint8_t hash[SHA256_BYTES]);

extern const struct media_store media_store_directory;
extern const struct media_store media_store_s3;

#endif
