#ifndef HOMESERVER_MEDIA_MEDIA_INTAKE_H
#define HOMESERVER_MEDIA_MEDIA_INTAKE_H

#include "homeserver/call.h"
#include "storage/media_files.h"

/*
 * Bytes on their way in, from a client, another server or a web page: collected in an unnamed file
 * and hashed as they come, then kept in the store under their hash. Not tied to a thread; the call
 * may be another one each time.
 */
struct media_intake;

/* malloc'ed; give it to media_intake_destroy() at the end, whatever happened. */
enum errcode media_intake_open(struct call *call, struct media_intake **out) MUST_CHECK;
enum errcode media_intake_add(struct call *call, struct media_intake *intake, const void *bytes,
                              size_t size) MUST_CHECK;
int64_t media_intake_size(const struct media_intake *intake);
/* NULL is allowed. */
void media_intake_destroy(struct media_intake *intake);

/* What is to be written together with the reference to the bytes: the row that has it. Runs in a
 * transaction; may run again. */
typedef enum errcode (*media_referrer)(struct db *tx, void *context, int64_t file_nid);

/* SHA256_BYTES, borrowed. Nothing can be added afterwards. */
const uint8_t *media_intake_hash(struct media_intake *intake);

/* Ends the intake: stores the bytes unless they are there already, and adds a reference together
 * with what `refer` writes. When that fails nothing is left behind. */
enum errcode media_intake_keep(struct call *call, struct media_intake *intake, media_referrer refer,
                               void *context) MUST_CHECK;

/* The unnamed file, borrowed, rewound to its start. */
int media_intake_fd(struct media_intake *intake);

/* Removes objects that are in doubt since `before_ts`, and files that nothing refers to any more.
 * For jobs, and at once after a deletion. */
enum errcode media_sweep(struct call *call, int64_t before_ts) MUST_CHECK;

#endif
