/* Conditional requests and byte ranges of files. Spec: RFC 9110, sections 13 and 14. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/request.h"

struct byte_range {
    uint64_t first;
    uint64_t size;
};

enum range_outcome { RANGE_NONE, RANGE_ONE, RANGE_BEYOND };

/* 13.1.2: the weak comparison, so a mark of a proxy's own compression does not matter. */
static bool names_etag(const char *list, const char *etag)
{
    if (strcmp(list, "*") == 0)
        return true;
    for (const char *found = strstr(list, etag); found != NULL; found = strstr(found + 1, etag)) {
        const char *after = found + strlen(etag);
        after += strspn(after, " \t");
        if (*after == '\0' || *after == ',')
            return true;
    }
    return false;
}

/* At most 18 digits; false when there is none. */
static bool read_number(const char **text, uint64_t *out)
{
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > 18)
        return false;
    *out = strtoull(*text, NULL, 10);
    *text += digits;
    return true;
}

/* 14.1.2. What is not exactly one range is answered with the whole file, as 14.2 allows. */
static enum range_outcome parse_range(const char *text, uint64_t size, struct byte_range *out)
{
    uint64_t first, last;

    if (text == NULL || strncmp(text, "bytes=", 6) != 0)
        return RANGE_NONE;
    text += 6;
    if (*text == '-') {
        text++;
        if (!read_number(&text, &last) || *text != '\0')
            return RANGE_NONE;
        out->size = last < size ? last : size;
        out->first = size - out->size;
        return out->size == 0 ? RANGE_BEYOND : RANGE_ONE;
    }
    if (!read_number(&text, &first) || *text++ != '-')
        return RANGE_NONE;
    last = size - 1;
    if (*text != '\0' && (!read_number(&text, &last) || *text != '\0' || last < first))
        return RANGE_NONE;
    if (first >= size)
        return RANGE_BEYOND;
    out->first = first;
    out->size = (last < size ? last + 1 : size) - first;
    return RANGE_ONE;
}

static enum errcode answer_not_modified(struct request *req, int fd_owned)
{
    char *empty = strdup("");

    close(fd_owned);
    return empty == NULL ? E_SYSTEM : respond_bytes(req, 304, NULL, empty, 0);
}

static enum errcode answer_beyond(struct request *req, int fd_owned, uint64_t size)
{
    close(fd_owned);
    response_header(req, "Content-Range", arena_printf(req->call.arena, "bytes */%" PRIu64, size));
    req->error.http_status = 416;
    return fail(&req->error, M_UNKNOWN, "The file is shorter than the range that was asked for.");
}

enum errcode respond_file_ranged(struct request *req, const char *content_type, int fd_owned,
                                 uint64_t size, const char *etag)
{
    const char *known = request_header(req, "If-None-Match");
    const char *condition = request_header(req, "If-Range");
    struct byte_range range = {0};

    response_header(req, "ETag", etag);
    response_header(req, "Accept-Ranges", "bytes");
    if (known != NULL && names_etag(known, etag))
        return answer_not_modified(req, fd_owned);
    /* 14.2: ranges are for GET; 13.1.5: and only of the file that the client has parts of. */
    bool is_wanted =
        req->connection->method == GET && (condition == NULL || strcmp(condition, etag) == 0);
    const char *header = is_wanted ? request_header(req, "Range") : NULL;
    switch (parse_range(header, size, &range)) {
    case RANGE_BEYOND:
        return answer_beyond(req, fd_owned, size);
    case RANGE_ONE:
        response_header(req, "Content-Range",
                        arena_printf(req->call.arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                                     range.first, range.first + range.size - 1, size));
        return respond_file(req, 206, content_type, fd_owned, range.first, range.size);
    case RANGE_NONE:
        break;
    }
    return respond_file(req, 200, content_type, fd_owned, 0, size);
}
