/*
 * Media of other servers. Asked for by the authenticated endpoint, which answers with JSON and the
 * file in one multipart body; servers of before Matrix 1.11 have only the older one.
 */
#include "homeserver/media/remote_media.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "federation/client/signed_request.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/media/content_headers.h"
#include "homeserver/media/media_intake.h"
#include "homeserver/media/media_service.h"
#include "homeserver/media/multipart.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

enum {
    HEADER_BYTES = 1024,
    ERROR_BYTES_MAX = 4096,
    TRANSFER_MS = 120 * 1000, /* on top of what the other server may wait for the upload */
    LOCATION_REDIRECTS_MAX = 3,
    FILE_PART = 1, /* part 0 is JSON, without meaning so far */
};

struct fetching {
    struct call *call;
    const struct content_wish *wish;
    int64_t limit_bytes;
    struct media_intake *intake;
    struct multipart *reader; /* NULL: the body is the file itself */
    bool is_multipart;        /* what was asked for */
    bool has_begun;
    char error[ERROR_BYTES_MAX + 1]; /* the body of an answer that is none */
    size_t error_size;
    char type[HEADER_BYTES];
    char disposition[HEADER_BYTES];
    char location[HEADER_BYTES];
};

static enum errcode too_large(struct fetching *fetching)
{
    fetching->call->error->http_status = 502;
    return fail(fetching->call->error, M_TOO_LARGE, "The file is larger than %" PRId64 " bytes.",
                fetching->limit_bytes);
}

static enum errcode add_bytes(struct fetching *fetching, const void *bytes, size_t size)
{
    if (media_intake_size(fetching->intake) + (int64_t)size > fetching->limit_bytes)
        return too_large(fetching);
    return media_intake_add(fetching->call, fetching->intake, bytes, size);
}

static enum errcode on_part(void *context, size_t number, const char *headers)
{
    struct fetching *fetching = context;

    if (number != FILE_PART)
        return OK;
    multipart_header(headers, "Content-Type", fetching->type, HEADER_BYTES);
    multipart_header(headers, "Content-Disposition", fetching->disposition, HEADER_BYTES);
    multipart_header(headers, "Location", fetching->location, HEADER_BYTES);
    return OK;
}

static enum errcode on_data(void *context, size_t number, const void *bytes, size_t size)
{
    struct fetching *fetching = context;

    return number == FILE_PART && fetching->location[0] == '\0' ? add_bytes(fetching, bytes, size)
                                                                : OK;
}

static void copy_header(char out[HEADER_BYTES], const struct http_answer *answer, const char *name)
{
    const char *value = http_answer_header(answer, name);

    snprintf(out, HEADER_BYTES, "%s", value == NULL ? "" : value);
}

/* The head of an answer is there. */
static enum errcode begin(struct fetching *fetching, const struct http_answer *answer)
{
    const struct multipart_listener listener = {
        .on_part = on_part, .on_data = on_data, .context = fetching};

    fetching->has_begun = true;
    if (fetching->is_multipart) {
        fetching->reader = multipart_create(http_answer_header(answer, "Content-Type"), &listener);
        return fetching->reader == NULL
                   ? fail(fetching->call->error, E_REMOTE, "The answer is not multipart/mixed.")
                   : OK;
    }
    copy_header(fetching->type, answer, "Content-Type");
    copy_header(fetching->disposition, answer, "Content-Disposition");
    return OK;
}

static enum errcode on_body(void *context, const struct http_answer *answer, const void *bytes,
                            size_t size)
{
    struct fetching *fetching = context;

    if (answer->status != 200) {
        size_t room = ERROR_BYTES_MAX - fetching->error_size;
        memcpy(fetching->error + fetching->error_size, bytes, size < room ? size : room);
        fetching->error_size += size < room ? size : room;
        return OK;
    }
    if (!fetching->has_begun)
        TRY(begin(fetching, answer));
    if (fetching->reader != NULL)
        return multipart_feed(fetching->reader, bytes, size);
    return add_bytes(fetching, bytes, size);
}

static const char *errcode_in(const struct fetching *fetching)
{
    json_t *body = json_on_arena(fetching->call->arena,
                                 json_loadb(fetching->error, fetching->error_size, 0, NULL));
    const char *code = json_string_value(json_object_get(body, "errcode"));

    return code == NULL ? "" : code;
}

/* What the other server said instead of the file. `is_unknown_out`: it does not know the endpoint.
 */
static enum errcode read_refusal(const struct fetching *fetching, const struct http_answer *answer,
                                 bool *is_unknown_out)
{
    const char *code = errcode_in(fetching);
    struct error *error = fetching->call->error;

    *is_unknown_out = answer->status == 405 || strcmp(code, "M_UNRECOGNIZED") == 0 ||
                      ((answer->status == 404 || answer->status == 400) && code[0] == '\0');
    if (strcmp(code, "M_NOT_YET_UPLOADED") == 0)
        return fail(error, M_NOT_YET_UPLOADED, "The other server has not received it yet.");
    if (answer->status == 404 || answer->status == 405)
        return fail(error, M_NOT_FOUND, "The other server does not have this.");
    if (answer->status == 413 || strcmp(code, "M_TOO_LARGE") == 0) {
        error->http_status = 502;
        return fail(error, M_TOO_LARGE, "The file is too large for the other server.");
    }
    return fail(error, E_REMOTE, "The other server answered with status %d.", answer->status);
}

static enum errcode ask(struct fetching *fetching, const char *target, bool *is_unknown_out)
{
    struct call *call = fetching->call;
    struct http_answer answer;
    const struct federation_request request = {
        .method = "GET",
        .origin = fetching->wish->asking_server,
        .destination = fetching->wish->server_name,
        .target = target,
        .timeout_ms = fetching->wish->timeout_ms + TRANSFER_MS,
        .answer_limit_bytes = (size_t)fetching->limit_bytes + 2 * ERROR_BYTES_MAX,
        .although_failing = true,
        .is_unsigned = !fetching->is_multipart,
        .on_body = on_body,
        .context = fetching,
    };

    fetching->has_begun = false;
    fetching->error_size = 0;
    *is_unknown_out = false;
    TRY(federation_fetch_raw(call, &request, &answer));
    if (answer.status != 200)
        return read_refusal(fetching, &answer, is_unknown_out);
    if (fetching->reader != NULL && !multipart_is_complete(fetching->reader))
        return fail(call->error, E_REMOTE, "The answer of the other server is cut off.");
    /* An empty file of the old endpoint has no body at all. */
    return fetching->has_begun ? OK : begin(fetching, &answer);
}

/* The file is elsewhere: at an address that the other server names, with no proof of who asks. */
static enum errcode follow_location(struct fetching *fetching)
{
    struct call *call = fetching->call;
    const struct config *config = config_current(call->services->config);
    struct http_answer answer;
    const struct http_call get = {
        .method = "GET",
        .url = fetching->location,
        .timeout_ms = TRANSFER_MS,
        .answer_limit_bytes = (size_t)fetching->limit_bytes + 1,
        .redirects_max = LOCATION_REDIRECTS_MAX,
        .allow_private_addresses = config->federation.allow_private_addresses,
        .trust = HTTP_TRUST_FEDERATION,
        .on_body = on_body,
        .context = fetching,
    };

    if (strncasecmp(fetching->location, "https://", 8) != 0 &&
        strncasecmp(fetching->location, "http://", 7) != 0)
        return fail(call->error, E_REMOTE, "The other server names an address that is none.");
    multipart_destroy(fetching->reader);
    fetching->reader = NULL;
    fetching->is_multipart = false;
    fetching->has_begun = false;
    TRY(http_client_fetch(call->services->http, call->arena, &get, call->error, &answer));
    return answer.status == 200 ? OK : fail(call->error, E_REMOTE, "The file is not there.");
}

static enum errcode receive(struct fetching *fetching)
{
    struct arena *arena = fetching->call->arena;
    const struct content_wish *wish = fetching->wish;
    const char *timeout = arena_printf(arena, "%" PRId64, wish->timeout_ms);
    bool is_unknown;

    fetching->is_multipart = true;
    enum errcode outcome =
        ask(fetching,
            federation_target(arena, "/_matrix/federation/v1/media/download/%s?timeout_ms=%s",
                              wish->media_id, timeout),
            &is_unknown);
    if (is_unknown) {
        fetching->is_multipart = false;
        outcome =
            ask(fetching,
                federation_target(
                    arena, "/_matrix/media/v3/download/%s/%s?allow_remote=false&timeout_ms=%s",
                    wish->server_name, wish->media_id, timeout),
                &is_unknown);
    }
    if (outcome == OK && fetching->location[0] != '\0')
        return follow_location(fetching);
    return outcome;
}

static enum errcode write_row(struct db *tx, void *context, int64_t file_nid)
{
    const struct fetching *fetching = context;
    struct arena *arena = fetching->call->arena;
    const struct media media = {
        .server_name = fetching->wish->server_name,
        .media_id = fetching->wish->media_id,
        .file_nid = file_nid,
        .content_type = content_type_clean(fetching->type[0] == '\0' ? NULL : fetching->type),
        .file_name = content_disposition_name(arena, fetching->disposition),
        .uploaded_ts = clock_wall_ms()};

    return media_put_remote(tx, &media);
}

/* By the first who wants this file. */
static enum errcode fetch(void *context)
{
    struct fetching *fetching = context;
    struct call *call = fetching->call;
    const struct config_media *settings = &config_current(call->services->config)->media;

    fetching->limit_bytes = settings->remote_limit_bytes;
    TRY(media_intake_open(call, &fetching->intake));
    enum errcode outcome = receive(fetching);
    if (outcome == OK)
        outcome = media_intake_keep(call, fetching->intake, write_row, fetching);
    multipart_destroy(fetching->reader);
    media_intake_destroy(fetching->intake);
    if (outcome == OK && settings->remote_quota_bytes != 0)
        outcome =
            media_trim_server(call->db, fetching->wish->server_name, settings->remote_quota_bytes);
    /* Another process was quicker: all the same. */
    return outcome == M_CANNOT_OVERWRITE_MEDIA ? OK : outcome;
}

enum errcode remote_media_fetch(struct call *call, const struct content_wish *wish)
{
    struct fetching *fetching = ARENA_NEW(call->arena, struct fetching);
    const char *flight =
        arena_printf(call->arena, "remote %s/%s", wish->server_name, wish->media_id);
    bool was_first;

    fetching->call = call;
    fetching->wish = wish;
    enum errcode outcome = singleflight_run(media_service_flights(call->services->media), flight,
                                            fetch, fetching, &was_first);
    /* The text went to the one who did it. */
    if (outcome == M_TOO_LARGE && !was_first)
        return too_large(fetching);
    return outcome;
}
