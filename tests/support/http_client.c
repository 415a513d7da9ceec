#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/test.h"

enum { PATIENCE_MS = 10000 };

int http_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

void http_send(int fd, const void *bytes, size_t size)
{
    const char *rest = bytes;

    while (size > 0) {
        ssize_t sent = send(fd, rest, size, MSG_NOSIGNAL);
        if (sent < 0) /* the server may hang up while we still send; the reply tells */
            return;
        rest += sent;
        size -= (size_t)sent;
    }
}

void http_send_text(int fd, const char *text)
{
    http_send(fd, text, strlen(text));
}

/* 0 at the end of the stream. */
static size_t read_some(int fd, void *out, size_t size)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&waiting, 1, PATIENCE_MS), 1);
    ssize_t got = recv(fd, out, size, 0);
    return got < 0 ? 0 : (size_t)got;
}

static bool read_head(int fd, struct http_reply *out)
{
    size_t used = 0;

    while (used < 4 || memcmp(out->head + used - 4, "\r\n\r\n", 4) != 0) {
        assert_true(used + 1 < sizeof(out->head));
        if (read_some(fd, out->head + used, 1) == 0)
            return false;
        used++;
    }
    out->head[used] = '\0';
    return true;
}

void http_receive(int fd, bool without_body, struct http_reply *out)
{
    memset(out, 0, offsetof(struct http_reply, body));
    out->body_size = 0;
    out->body[0] = '\0';
    if (!read_head(fd, out)) {
        out->status = 0;
        return;
    }
    out->status = (int)strtol(out->head + strlen("HTTP/1.1 "), NULL, 10);
    if (out->status == 100) {
        http_receive(fd, without_body, out);
        return;
    }
    const char *length = http_reply_header(out, "Content-Length");
    size_t size = length == NULL || without_body ? 0 : strtoul(length, NULL, 10);
    assert_true(size < sizeof(out->body));
    while (out->body_size < size) {
        size_t got = read_some(fd, out->body + out->body_size, size - out->body_size);
        assert_true(got > 0);
        out->body_size += got;
    }
    out->body[out->body_size] = '\0';
}

bool http_is_closed(int fd)
{
    char rest[1024];

    /* libmicrohttpd 0.9.75 sends the head of its own error pages twice. */
    for (int i = 0; i < 16; i++) {
        if (read_some(fd, rest, sizeof(rest)) == 0)
            return true;
    }
    return false;
}

void http_request(uint16_t port, const char *method, const char *target, const char *headers,
                  const char *body, struct http_reply *out)
{
    char head[4096];
    int fd = http_connect(port);

    snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: test\r\n%s", method, target,
             headers == NULL ? "" : headers);
    http_send_text(fd, head);
    if (body != NULL) {
        snprintf(head, sizeof(head), "Content-Length: %zu\r\n", strlen(body));
        http_send_text(fd, head);
    }
    http_send_text(fd, "\r\n");
    if (body != NULL)
        http_send_text(fd, body);
    http_receive(fd, strcmp(method, "HEAD") == 0, out);
    close(fd);
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
    static char value[1024];
    size_t length = strlen(name);

    for (const char *line = strstr(reply->head, "\r\n"); line != NULL;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) != 0 || line[2 + length] != ':')
            continue;
        const char *start = line + 3 + length;
        start += strspn(start, " ");
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(start, "\r"), start);
        return value;
    }
    return NULL;
}
