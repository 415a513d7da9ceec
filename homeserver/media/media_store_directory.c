/*
 * Objects as files: <directory>/ab/cd/<object>, named by the first letters of the object. A file
 * gets its name when it is complete and on the disk, and the name is on the disk before put()
 * returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/media/media_store.h"
#include "homeserver/services.h"

static const char *root_of(const struct call *call)
{
    return config_current(call->services->config)->media.directory;
}

static const char *path_of(struct call *call, const char *object)
{
    return arena_printf(call->arena, "%s/%.2s/%.2s/%s", root_of(call), object, object + 2, object);
}

static enum errcode failed(struct call *call, const char *what, const char *path)
{
    return fail(call->error, E_SYSTEM, "%s can not be %s: %s", path, what, strerrordesc_np(errno));
}

static enum errcode sync_directory(struct call *call, const char *path)
{
    SCOPED(media_close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fsync(fd) == 0 ? OK : failed(call, "synced", path);
}

/* A new folder is durable when the one above it was synced. */
static enum errcode make_directory(struct call *call, const char *path, const char *above)
{
    if (mkdir(path, 0700) == 0)
        return sync_directory(call, above);
    return errno == EEXIST ? OK : failed(call, "made", path);
}

static enum errcode put(struct call *call, const char *object, int fd, int64_t size)
{
    const char *root = root_of(call);
    const char *outer = arena_printf(call->arena, "%s/%.2s", root, object);
    const char *inner = arena_printf(call->arena, "%s/%.2s", outer, object + 2);
    const char *path = path_of(call, object);
    char source[64];

    (void)size;
    if (fsync(fd) != 0)
        return failed(call, "written", path);
    TRY(make_directory(call, outer, root));
    TRY(make_directory(call, inner, outer));
    snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
        return failed(call, "named", path);
    return sync_directory(call, inner);
}

static enum errcode open_object(struct call *call, const char *object, int *fd_out)
{
    const char *path = path_of(call, object);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT)
        return M_NOT_FOUND;
    if (fd < 0)
        return failed(call, "read", path);
    *fd_out = fd;
    return OK;
}

static enum errcode remove_object(struct call *call, const char *object)
{
    const char *path = path_of(call, object);

    return unlink(path) == 0 || errno == ENOENT ? OK : failed(call, "removed", path);
}

const struct media_store media_store_directory = {
    .put = put, .open = open_object, .remove = remove_object};
