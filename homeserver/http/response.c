/*
 * Answers. An answer is built completely on the thread that made it, as an MHD response that owns
 * its bytes; the I/O thread only queues it.
 */
#include "homeserver/http/response.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/base/utf8.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/cors.h"

enum { FRAMED_BLOCK_BYTES = 65536 };

static const char json_content_type[] = "application/json";

void response_drop(struct connection *connection)
{
    if (connection->response != NULL)
        MHD_destroy_response(connection->response);
    connection->response = NULL;
    connection->status = 0;
}

/* MHD copies headers and refuses values with CR or LF, which can not occur here any more. */
static void add_header(struct connection *connection, const char *name, const char *value)
{
    if (MHD_add_response_header(connection->response, name, value) != MHD_YES)
        log_warn(LOG_HTTP, "The response header %s could not be set.", name);
}

static enum errcode set_response(struct connection *connection, int status,
                                 struct MHD_Response *response, const char *content_type)
{
    response_drop(connection);
    if (response == NULL)
        return E_SYSTEM;
    connection->response = response;
    connection->status = status;
    if (content_type != NULL)
        add_header(connection, "Content-Type", content_type);
    return OK;
}

enum errcode respond_bytes(struct request *req, int status, const char *content_type,
                           char *bytes_owned, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, bytes_owned, MHD_RESPMEM_MUST_FREE);

    if (response == NULL)
        free(bytes_owned);
    return set_response(req->connection, status, response, content_type);
}

enum errcode respond(struct request *req, int status, json_t *body_owned)
{
    char *text = body_owned == NULL ? NULL : json_dumps(body_owned, JSON_COMPACT);

    json_decref(body_owned);
    if (text == NULL)
        return fail(&req->error, E_SYSTEM, "The answer could not be built.");
    return respond_bytes(req, status, json_content_type, text, strlen(text));
}

static enum errcode respond_static(struct request *req, int status, const char *content_type,
                                   const char *text)
{
    union {
        const char *borrowed;
        void *passed;
    } bytes = {.borrowed = text}; /* MHD takes void *, but does not write to persistent memory */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), bytes.passed, MHD_RESPMEM_PERSISTENT);

    return set_response(req->connection, status, response, content_type);
}

enum errcode respond_empty(struct request *req)
{
    return respond_static(req, 200, json_content_type, "{}");
}

static bool has_header(const struct connection *connection, const char *name)
{
    for (const struct response_header *h = connection->headers; h != NULL; h = h->next) {
        if (strcmp(h->name, name) == 0)
            return true;
    }
    return false;
}

enum errcode respond_html(struct request *req, int status, const char *html)
{
    char *copy = strdup(html);

    if (copy == NULL)
        return E_SYSTEM;
    if (!has_header(req->connection, "Content-Security-Policy"))
        response_header(req, "Content-Security-Policy",
                        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
                        "form-action 'self'; frame-ancestors 'self'; base-uri 'none'");
    response_header(req, "X-Content-Type-Options", "nosniff");
    response_header(req, "Referrer-Policy", "no-referrer");
    return respond_bytes(req, status, "text/html; charset=utf-8", copy, strlen(copy));
}

enum errcode respond_redirect(struct request *req, const char *location)
{
    response_header(req, "Location", location);
    return respond_static(req, 302, "text/plain; charset=utf-8", "");
}

enum errcode respond_file(struct request *req, int status, const char *content_type, int fd_owned,
                          uint64_t offset, uint64_t size)
{
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(size, fd_owned, offset);

    if (response == NULL)
        close(fd_owned);
    return set_response(req->connection, status, response, content_type);
}

struct framed_file {
    char *before, *after;
    size_t before_size, after_size;
    int fd;
    uint64_t size;
};

static void free_framed(void *context)
{
    struct framed_file *framed = context;

    close(framed->fd);
    free(framed->before);
    free(framed->after);
    free(framed);
}

/* The part that `position` lies in. */
static ssize_t read_framed(void *context, uint64_t position, char *out, size_t room)
{
    const struct framed_file *framed = context;
    uint64_t after_start = framed->before_size + framed->size;

    if (position >= framed->before_size && position < after_start) {
        uint64_t left = after_start - position;
        ssize_t got = pread(framed->fd, out, room < left ? room : (size_t)left,
                            (off_t)(position - framed->before_size));
        return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    const char *text = framed->before + position;
    size_t left = framed->before_size - (size_t)position;
    if (position >= after_start) {
        text = framed->after + (position - after_start);
        left = framed->after_size - (size_t)(position - after_start);
    }
    memcpy(out, text, room < left ? room : left);
    return (ssize_t)(room < left ? room : left);
}

enum errcode respond_file_between(struct request *req, const char *content_type, const char *before,
                                  int fd_owned, uint64_t size, const char *after)
{
    struct framed_file *framed = calloc(1, sizeof(*framed));

    if (framed == NULL || (framed->before = strdup(before)) == NULL ||
        (framed->after = strdup(after)) == NULL)
        abort();
    framed->before_size = strlen(before);
    framed->after_size = strlen(after);
    framed->fd = fd_owned;
    framed->size = size;
    struct MHD_Response *response =
        MHD_create_response_from_callback(framed->before_size + size + framed->after_size,
                                          FRAMED_BLOCK_BYTES, read_framed, framed, free_framed);
    if (response == NULL)
        free_framed(framed);
    return set_response(req->connection, 200, response, content_type);
}

void response_header(struct request *req, const char *name, const char *value)
{
    struct connection *connection = req->connection;
    struct arena *arena = connection_arena(connection);
    struct response_header *header = ARENA_NEW(arena, struct response_header);
    char *clean = arena_strdup(arena, value);
    size_t used = 0;

    /* A line break would end the header; other control characters have no meaning in one. */
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x20 && *c != 0x7f)
            clean[used++] = *c;
    }
    clean[used] = '\0';
    header->name = name;
    header->value = clean;
    header->next = connection->headers;
    connection->headers = header;
}

void response_complete(struct connection *connection)
{
    for (struct response_header *h = connection->headers; h != NULL; h = h->next)
        add_header(connection, h->name, h->value);
    connection->headers = NULL;
    cors_add_headers(connection->response, connection->method == OPTIONS);
    add_header(connection, "X-Request-ID", connection->request_id);
    if (connection->close_after)
        add_header(connection, "Connection", "close");
}

/* An error's text may quote the client and be cut anywhere. */
static const char *presentable_text(const struct error *error, enum errcode code)
{
    if (error->text[0] == '\0' || errcode_is_internal(code) ||
        !utf8_is_valid(error->text, strlen(error->text)))
        return errcode_default_text(code);
    return error->text;
}

static char *error_json(const struct error *error, enum errcode code, size_t *size_out)
{
    const char *text = presentable_text(error, code);
    struct strbuf buf;

    strbuf_init(&buf, 0);
    strbuf_add_string(&buf, "{\"errcode\":\"");
    strbuf_add_string(&buf, errcode_wire_name(code));
    strbuf_add_string(&buf, "\",\"error\":");
    strbuf_add_json_string(&buf, text, strlen(text));
    if (error->fields[0] != '\0') {
        strbuf_add_char(&buf, ',');
        strbuf_add_string(&buf, error->fields);
    }
    strbuf_add_char(&buf, '}');
    return strbuf_detach(&buf, size_out);
}

static void log_internal(const struct connection *connection, enum errcode code)
{
    const struct route *route = connection->match.route;
    const char *path = route == NULL ? "(no route)" : route->path;
    const struct error *error = &connection->request.error;
    const char *text = error->text[0] == '\0' ? errcode_default_text(code) : error->text;

    if (code == E_DATABASE || code == E_SYSTEM)
        log_error(LOG_HTTP, "%s failed: %s", path, text);
    else
        log_warn(LOG_HTTP, "%s failed: %s", path, text);
}

static void set_minimal_error(struct connection *connection)
{
    if (respond_static(&connection->request, 500, json_content_type,
                       "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The server failed.\"}") != OK)
        abort(); /* not even an empty response can be allocated */
}

/* The header says in seconds what the body says in milliseconds ["Rate limiting"]. */
static void add_retry_after(struct request *req)
{
    static const char member[] = "\"retry_after_ms\":";
    const char *found = strstr(req->error.fields, member);
    char seconds[24];

    if (found == NULL)
        return;
    long long wait_ms = strtoll(found + strlen(member), NULL, 10);
    snprintf(seconds, sizeof(seconds), "%lld", wait_ms / 1000 + (wait_ms % 1000 > 0 ? 1 : 0));
    response_header(req, "Retry-After", seconds);
}

void response_error(struct connection *connection, enum errcode code)
{
    struct request *req = &connection->request;
    int status = req->error.http_status != 0 ? req->error.http_status : errcode_http_status(code);
    size_t size;

    if (errcode_is_internal(code))
        log_internal(connection, code);
    char *text = error_json(&req->error, code, &size);
    if (respond_bytes(req, status, json_content_type, text, size) != OK)
        set_minimal_error(connection);
    if (status == 503)
        response_header(req, "Retry-After", "5");
    else if (code == M_LIMIT_EXCEEDED)
        add_retry_after(req);
}

void response_without_body(struct connection *connection, int status)
{
    if (respond_static(&connection->request, status, NULL, "") != OK)
        set_minimal_error(connection);
}
