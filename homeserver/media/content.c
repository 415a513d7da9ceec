/* Finding and reading media. */
#include "homeserver/media/content.h"

#include "config/config.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/media/antivirus.h"
#include "homeserver/media/media_store.h"
#include "homeserver/media/remote_media.h"
#include "homeserver/protocol/mxc_uri.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/services.h"

enum { ACCESS_NOTED_EVERY_MS = 3600 * 1000 };

static enum errcode not_found(struct call *call)
{
    return fail(call->error, M_NOT_FOUND, "There is no such media.");
}

static bool is_waiting(const struct media *media)
{
    return media->file_nid == 0 && media->deleted_ts == 0 && media->user_nid != 0 &&
           media->unused_expires_ts > clock_wall_ms();
}

static int64_t freeze_ts(const struct call *call)
{
    return config_current(call->services->config)->media.unauthenticated_until_ts;
}

/* Spec, "Content repository": what was uploaded, or fetched, after the freeze is not there for
 * those who show no token. */
static bool is_frozen(const struct call *call, const struct content_wish *wish,
                      const struct media *media)
{
    return wish->is_unauthenticated && media->uploaded_ts >= freeze_ts(call);
}

/* For retention by last use; once an hour is enough. */
static enum errcode note_access(struct call *call, const struct media *media)
{
    int64_t now_ms = clock_wall_ms();

    if (now_ms - media->accessed_ts < ACCESS_NOTED_EVERY_MS)
        return OK;
    return media_set_accessed(call->db, media->media_nid, now_ms);
}

static bool is_ours(const struct call *call, const char *server_name)
{
    return config_hosts(config_current(call->services->config), server_name);
}

/* The row; of another server's media that we do not hold, after fetching it. */
static enum errcode load(struct call *call, const struct content_wish *wish, struct media *out)
{
    enum errcode code = media_load(call->db, call->arena, wish->server_name, wish->media_id, out);

    if (code == OK && (out->file_nid != 0 || out->quarantined_ts != 0))
        return OK;
    if (is_ours(call, wish->server_name))
        return code;
    if (code != OK && code != M_NOT_FOUND)
        return code;
    /* What is fetched now is newer than any freeze that has come. */
    if (!wish->may_fetch || (wish->is_unauthenticated && freeze_ts(call) <= clock_wall_ms()))
        return M_NOT_FOUND;
    TRY(remote_media_fetch(call, wish));
    return media_load(call->db, call->arena, wish->server_name, wish->media_id, out);
}

enum errcode content_find(struct call *call, const struct content_wish *wish, struct content *out)
{
    struct media *media = &out->media;

    if (!server_name_is_valid(wish->server_name) || !media_id_is_valid(wish->media_id))
        return not_found(call);
    enum errcode code = load(call, wish, media);
    if (code == M_NOT_FOUND)
        return not_found(call);
    TRY(code);
    if (media->quarantined_ts != 0)
        return not_found(call);
    if (is_waiting(media))
        return M_NOT_YET_UPLOADED;
    if (media->file_nid == 0 || is_frozen(call, wish, media))
        return not_found(call);
    TRY(media_file_load(call->db, call->arena, media->file_nid, &out->file));
    if (!wish->is_for_scanner)
        TRY(antivirus_judge_file(call, &out->file));
    return note_access(call, media);
}

enum errcode content_open(struct call *call, const struct media_file *file, int *fd_out)
{
    enum errcode code = media_store(file->store)->open(call, file->object, fd_out);
    struct media_file now;

    if (code != M_NOT_FOUND)
        return code;
    /* Moved to the other store since the row was read? */
    if (media_file_load(call->db, call->arena, file->file_nid, &now) != OK)
        return not_found(call);
    if (strcmp(now.object, file->object) != 0)
        return media_store(now.store)->open(call, now.object, fd_out);
    log_error(LOG_MEDIA, "The object %s is missing in the media store.", file->object);
    return not_found(call);
}
