#ifndef HOMESERVER_MEDIA_ANTIVIRUS_H
#define HOMESERVER_MEDIA_ANTIVIRUS_H

#include "homeserver/call.h"
#include "homeserver/media/media_intake.h"
#include "storage/media_files.h"

/*
 * Looking for viruses with ClamAV, by the section antivirus. Results are kept by content, so that
 * bytes are looked at once, and again when signatures are newer and the result is old.
 */
bool antivirus_is_on(const struct call *call);

/* What is in the file, from the results or from clamd; `hash` says which content it is. `virus_out`
 * is NULL when nothing was found, or nobody looked and the configuration accepts that;
 * E_UNAVAILABLE when it does not. */
enum errcode antivirus_scan(struct call *call, const uint8_t hash[SHA256_BYTES], int fd,
                            const char **virus_out) MUST_CHECK;

/* What is remembered of this content; M_NOT_FOUND when it must be looked at. */
enum errcode antivirus_recall(struct call *call, const uint8_t hash[SHA256_BYTES],
                              const char **virus_out) MUST_CHECK;

/* antivirus_scan() for a stored file, which is only opened when it must be looked at. */
enum errcode antivirus_scan_file(struct call *call, const struct media_file *file,
                                 const char **virus_out) MUST_CHECK;

/* By the policy: M_FORBIDDEN for a virus, or OK and a line in the log. OK when nothing is scanned.
 */
enum errcode antivirus_judge_file(struct call *call, const struct media_file *file) MUST_CHECK;
enum errcode antivirus_judge_intake(struct call *call, struct media_intake *intake) MUST_CHECK;

#endif
