/* Thumbnails: which one is meant, whether it is there, how it is made. */
#include "homeserver/media/thumbnail.h"

#include <string.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/log.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/media/helper_process.h"
#include "homeserver/media/media_intake.h"
#include "homeserver/media/media_service.h"
#include "homeserver/media/media_store.h"
#include "homeserver/media/picture.h"
#include "homeserver/media/thumbnailer/job.h"
#include "homeserver/services.h"
#include "storage/db_transaction.h"

enum { COPY_BYTES = 65536 };

/* Few sizes, so that a picture has few thumbnails. Those the specification names are among them. */
static const int sides[] = {32, 64, 96, 160, 240, 320, 480, 640, 800, 1024, 1280, 1600, 2048};

static int round_up(int64_t wanted)
{
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        if (wanted <= sides[i])
            return sides[i];
    }
    return sides[COUNT_OF(sides) - 1];
}

/* Scaled pictures fit into a box, so a larger box does; 800x600 stays as the specification has it.
 * Cropped ones keep the proportions that were asked for. */
static struct thumbnail_key key_of(const struct content *content, const struct thumbnail_wish *wish)
{
    struct thumbnail_key key = {
        .source_nid = content->file.file_nid, .crops = wish->crops, .animated = wish->animated};
    int64_t longer = wish->width > wish->height ? wish->width : wish->height;
    int64_t side = round_up(longer);

    if (longer > side) { /* beyond what we make */
        key.width = (int)(wish->width * side / longer);
        key.height = (int)(wish->height * side / longer);
    } else {
        key.width = (int)((wish->width * side + longer - 1) / longer);
        key.height = (int)((wish->height * side + longer - 1) / longer);
    }
    key.width += key.width == 0;
    key.height += key.height == 0;
    return key;
}

struct making {
    struct call *call;
    const struct content *content;
    const struct thumbnail_key *key;
    const char *content_type;
};

static enum errcode write_row(struct db *tx, void *context, int64_t file_nid)
{
    const struct making *making = context;

    return media_thumbnail_insert(tx, making->key, file_nid, making->content_type);
}

static enum errcode keep(struct making *making, int fd)
{
    struct call *call = making->call;
    struct media_intake *intake;
    enum errcode outcome = OK;
    ssize_t size;

    if (lseek(fd, 0, SEEK_SET) != 0)
        return E_SYSTEM;
    char *buffer = arena_alloc(call->arena, COPY_BYTES);
    TRY(media_intake_open(call, &intake));
    while (outcome == OK && (size = read(fd, buffer, COPY_BYTES)) > 0)
        outcome = media_intake_add(call, intake, buffer, (size_t)size);
    if (outcome == OK)
        outcome = media_intake_keep(call, intake, write_row, making);
    media_intake_destroy(intake);
    return outcome;
}

static enum errcode too_large(const struct making *making)
{
    struct error *error = making->call->error;

    if (making->content->media.user_nid == 0)
        error->http_status = 502;
    return fail(error, M_TOO_LARGE, "The picture has too many pixels for a thumbnail.");
}

static enum errcode no_picture(struct call *call)
{
    return fail(call->error, M_UNKNOWN, "No thumbnail can be made of this.");
}

static enum errcode take_result(struct making *making, int status, int fd)
{
    const struct media *media = &making->content->media;

    switch (status) {
    case THUMBNAILER_JPEG:
        making->content_type = "image/jpeg";
        return keep(making, fd);
    case THUMBNAILER_PNG:
        making->content_type = "image/png";
        return keep(making, fd);
    case THUMBNAILER_WEBP:
        making->content_type = "image/webp";
        return keep(making, fd);
    case THUMBNAILER_NOT_NEEDED:
        return write_row(making->call->db, making, 0);
    case THUMBNAILER_TOO_LARGE:
        return too_large(making);
    default:
        log_info(LOG_MEDIA, "No thumbnail of mxc://%s/%s: the thumbnailer ended with %d.",
                 media->server_name, media->media_id, status);
        return no_picture(making->call);
    }
}

static enum errcode run_thumbnailer(struct call *call, const struct thumbnail_key *key, int source,
                                    int result, int *status_out)
{
    const char *const arguments[] = {"beffroi-thumbnailer",
                                     arena_printf(call->arena, "%d", key->width),
                                     arena_printf(call->arena, "%d", key->height),
                                     key->crops ? "crop" : "scale",
                                     key->animated ? "1" : "0",
                                     NULL};

    return helper_run(call, arguments, source, result, status_out);
}

/* By the first who wants this thumbnail. */
static enum errcode make(void *context)
{
    struct making *making = context;
    struct call *call = making->call;
    struct picture picture;
    SCOPED(media_close_fd) int source = -1;
    SCOPED(media_close_fd) int result = -1;
    int status;

    TRY(content_open(call, &making->content->file, &source));
    if (!picture_read(source, &picture))
        return no_picture(call);
    making->content_type = picture.type;
    TRY(media_scratch_open(call, &result));
    TRY(run_thumbnailer(call, making->key, source, result, &status));
    enum errcode outcome = take_result(making, status, result);
    return outcome == M_CANNOT_OVERWRITE_MEDIA ? OK : outcome;
}

enum errcode thumbnail_read_method(const char *text, struct error *error, bool *crops_out)
{
    *crops_out = text != NULL && strcmp(text, "crop") == 0;
    if (text != NULL && !*crops_out && strcmp(text, "scale") != 0)
        return fail(error, M_INVALID_PARAM, "method must be crop or scale.");
    return OK;
}

enum errcode thumbnail_find(struct call *call, const struct content *content,
                            const struct thumbnail_wish *wish, struct media_file *out,
                            const char **content_type_out)
{
    const struct thumbnail_key key = key_of(content, wish);
    struct making making = {.call = call, .content = content, .key = &key};
    enum errcode code = media_thumbnail_load(call->db, call->arena, &key, out, content_type_out);

    if (code != M_NOT_FOUND)
        return code;
    const char *flight =
        arena_printf(call->arena, "thumbnail %lld %dx%d %d %d", (long long)key.source_nid,
                     key.width, key.height, key.crops, key.animated);
    TRY(singleflight_run(media_service_flights(call->services->media), flight, make, &making,
                         NULL));
    return media_thumbnail_load(call->db, call->arena, &key, out, content_type_out);
}
