/* From arriving bytes to a stored object with its row. */
#include "homeserver/media/media_intake.h"

#include <stdlib.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/media/media_store.h"
#include "storage/db_transaction.h"

enum { SWEEP_AT_ONCE = 100 };

struct media_intake {
    int fd;
    int64_t size;
    struct sha256_stream *hashing; /* NULL once the hash is known */
    uint8_t hash[SHA256_BYTES];
};

enum errcode media_intake_open(struct call *call, struct media_intake **out)
{
    int fd;

    TRY(media_scratch_open(call, &fd));
    struct media_intake *intake = calloc(1, sizeof(*intake));
    if (intake == NULL)
        abort();
    intake->fd = fd;
    intake->hashing = sha256_stream_create();
    *out = intake;
    return OK;
}

enum errcode media_intake_add(struct call *call, struct media_intake *intake, const void *bytes,
                              size_t size)
{
    sha256_stream_add(intake->hashing, bytes, size);
    intake->size += (int64_t)size;
    return media_scratch_write(call, intake->fd, bytes, size);
}

int64_t media_intake_size(const struct media_intake *intake)
{
    return intake->size;
}

int media_intake_fd(struct media_intake *intake)
{
    if (lseek(intake->fd, 0, SEEK_SET) != 0)
        abort(); /* a regular file */
    return intake->fd;
}

void media_intake_destroy(struct media_intake *intake)
{
    if (intake == NULL)
        return;
    sha256_stream_drop(intake->hashing);
    close(intake->fd);
    free(intake);
}

const uint8_t *media_intake_hash(struct media_intake *intake)
{
    if (intake->hashing != NULL)
        sha256_stream_finish(intake->hashing, intake->hash);
    intake->hashing = NULL;
    return intake->hash;
}

struct keeping {
    struct arena *arena;
    const struct media_file *file; /* NULL: only if the bytes are there already */
    const uint8_t *hash;
    int64_t now_ms;
    media_referrer refer;
    void *context;
    const char *kept_object;
};

static enum errcode write_rows(struct db *tx, void *context)
{
    struct keeping *keeping = context;
    int64_t file_nid;

    if (keeping->file == NULL)
        TRY(media_file_refer_by_hash(tx, keeping->arena, keeping->hash, &file_nid));
    else
        TRY(media_file_refer(tx, keeping->arena, keeping->file, keeping->now_ms, &file_nid,
                             &keeping->kept_object));
    TRY(keeping->refer(tx, keeping->context, file_nid));
    if (keeping->file != NULL && strcmp(keeping->kept_object, keeping->file->object) == 0)
        return media_object_keep(tx, keeping->file->object);
    return OK;
}

static enum errcode remove_object(struct call *call, const struct media_object *object)
{
    TRY(media_store(object->store)->remove(call, object->object));
    return media_object_forget(call->db, object->object);
}

/* What stays here by mistake is in doubt and will be swept. */
static void remove_quietly(struct call *call, const struct media_object *object)
{
    struct error error = {0};
    struct call quiet = *call;

    quiet.error = &error;
    if (remove_object(&quiet, object) != OK)
        log_warn(LOG_MEDIA, "An object that is not needed stays for now: %s", error.text);
}

/* It took so long that the sweep has been here: what was written after it is known to nobody. */
static enum errcode give_up(struct call *call, const struct media_object *object)
{
    TRY(media_object_doubt(call->db, object, 0));
    remove_quietly(call, object);
    return fail(call->error, E_UNAVAILABLE, "The media store took too long.");
}

/* The bytes were not there: writes them, then the rows. */
static enum errcode store(struct call *call, struct media_intake *intake, struct keeping *keeping)
{
    const struct media_object object = {.object = media_object_name(call->arena, intake->hash),
                                        .store = media_store_current(call)};
    const struct media_file file = {.hash = intake->hash,
                                    .object = object.object,
                                    .store = object.store,
                                    .size_bytes = intake->size};

    TRY(media_object_doubt(call->db, &object, keeping->now_ms));
    enum errcode outcome =
        media_store(object.store)->put(call, object.object, intake->fd, intake->size);
    keeping->file = &file;
    if (outcome == OK)
        outcome = db_transaction_run(call->db, write_rows, keeping);
    /* Another upload of the same bytes may have been quicker, so ours is not needed. After a
     * failure of the database nobody knows whether the row is there: the sweep will. */
    if (outcome == M_NOT_FOUND)
        return give_up(call, &object);
    if (outcome == OK && strcmp(keeping->kept_object, object.object) != 0)
        remove_quietly(call, &object);
    else if (outcome != OK && outcome != E_DATABASE && outcome != E_UNAVAILABLE)
        remove_quietly(call, &object);
    return outcome;
}

enum errcode media_intake_keep(struct call *call, struct media_intake *intake, media_referrer refer,
                               void *context)
{
    struct keeping keeping = {.arena = call->arena,
                              .hash = media_intake_hash(intake),
                              .now_ms = clock_wall_ms(),
                              .refer = refer,
                              .context = context};

    enum errcode outcome = db_transaction_run(call->db, write_rows, &keeping);
    return outcome == M_NOT_FOUND ? store(call, intake, &keeping) : outcome;
}

enum errcode media_sweep(struct call *call, int64_t before_ts)
{
    const struct media_object *objects;
    int64_t reaped;
    size_t count;

    do {
        TRY(media_files_reap(call->db, SWEEP_AT_ONCE, &reaped));
    } while (reaped > 0);
    do {
        TRY(media_objects_condemn(call->db, call->arena, before_ts, SWEEP_AT_ONCE, &objects,
                                  &count));
        for (size_t i = 0; i < count; i++)
            TRY(remove_object(call, &objects[i]));
    } while (count == SWEEP_AT_ONCE);
    return OK;
}
