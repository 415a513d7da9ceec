/* Talking to the ClamAV daemon: clamd(8), "COMMANDS". */
#include "homeserver/net/clamd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "homeserver/base/arena.h"

enum {
    CHUNK_BYTES = 64 * 1024,
    ANSWER_BYTES_MAX = 1024,
    PATIENCE_S = 120, /* for each answer: large archives take their time */
};

static void close_socket(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum errcode failed(struct error *error, const char *address)
{
    return fail(error, E_UNAVAILABLE, "clamd does not answer at %s: %s", address,
                strerrordesc_np(errno));
}

static int open_socket(int family)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    }
    return fd;
}

static int connect_local(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = open_socket(AF_UNIX);

    memcpy(name.sun_path, path, strlen(path) + 1);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int connect_remote(struct arena *arena, const char *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(address, ':');
    const char *host = arena_strndup(arena, address, (size_t)(colon - address));
    struct addrinfo *found = NULL;
    int fd = -1;

    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = open_socket(at->ai_family);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

static int connect_to(struct arena *arena, const char *address)
{
    return address[0] == '/' ? connect_local(address) : connect_remote(arena, address);
}

static bool send_all(int fd, const void *bytes, size_t size)
{
    const char *rest = bytes;

    while (size > 0) {
        ssize_t sent = send(fd, rest, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        rest += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Up to the NUL that ends an answer. */
static bool receive(int fd, char answer[ANSWER_BYTES_MAX])
{
    size_t length = 0;

    while (length < ANSWER_BYTES_MAX - 1) {
        ssize_t received = recv(fd, answer + length, ANSWER_BYTES_MAX - 1 - length, 0);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return false;
        if (received == 0 || memchr(answer + length, '\0', (size_t)received) != NULL) {
            length += (size_t)received;
            break;
        }
        length += (size_t)received;
    }
    answer[length] = '\0';
    return answer[0] != '\0';
}

/* False also when clamd has heard enough: then it has answered already. */
static bool send_file(int fd, int file)
{
    static const char command[] = "zINSTREAM";
    char chunk[CHUNK_BYTES];
    off_t at = 0;
    ssize_t size;

    if (!send_all(fd, command, sizeof(command)))
        return false;
    while ((size = pread(file, chunk, sizeof(chunk), at)) > 0) {
        uint32_t length = htonl((uint32_t)size);
        if (!send_all(fd, &length, sizeof(length)) || !send_all(fd, chunk, (size_t)size))
            return false;
        at += size;
    }
    const uint32_t end = 0;
    return size == 0 && send_all(fd, &end, sizeof(end));
}

/* "stream: OK", "stream: <name> FOUND", "<why> ERROR". */
static enum errcode read_verdict(struct arena *arena, const char *answer, struct error *error,
                                 const char **virus_out)
{
    static const char stream[] = "stream: ", found[] = " FOUND";
    size_t prefix = sizeof(stream) - 1, suffix = sizeof(found) - 1;
    size_t length = strlen(answer);

    *virus_out = NULL;
    if (strcmp(answer, "stream: OK") == 0)
        return OK;
    if (length <= prefix + suffix || memcmp(answer, stream, prefix) != 0 ||
        strcmp(answer + length - suffix, found) != 0)
        return fail(error, E_UNAVAILABLE, "clamd did not look at the file: %.200s", answer);
    *virus_out = arena_strndup(arena, answer + prefix, length - prefix - suffix);
    return OK;
}

enum errcode clamd_scan(struct arena *arena, const char *address, int fd, struct error *error,
                        const char **virus_out)
{
    SCOPED(close_socket) int clamd = connect_to(arena, address);
    char answer[ANSWER_BYTES_MAX];

    if (clamd < 0)
        return failed(error, address);
    bool sent = send_file(clamd, fd);
    if (!receive(clamd, answer))
        return failed(error, address);
    if (!sent && strstr(answer, "ERROR") == NULL)
        return fail(error, E_UNAVAILABLE, "clamd ended in the middle of the file.");
    return read_verdict(arena, answer, error, virus_out);
}

enum errcode clamd_version(struct arena *arena, const char *address, struct error *error,
                           const char **version_out)
{
    static const char command[] = "zVERSION";
    SCOPED(close_socket) int clamd = connect_to(arena, address);
    char answer[ANSWER_BYTES_MAX];

    if (clamd < 0 || !send_all(clamd, command, sizeof(command)) || !receive(clamd, answer))
        return failed(error, address);
    *version_out = arena_strdup(arena, answer);
    return OK;
}
