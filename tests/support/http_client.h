#ifndef TESTS_SUPPORT_HTTP_CLIENT_H
#define TESTS_SUPPORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A blocking HTTP client that can also send nonsense. Everything fails the running test when it
 * takes longer than ten seconds. */
enum { HTTP_REPLY_BYTES = 1 << 17 };

struct http_reply {
    int status; /* 0: the connection was closed without an answer */
    char head[8192];
    char body[HTTP_REPLY_BYTES];
    size_t body_size;
};

/* To 127.0.0.1. */
int http_connect(uint16_t port);
void http_send(int fd, const void *bytes, size_t size);
void http_send_text(int fd, const char *text);
/* One response with its body (Content-Length only; responses to HEAD: `without_body`). */
void http_receive(int fd, bool without_body, struct http_reply *out);
/* True when the server closed the connection (within ten seconds). */
bool http_is_closed(int fd);

/* A whole request on a new connection. `headers` are lines ending in \r\n, or NULL. `body` NULL:
 * none. */
void http_request(uint16_t port, const char *method, const char *target, const char *headers,
                  const char *body, struct http_reply *out);

/* The value of a response header, or NULL; valid until the next call. */
const char *http_reply_header(const struct http_reply *reply, const char *name);

#endif
