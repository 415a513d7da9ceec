#ifndef TESTS_BENCH_HTTP_LOOP_H
#define TESTS_BENCH_HTTP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * HTTP/1.1 over many connections, one thread, one epoll. A connection carries one request at a
 * time, opens when it is first used and again when the server closed it.
 */
struct http_loop;
struct http_conn;

struct http_request {
    const char *method;
    const char *target; /* path and query, percent-encoded */
    const char *token;  /* access token; NULL: none */
    const char *body;   /* JSON unless content_type says otherwise; NULL: none */
    const char *content_type;
    size_t body_size; /* 0: up to the NUL */
};

struct http_answer {
    int status; /* 0: the connection failed */
    const char *body;
    size_t size;        /* a NUL follows */
    int64_t took_us;    /* from the call to the last byte */
    int64_t sent_at_us; /* monotonic */
};

/* May start the next request on the same connection. `answer` is borrowed for the call. */
typedef void (*http_on_answer)(void *context, const struct http_answer *answer);

/* `url` is http://HOST[:PORT]; NULL when it is not or HOST has no address. */
struct http_loop *http_loop_create(const char *url);
void http_loop_destroy(struct http_loop *loop);
uint16_t http_loop_port(const struct http_loop *loop);

/* Belongs to the loop and goes with it. */
struct http_conn *http_conn_create(struct http_loop *loop);
bool http_conn_is_busy(const struct http_conn *conn);
/* The connection must not be busy. Everything is copied. */
void http_conn_request(struct http_conn *conn, const struct http_request *request,
                       http_on_answer on_answer, void *context);
/* Drops a request under way without an answer. */
void http_conn_abort(struct http_conn *conn);

/* Calls back until http_loop_stop(), or `until_us` (monotonic) is reached, or nothing is under way.
 */
void http_loop_run(struct http_loop *loop, int64_t until_us);
/* What waits for something else than an answer keeps the loop running: 1 when it begins to wait, -1
 * when it ends. */
void http_loop_hold(struct http_loop *loop, int change);
void http_loop_stop(struct http_loop *loop);
/* Calls once, at `at_us` (monotonic) or up to a millisecond later; a new time replaces it. NULL: no
 * more. Only while the loop runs. */
void http_loop_at(struct http_loop *loop, int64_t at_us, void (*call)(void *context),
                  void *context);
/* Called about once a second while the loop runs. */
void http_loop_on_second(struct http_loop *loop, void (*call)(void *context), void *context);

/*
 * The answer to a request in `bytes`, as far as it is there: the size of the whole message, or 0
 * while some is missing, or -1 when it is no HTTP. The body of a chunked answer is put together in
 * place. For the loop and its test.
 */
struct http_message {
    int status;
    bool keep_alive;
    size_t body_offset;
    size_t body_size;
};
int64_t http_message_read(char *bytes, size_t size, struct http_message *out);

#endif
