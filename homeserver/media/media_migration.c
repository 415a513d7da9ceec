/*
 * From one store to the other: copy, then say so in one transaction, then remove the original. What
 * a crash leaves is in doubt and swept.
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/media/media_intake.h"
#include "homeserver/media/media_store.h"

static enum errcode note_move(struct call *call, const struct media_file *file,
                              const struct media_object *copy)
{
    const struct media_object original = {.object = file->object, .store = file->store};
    SCOPED(db_transaction_end) struct db *tx = NULL;

    TRY(db_begin(call->db, &tx));
    TRY(media_file_move(tx, file, copy));
    TRY(media_object_keep(tx, copy->object));
    TRY(media_object_doubt(tx, &original, 0)); /* to be removed at once */
    return db_commit(&tx);
}

static enum errcode move(struct call *call, const struct media_file *file, enum media_store_kind to)
{
    const struct media_object copy = {.object = media_object_name(call->arena, file->hash),
                                      .store = to};
    SCOPED(media_close_fd) int fd = -1;

    TRY(media_store(file->store)->open(call, file->object, &fd));
    TRY(media_object_doubt(call->db, &copy, clock_wall_ms()));
    TRY(media_store(to)->put(call, copy.object, fd, file->size_bytes));
    enum errcode outcome = note_move(call, file, &copy);
    if (outcome != M_NOT_FOUND)
        return outcome;
    /* Deleted or moved meanwhile, or the sweep was quicker: the copy is for nobody. */
    TRY(media_object_doubt(call->db, &copy, 0));
    return M_NOT_FOUND;
}

/* What is not there any more was deleted, or moved by somebody else; when the row still names it,
 * it is lost, and the others move all the same. */
static enum errcode move_if_there(struct call *call, const struct media_file *file,
                                  enum media_store_kind to, int64_t *count)
{
    struct media_file now;
    enum errcode outcome = move(call, file, to);

    *count += outcome == OK;
    if (outcome != M_NOT_FOUND)
        return outcome;
    outcome = media_file_load(call->db, call->arena, file->file_nid, &now);
    if (outcome == OK && strcmp(now.object, file->object) == 0)
        log_error(LOG_MEDIA, "The object %s is missing in the media store.", file->object);
    return outcome == M_NOT_FOUND ? OK : outcome;
}

enum errcode media_store_migrate(struct call *call, enum media_store_kind to, int64_t *count_out)
{
    enum media_store_kind from = to == MEDIA_STORE_S3 ? MEDIA_STORE_DIRECTORY : MEDIA_STORE_S3;
    const struct media_file *files;
    int64_t after_nid = 0;
    size_t count;

    *count_out = 0;
    do {
        TRY(media_files_list(call->db, call->arena, from, after_nid, &files, &count));
        for (size_t i = 0; i < count; i++) {
            TRY(move_if_there(call, &files[i], to, count_out));
            after_nid = files[i].file_nid;
        }
        TRY(media_sweep(call, 0));
    } while (count > 0);
    return OK;
}
