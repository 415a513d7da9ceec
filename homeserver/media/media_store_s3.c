/*
 * Objects in an S3-compatible store: <endpoint>/<bucket>/<object>, requests signed with AWS
 * signature version 4 by libcurl. What is read is spooled to an unnamed file first, so a client
 * that reads slowly holds no connection to the store.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/media/media_store.h"
#include "homeserver/net/http_client.h"
#include "homeserver/services.h"

/* A slow store gets a minute and a second for each 256 KiB. */
enum {
    TIMEOUT_MS = 60 * 1000,
    READ_TIMEOUT_MS = 600 * 1000,
    BYTES_PER_MS = 256,
    ANSWER_BYTES_MAX = 64 << 10
};

static const struct config_s3 *settings(const struct call *call)
{
    return &config_current(call->services->config)->media.s3;
}

/* The parts of a request that all have. The body's hash is signed: it stands in the object's name,
 * and is that of nothing for requests without a body. */
static struct http_call request(struct call *call, const char *method, const char *object)
{
    static const char hash_of_nothing[] =
        "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const struct config_s3 *s3 = settings(call);
    const char **headers = ARENA_ARRAY(call->arena, 3, const char *);

    headers[0] = hash_of_nothing;
    if (strcmp(method, "PUT") == 0) {
        headers[0] =
            arena_printf(call->arena, "x-amz-content-sha256: %.*s", SHA256_HEX_CHARS, object);
        headers[1] = "Content-Type: application/octet-stream";
    }
    return (struct http_call){
        .method = method,
        .url = arena_printf(call->arena, "%s/%s/%s", s3->endpoint, s3->bucket, object),
        .headers = headers,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
        .allow_private_addresses = true, /* the administrator chose it */
        .trust = HTTP_TRUST_SYSTEM,
        .aws_sigv4 = arena_printf(call->arena, "aws:amz:%s:s3", s3->region),
        .user_password = arena_printf(call->arena, "%s:%s", s3->access_key, s3->secret_key),
    };
}

static enum errcode refused(struct call *call, const char *what, int status)
{
    return fail(call->error, E_UNAVAILABLE, "The media store answered %s with status %d.", what,
                status);
}

static enum errcode put(struct call *call, const char *object, int fd, int64_t size)
{
    struct http_call http = request(call, "PUT", object);
    struct http_answer answer;
    void *bytes = NULL;

    http.timeout_ms += size / BYTES_PER_MS;
    http.body = "";
    if (size > 0) {
        bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            return fail(call->error, E_SYSTEM, "A file for the media store can not be mapped.");
        http.body = bytes;
        http.body_size = (size_t)size;
        http.borrows_body = true;
    }
    enum errcode outcome =
        http_client_fetch(call->services->http, call->arena, &http, call->error, &answer);
    if (bytes != NULL)
        munmap(bytes, (size_t)size);
    TRY(outcome);
    return answer.status == 200 ? OK : refused(call, "a PUT", answer.status);
}

struct spooling {
    struct call *call;
    int fd;
};

static enum errcode spool(void *context, const struct http_answer *answer, const void *bytes,
                          size_t size)
{
    const struct spooling *spooling = context;

    return answer->status == 200 ? media_scratch_write(spooling->call, spooling->fd, bytes, size)
                                 : OK;
}

static enum errcode open_object(struct call *call, const char *object, int *fd_out)
{
    struct http_call http = request(call, "GET", object);
    struct spooling spooling = {.call = call};
    struct http_answer answer;

    TRY(media_scratch_open(call, &spooling.fd));
    http.on_body = spool;
    http.context = &spooling;
    http.answer_limit_bytes = SIZE_MAX;
    http.timeout_ms = READ_TIMEOUT_MS;
    enum errcode outcome =
        http_client_fetch(call->services->http, call->arena, &http, call->error, &answer);
    if (outcome == OK && answer.status == 404)
        outcome = M_NOT_FOUND;
    else if (outcome == OK && answer.status != 200)
        outcome = refused(call, "a GET", answer.status);
    if (outcome == OK && lseek(spooling.fd, 0, SEEK_SET) == 0)
        *fd_out = spooling.fd;
    else
        close(spooling.fd);
    return outcome;
}

static enum errcode remove_object(struct call *call, const char *object)
{
    const struct http_call http = request(call, "DELETE", object);
    struct http_answer answer;

    TRY(http_client_fetch(call->services->http, call->arena, &http, call->error, &answer));
    return answer.status == 204 || answer.status == 200 || answer.status == 404
               ? OK
               : refused(call, "a DELETE", answer.status);
}

const struct media_store media_store_s3 = {
    .put = put, .open = open_object, .remove = remove_object};
