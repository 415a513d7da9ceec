/*
 * Private signing keys on disk.
 * Spec: server-server API, "Retrieving server keys"; appendix "Signing Details".
 */
#include "config/signing_key_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/random.h"
#include "homeserver/base/secret.h"

enum { FILE_BYTES_MAX = 64 << 10, VERSION_CHARS = 6, VERSION_CHARS_MAX = 64 };

static void close_descriptor(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Key versions: letters, digits and underscores (appendix "Signing Details"). */
static bool is_version(const char *text, size_t length)
{
    if (length == 0 || length > VERSION_CHARS_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    }
    return true;
}

static const char *next_word(const char *text, const char **word, size_t *length)
{
    text += strspn(text, " \t\r");
    *word = text;
    *length = strcspn(text, " \t\r");
    return text + *length;
}

/* "ed25519 <version> <seed>". */
static bool parse_line(struct arena *arena, const char *line, struct signing_key_seed *key)
{
    const char *algorithm, *version, *seed, *rest;
    size_t algorithm_length, version_length, seed_length, rest_length, size;

    line = next_word(line, &algorithm, &algorithm_length);
    line = next_word(line, &version, &version_length);
    line = next_word(line, &seed, &seed_length);
    next_word(line, &rest, &rest_length);
    if (algorithm_length != strlen("ed25519") ||
        memcmp(algorithm, "ed25519", algorithm_length) != 0)
        return false;
    if (!is_version(version, version_length) || rest_length > 0)
        return false;
    key->version = arena_strndup(arena, version, version_length);
    return base64_decode_into(key->seed, sizeof(key->seed), &size, seed, seed_length,
                              BASE64_STANDARD) &&
           size == sizeof(key->seed);
}

static enum errcode open_key_file(const char *path, struct error *error, int *fd_out)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return fail(error, M_NOT_FOUND,
                    "There is no signing key at %s. Make one with `beffroi generate-key`; if this "
                    "server had a key before, put its copy back instead.",
                    path);
    if (fd < 0)
        return fail(error, E_SYSTEM, "The signing key %s can not be read: %s.", path,
                    strerrordesc_np(errno));
    *fd_out = fd;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return fail(error, M_INVALID_PARAM, "%s is not a file.", path);
    if ((status.st_mode & S_IRWXO) != 0)
        return fail(error, M_INVALID_PARAM,
                    "Everybody on this machine may read the signing key %s. Run: chmod o= %s", path,
                    path);
    return OK;
}

static enum errcode read_all(int fd, char *buffer, size_t size, size_t *length_out)
{
    size_t length = 0;

    while (length < size) {
        ssize_t got = read(fd, buffer + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return E_SYSTEM;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *length_out = length;
    return OK;
}

static void clear_seeds(void *text)
{
    secret_clear(text, FILE_BYTES_MAX);
}

enum errcode signing_key_file_read(struct arena *arena, const char *path, struct error *error,
                                   const struct signing_key_seed **keys_out, size_t *count_out)
{
    SCOPED(close_descriptor) int fd = -1;
    ARRAY_OF(struct signing_key_seed) keys = {0};
    size_t length;

    TRY(open_key_file(path, error, &fd));
    char *text = arena_alloc(arena, FILE_BYTES_MAX + 1);
    arena_defer(arena, clear_seeds, text);
    if (read_all(fd, text, FILE_BYTES_MAX, &length) != OK)
        return fail(error, E_SYSTEM, "The signing key %s can not be read: %s.", path,
                    strerrordesc_np(errno));
    for (char *line = text, *end; *line != '\0'; line = end) {
        struct signing_key_seed key = {0};
        end = line + strcspn(line, "\n");
        if (*end != '\0')
            *end++ = '\0';
        line += strspn(line, " \t\r");
        if (*line == '\0' || *line == '#')
            continue;
        if (!parse_line(arena, line, &key))
            return fail(error, M_INVALID_PARAM,
                        "%s is not a signing key file: its lines must be "
                        "\"ed25519 <version> <unpadded base64 of 32 bytes>\".",
                        path);
        array_push(arena, &keys, key);
    }
    if (keys.count == 0)
        return fail(error, M_INVALID_PARAM, "There is no key in %s.", path);
    *keys_out = keys.items;
    *count_out = keys.count;
    return OK;
}

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return fsync(fd) == 0;
}

enum errcode signing_key_file_create(struct arena *arena, const char *path, struct error *error,
                                     const char **version_out)
{
    uint8_t seed[SIGNING_KEY_SEED_BYTES];
    char encoded[64];
    char line[128];
    const char *version = arena_printf(arena, "a_%s", random_token(arena, VERSION_CHARS));
    const char *temporary =
        arena_printf(arena, "%s.%s.tmp", path, random_token(arena, VERSION_CHARS));
    SCOPED(close_descriptor)
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return fail(error, E_SYSTEM, "The signing key %s can not be written: %s.", path,
                    strerrordesc_np(errno));
    random_bytes(seed, sizeof(seed));
    base64_encode_into(encoded, seed, sizeof(seed), BASE64_STANDARD);
    snprintf(line, sizeof(line), "ed25519 %s %s\n", version, encoded);
    bool written = write_all(fd, line, strlen(line));
    secret_clear(seed, sizeof(seed));
    secret_clear(encoded, sizeof(encoded));
    secret_clear(line, sizeof(line));

    /* link() refuses an existing name, rename() would replace it. */
    bool linked = written && link(temporary, path) == 0;
    int reason = errno;
    unlink(temporary);
    if (linked) {
        *version_out = version;
        return OK;
    }
    if (written && reason == EEXIST)
        return fail(error, E_CONFLICT, "%s exists already: a signing key is never overwritten.",
                    path);
    errno = reason;
    return fail(error, E_SYSTEM, "The signing key %s can not be written: %s.", path,
                strerrordesc_np(errno));
}
