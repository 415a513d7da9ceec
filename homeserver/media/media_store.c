/* The choice of the store, and unnamed files for what is under way. */
#include "homeserver/media/media_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"
#include "homeserver/services.h"

enum { OBJECT_RANDOM_CHARS = 10 };

const struct media_store *media_store(enum media_store_kind kind)
{
    return kind == MEDIA_STORE_S3 ? &media_store_s3 : &media_store_directory;
}

enum media_store_kind media_store_current(const struct call *call)
{
    return config_current(call->services->config)->media.store == CONFIG_STORE_S3
               ? MEDIA_STORE_S3
               : MEDIA_STORE_DIRECTORY;
}

enum errcode media_scratch_open(struct call *call, int *fd_out)
{
    const char *directory = config_current(call->services->config)->media.directory;
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && errno == ENOENT && (mkdir(directory, 0700) == 0 || errno == EEXIST))
        fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(call->error, E_SYSTEM, "No file can be made in %s: %s", directory,
                    strerrordesc_np(errno));
    *fd_out = fd;
    return OK;
}

enum errcode media_scratch_write(struct call *call, int fd, const void *bytes, size_t size)
{
    const char *rest = bytes;

    while (size > 0) {
        ssize_t written = write(fd, rest, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(call->error, E_SYSTEM, "A media file can not be written: %s",
                        strerrordesc_np(errno));
        rest += written;
        size -= (size_t)written;
    }
    return OK;
}

void media_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

const char *media_object_name(struct arena *arena, const uint8_t hash[SHA256_BYTES])
{
    char hex[SHA256_HEX_CHARS + 1];

    sha256_to_hex(hash, hex);
    return arena_printf(arena, "%s-%s", hex, random_token(arena, OBJECT_RANDOM_CHARS));
}
