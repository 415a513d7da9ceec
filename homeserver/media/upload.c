/* Uploads of our users, at once or to an ID that was made before. */
#include "homeserver/media/upload.h"

#include "config/config.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/media/antivirus.h"
#include "homeserver/media/media_service.h"
#include "homeserver/services.h"

enum {
    MEDIA_ID_CHARS = 24,
    USAGE_COUNTED_EVERY_MS = 10 * 1000,
    USAGE_RECOUNTED_EVERY_MS = 1000,
};

/* Spec, "createContent": 24 hours are recommended. */
static const int64_t unused_lifetime_ms = INT64_C(24) * 3600 * 1000;

static const struct config_media *settings(const struct call *call)
{
    return &config_current(call->services->config)->media;
}

const char *upload_new_id(struct arena *arena)
{
    return random_token(arena, MEDIA_ID_CHARS);
}

enum errcode upload_create_id(struct call *call, int64_t user_nid, const char *server_name,
                              struct media *out)
{
    int64_t now_ms = clock_wall_ms();
    struct media_usage usage;

    TRY(media_usage_of_user(call->db, call->arena, user_nid, now_ms, &usage));
    if (usage.waiting >= settings(call)->waiting_uploads_max)
        return fail(call->error, M_LIMIT_EXCEEDED,
                    "You have %lld uploads that wait: fill them first.", (long long)usage.waiting);
    *out = (struct media){.server_name = server_name,
                          .media_id = upload_new_id(call->arena),
                          .user_nid = user_nid,
                          .content_type = "application/octet-stream",
                          .created_ts = now_ms,
                          .unused_expires_ts = now_ms + unused_lifetime_ms};
    return media_insert(call->db, call->arena, out, &out->media_nid);
}

enum errcode upload_check_id(struct call *call, const char *server_name, const char *media_id,
                             int64_t user_nid, int64_t *media_nid_out)
{
    struct media media;
    enum errcode code = media_load(call->db, call->arena, server_name, media_id, &media);

    if (code == M_NOT_FOUND || (code == OK && media.user_nid == 0))
        return fail(call->error, M_NOT_FOUND, "No such media ID was created.");
    TRY(code);
    if (media.user_nid != user_nid)
        return fail(call->error, M_FORBIDDEN, "Somebody else created this media ID.");
    if (media.file_nid != 0)
        return fail(call->error, M_CANNOT_OVERWRITE_MEDIA,
                    "This media ID has its content already.");
    if (media.deleted_ts != 0 || media.unused_expires_ts <= clock_wall_ms())
        return fail(call->error, M_NOT_FOUND, "This media ID was not used in time.");
    *media_nid_out = media.media_nid;
    return OK;
}

static enum errcode count_usage(struct call *call, int64_t age_ms, int64_t *bytes_out)
{
    struct media_service *service = call->services->media;

    if (media_service_recall_usage(service, age_ms, bytes_out))
        return OK;
    TRY(media_usage_of_all(call->db, call->arena, bytes_out));
    media_service_set_usage(service, *bytes_out);
    return OK;
}

/* What is left of the quota of all users. Counting costs, so it is done now and then: other nodes
 * may exceed the quota by what they take in the meantime. Nobody is refused by an old count. */
static enum errcode check_server_quota(struct call *call, int64_t expected, int64_t *limit)
{
    int64_t quota = settings(call)->server_quota_bytes;
    int64_t wanted = expected > 0 ? expected : 1;
    int64_t used;

    if (quota == 0)
        return OK;
    TRY(count_usage(call, USAGE_COUNTED_EVERY_MS, &used));
    if (used > quota - wanted)
        TRY(count_usage(call, USAGE_RECOUNTED_EVERY_MS, &used));
    if (used > quota - wanted)
        return fail(call->error, M_FORBIDDEN, "There is no room here for more files.");
    if (quota - used < *limit)
        *limit = quota - used;
    return OK;
}

enum errcode upload_allowance(struct call *call, int64_t user_nid, int64_t expected,
                              int64_t *limit_out)
{
    const struct config_media *media = settings(call);
    struct media_usage usage;

    *limit_out = media->upload_limit_bytes;
    TRY(check_server_quota(call, expected, limit_out));
    if (media->user_quota_bytes == 0 && media->user_quota_files == 0)
        return OK;
    TRY(media_usage_of_user(call->db, call->arena, user_nid, clock_wall_ms(), &usage));
    int64_t left = media->user_quota_bytes - usage.bytes;
    if (media->user_quota_files != 0 && usage.files >= media->user_quota_files)
        return fail(call->error, M_FORBIDDEN, "You have %lld files here and may have no more.",
                    (long long)usage.files);
    if (media->user_quota_bytes != 0 && (left <= 0 || expected > left))
        return fail(call->error, M_FORBIDDEN, "Your files here would exceed %lld bytes.",
                    (long long)media->user_quota_bytes);
    if (media->user_quota_bytes != 0 && left < *limit_out)
        *limit_out = left;
    return OK;
}

struct filling {
    struct arena *arena;
    const struct upload *upload;
};

static enum errcode write_media(struct db *tx, void *context, int64_t file_nid)
{
    struct filling *filling = context;
    const struct upload *upload = filling->upload;
    struct media media = {.media_nid = upload->media_nid,
                          .server_name = upload->server_name,
                          .media_id = upload->media_id,
                          .user_nid = upload->user_nid,
                          .file_nid = file_nid,
                          .content_type = upload->content_type,
                          .file_name = upload->file_name,
                          .uploaded_ts = clock_wall_ms()};

    media.created_ts = media.uploaded_ts;
    if (upload->media_nid != 0)
        return media_fill(tx, &media);
    return media_insert(tx, filling->arena, &media, &media.media_nid);
}

enum errcode upload_finish(struct call *call, struct media_intake *intake,
                           const struct upload *upload)
{
    struct filling filling = {.arena = call->arena, .upload = upload};
    int64_t limit;

    /* Other uploads may have ended meanwhile. */
    TRY(upload_allowance(call, upload->user_nid, media_intake_size(intake), &limit));
    TRY(antivirus_judge_intake(call, intake));
    TRY(media_intake_keep(call, intake, write_media, &filling));
    media_service_add_usage(call->services->media, media_intake_size(intake));
    return OK;
}
