/* Connections on an epoll: write the request, collect the answer, call back. */
#include "tests/bench/http_loop.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"

enum {
    EVENTS_AT_ONCE = 256,
    READ_BYTES = 1 << 16,
    SECOND_MS = 1000,
    CONNS_PER_ADDRESS = 10000, /* the kernel has 28,000 ports for connections to one address */
};

struct http_conn {
    struct http_loop *loop;
    struct http_conn *next; /* of all */
    int number;
    int fd; /* -1: not open */
    bool is_busy;
    bool is_fresh; /* nothing was answered on this connection yet */
    struct strbuf out;
    size_t written;
    char *in;
    size_t in_size, in_capacity;
    http_on_answer on_answer;
    void *context;
    int64_t sent_at_us;
};

struct http_loop {
    struct sockaddr_storage address;
    socklen_t address_size;
    char host[256];
    int epoll;
    struct http_conn *conns;
    int64_t busy;
    bool stopped;
    void (*on_second)(void *context);
    void *on_second_context;
    int64_t next_second_ms;
    void (*on_time)(void *context);
    void *on_time_context;
    int64_t at_us;
    int conn_count;
};

static bool resolve(struct http_loop *loop, const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    memcpy(&loop->address, found->ai_addr, found->ai_addrlen);
    loop->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

struct http_loop *http_loop_create(const char *url)
{
    static const char scheme[] = "http://";
    char host[256];
    const char *port = "80";

    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return NULL;
    snprintf(host, sizeof(host), "%s", url + strlen(scheme));
    host[strcspn(host, "/")] = '\0';
    struct http_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        abort();
    snprintf(loop->host, sizeof(loop->host), "%s", host);
    char *colon = strrchr(host, ':');
    if (colon != NULL) {
        *colon = '\0';
        port = colon + 1;
    }
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0 || !resolve(loop, host, port)) {
        http_loop_destroy(loop);
        return NULL;
    }
    return loop;
}

static void close_conn(struct http_conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
}

void http_loop_destroy(struct http_loop *loop)
{
    if (loop == NULL)
        return;
    for (struct http_conn *conn = loop->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        close_conn(conn);
        strbuf_finish(&conn->out);
        free(conn->in);
        free(conn);
    }
    close(loop->epoll);
    free(loop);
}

uint16_t http_loop_port(const struct http_loop *loop)
{
    /* The port is at the same place in both kinds of address. */
    return ntohs(((const struct sockaddr_in *)&loop->address)->sin_port);
}

struct http_conn *http_conn_create(struct http_loop *loop)
{
    struct http_conn *conn = calloc(1, sizeof(*conn));

    if (conn == NULL)
        abort();
    conn->loop = loop;
    conn->fd = -1;
    conn->number = loop->conn_count++;
    conn->next = loop->conns;
    loop->conns = conn;
    return conn;
}

bool http_conn_is_busy(const struct http_conn *conn)
{
    return conn->is_busy;
}

static void set_busy(struct http_conn *conn, bool busy)
{
    if (conn->is_busy != busy)
        conn->loop->busy += busy ? 1 : -1;
    conn->is_busy = busy;
}

/* Gives the answer away; the buffers are freed first, because ten thousand of them may wait. */
static void finish(struct http_conn *conn, int status, const char *body, size_t size)
{
    const struct http_answer answer = {
        .status = status,
        .body = body,
        .size = size,
        .took_us = clock_monotonic_us() - conn->sent_at_us,
        .sent_at_us = conn->sent_at_us,
    };
    char *in = conn->in;

    conn->in = NULL;
    conn->in_size = conn->in_capacity = 0;
    set_busy(conn, false);
    conn->on_answer(conn->context, &answer);
    free(in);
}

static void fail_request(struct http_conn *conn)
{
    close_conn(conn);
    finish(conn, 0, "", 0);
}

/* To a server on 127.x.y.z each ten thousand connections come from an address of their own. */
static bool choose_own_address(const struct http_conn *conn)
{
    const struct sockaddr_in *server = (const struct sockaddr_in *)&conn->loop->address;
    uint32_t extra = (uint32_t)(conn->number / CONNS_PER_ADDRESS);
    struct sockaddr_in own = {.sin_family = AF_INET};

    if (extra == 0 || server->sin_family != AF_INET ||
        ntohl(server->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
        return true;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + extra);
    return bind(conn->fd, (const struct sockaddr *)&own, sizeof(own)) == 0;
}

static bool open_conn(struct http_conn *conn)
{
    struct http_loop *loop = conn->loop;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = conn};
    int on = 1;

    conn->fd = socket(loop->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    conn->is_fresh = true;
    if (conn->fd < 0)
        return false;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (!choose_own_address(conn))
        return false;
    if (connect(conn->fd, (const struct sockaddr *)&loop->address, loop->address_size) != 0 &&
        errno != EINPROGRESS)
        return false;
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0;
}

/* False when the connection is gone. */
static bool write_some(struct http_conn *conn)
{
    while (conn->written < conn->out.length) {
        ssize_t n = send(conn->fd, conn->out.data + conn->written, conn->out.length - conn->written,
                         MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == ENOTCONN;
        conn->written += (size_t)n;
    }
    return true;
}

/* The server may have closed an idle connection: then the same request goes on a new one. */
static void reopen(struct http_conn *conn)
{
    bool was_fresh = conn->is_fresh;

    close_conn(conn);
    conn->written = 0;
    conn->in_size = 0;
    if (was_fresh || !open_conn(conn))
        fail_request(conn);
}

static void reserve(struct http_conn *conn)
{
    if (conn->in_capacity - conn->in_size > READ_BYTES)
        return;
    conn->in_capacity = 2 * conn->in_capacity + READ_BYTES + 1;
    conn->in = realloc(conn->in, conn->in_capacity);
    if (conn->in == NULL)
        abort();
}

/* True when there is something to look at; false when there is nothing or the peer is gone. */
static bool read_some(struct http_conn *conn, bool *gone)
{
    bool any = false;

    for (;;) {
        reserve(conn);
        ssize_t n = recv(conn->fd, conn->in + conn->in_size, READ_BYTES, 0);
        if (n <= 0) {
            *gone = n == 0 || errno != EAGAIN;
            return any;
        }
        conn->in_size += (size_t)n;
        conn->in[conn->in_size] = '\0';
        any = true;
        if (n < READ_BYTES)
            return true; /* edge-triggered: what comes later makes a new event */
    }
}

static void look_at_answer(struct http_conn *conn)
{
    struct http_message message;
    int64_t whole = http_message_read(conn->in, conn->in_size, &message);

    if (whole == 0)
        return;
    if (whole < 0) {
        fail_request(conn);
        return;
    }
    conn->is_fresh = false;
    if (!message.keep_alive)
        close_conn(conn);
    conn->in[message.body_offset + message.body_size] = '\0';
    finish(conn, message.status, conn->in + message.body_offset, message.body_size);
}

static void on_event(struct http_conn *conn, uint32_t events)
{
    bool gone = false;

    if (!conn->is_busy) { /* between requests only a close can come */
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            close_conn(conn);
        return;
    }
    if (!write_some(conn)) {
        reopen(conn);
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
        return;
    bool any = read_some(conn, &gone);
    if (any)
        look_at_answer(conn);
    else if (gone)
        reopen(conn);
}

void http_conn_request(struct http_conn *conn, const struct http_request *request,
                       http_on_answer on_answer, void *context)
{
    size_t body_size = request->body_size;

    if (body_size == 0 && request->body != NULL)
        body_size = strlen(request->body);
    conn->on_answer = on_answer;
    conn->context = context;
    conn->sent_at_us = clock_monotonic_us();
    conn->written = 0;
    strbuf_finish(&conn->out);
    strbuf_init(&conn->out, 0);
    strbuf_printf(&conn->out, "%s %s HTTP/1.1\r\nHost: %s\r\n", request->method, request->target,
                  conn->loop->host);
    if (request->token != NULL)
        strbuf_printf(&conn->out, "Authorization: Bearer %s\r\n", request->token);
    if (request->body != NULL)
        strbuf_printf(&conn->out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
                      request->content_type != NULL ? request->content_type : "application/json",
                      body_size);
    strbuf_add_string(&conn->out, "\r\n");
    strbuf_add(&conn->out, request->body, body_size);
    set_busy(conn, true);
    if (conn->fd < 0 && !open_conn(conn))
        fail_request(conn);
    else if (!write_some(conn))
        reopen(conn);
}

void http_conn_abort(struct http_conn *conn)
{
    close_conn(conn);
    free(conn->in);
    conn->in = NULL;
    conn->in_size = conn->in_capacity = 0;
    set_busy(conn, false);
}

void http_loop_on_second(struct http_loop *loop, void (*call)(void *context), void *context)
{
    loop->on_second = call;
    loop->on_second_context = context;
}

void http_loop_at(struct http_loop *loop, int64_t at_us, void (*call)(void *context), void *context)
{
    loop->at_us = at_us;
    loop->on_time = call;
    loop->on_time_context = context;
}

void http_loop_hold(struct http_loop *loop, int change)
{
    loop->busy += change;
}

void http_loop_stop(struct http_loop *loop)
{
    loop->stopped = true;
}

/* Rounded up: waking too early would only mean to wait again. */
static int ms_until(int64_t at_us, int most_ms)
{
    int64_t ms = (at_us - clock_monotonic_us() + 999) / 1000;

    return ms < 0 ? 0 : ms < most_ms ? (int)ms : most_ms;
}

static void tick(struct http_loop *loop)
{
    int64_t now_ms = clock_monotonic_ms();
    void (*on_time)(void *context) = loop->on_time;

    if (on_time != NULL && clock_monotonic_us() >= loop->at_us) {
        loop->on_time = NULL;
        on_time(loop->on_time_context);
    }
    if (now_ms < loop->next_second_ms)
        return;
    loop->next_second_ms = now_ms + SECOND_MS;
    if (loop->on_second != NULL)
        loop->on_second(loop->on_second_context);
}

void http_loop_run(struct http_loop *loop, int64_t until_us)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    loop->stopped = false;
    while (!loop->stopped && loop->busy > 0) {
        int64_t left_ms = (until_us - clock_monotonic_us() + 999) / 1000;
        if (left_ms <= 0)
            return;
        int timeout = (int)(left_ms < SECOND_MS ? left_ms : SECOND_MS);
        if (loop->on_time != NULL)
            timeout = ms_until(loop->at_us, timeout);
        int count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, timeout);
        for (int i = 0; i < count; i++)
            on_event(events[i].data.ptr, events[i].events);
        tick(loop);
    }
}
