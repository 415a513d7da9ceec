/* Pictures of web pages become media of ours, so that users' clients do not call strangers. */
#include "homeserver/media/url_preview_image.h"

#include "homeserver/base/clock.h"
#include "homeserver/media/antivirus.h"
#include "homeserver/media/picture.h"
#include "homeserver/media/upload.h"
#include "homeserver/protocol/mxc_uri.h"
#include "storage/media.h"

struct keeping {
    struct arena *arena;
    struct media media;
};

static enum errcode write_row(struct db *tx, void *context, int64_t file_nid)
{
    struct keeping *keeping = context;

    keeping->media.file_nid = file_nid;
    return media_insert(tx, keeping->arena, &keeping->media, &keeping->media.media_nid);
}

static void set(json_t *preview, const char *name, json_t *value_owned)
{
    json_object_set_new(preview, name, value_owned);
}

enum errcode url_preview_keep_image(struct call *call, struct media_intake *bytes,
                                    const char *server_name, json_t *preview, int64_t *nid_out)
{
    struct keeping keeping = {.arena = call->arena};
    struct media *media = &keeping.media;
    struct picture picture;

    *nid_out = 0;
    if (!picture_read(media_intake_fd(bytes), &picture))
        return OK;
    /* Nobody's: it counts for no user, and goes with the preview. */
    *media = (struct media){.server_name = server_name,
                            .media_id = upload_new_id(call->arena),
                            .content_type = picture.type,
                            .uploaded_ts = clock_wall_ms()};
    media->created_ts = media->uploaded_ts;
    TRY(antivirus_judge_intake(call, bytes));
    TRY(media_intake_keep(call, bytes, write_row, &keeping));
    *nid_out = media->media_nid;
    set(preview, "og:image",
        json_string(mxc_uri_format(call->arena, server_name, media->media_id)));
    set(preview, "og:image:type", json_string(picture.type));
    set(preview, "matrix:image:size", json_integer(media_intake_size(bytes)));
    if (picture.width > 0 && picture.height > 0) {
        set(preview, "og:image:width", json_integer(picture.width));
        set(preview, "og:image:height", json_integer(picture.height));
    }
    return OK;
}
