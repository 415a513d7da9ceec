/* Asking ClamAV, and remembering what it said. */
#include "homeserver/media/antivirus.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/media/media_store.h"
#include "homeserver/net/clamd.h"
#include "homeserver/services.h"
#include "storage/scan_results.h"

static const struct config_antivirus *settings(const struct call *call)
{
    return &config_current(call->services->config)->antivirus;
}

bool antivirus_is_on(const struct call *call)
{
    return settings(call)->clamd != NULL;
}

/* A virus stays one. What was clean is, unless the result is old and clamd has learned since; when
 * it does not say, the result counts. */
static bool is_still_good(struct call *call, const struct scan_result *result)
{
    struct error quiet = {0};
    const char *version;

    if (result->virus != NULL ||
        clock_wall_ms() - result->scanned_ts < settings(call)->rescan_seconds * 1000)
        return true;
    return clamd_version(call->arena, settings(call)->clamd, &quiet, &version) != OK ||
           strcmp(version, result->signatures) == 0;
}

enum errcode antivirus_recall(struct call *call, const uint8_t hash[SHA256_BYTES],
                              const char **virus_out)
{
    struct scan_result result;

    TRY(scan_result_load(call->db, call->arena, hash, &result));
    if (!is_still_good(call, &result))
        return M_NOT_FOUND;
    *virus_out = result.virus;
    return OK;
}

/* Nobody looked at it; `error` says why. */
static enum errcode judge_unscanned(struct call *call, struct error *why, const char **virus_out)
{
    bool accepts = settings(call)->unscanned == CONFIG_UNSCANNED_ACCEPT;

    log_warn(LOG_MEDIA, "A file is %s without a look for viruses (antivirus.unscanned): %s",
             accepts ? "accepted" : "refused", why->text);
    *virus_out = NULL;
    return accepts ? OK
                   : fail(call->error, E_UNAVAILABLE,
                          "The file can not be checked for viruses right now.");
}

static enum errcode look(struct call *call, const uint8_t hash[SHA256_BYTES], int fd,
                         const char **virus_out)
{
    const char *clamd = settings(call)->clamd;
    struct scan_result result = {0};
    struct error why = {0};

    /* Before the file: signatures that arrive meanwhile are then newer than the result. */
    enum errcode outcome = clamd_version(call->arena, clamd, &why, &result.signatures);
    if (outcome == OK)
        outcome = clamd_scan(call->arena, clamd, fd, &why, &result.virus);
    if (outcome != OK)
        return judge_unscanned(call, &why, virus_out);
    result.scanned_ts = clock_wall_ms();
    *virus_out = result.virus;
    return scan_result_put(call->db, hash, &result);
}

enum errcode antivirus_scan(struct call *call, const uint8_t hash[SHA256_BYTES], int fd,
                            const char **virus_out)
{
    enum errcode found = antivirus_recall(call, hash, virus_out);

    return found == M_NOT_FOUND ? look(call, hash, fd, virus_out) : found;
}

enum errcode antivirus_scan_file(struct call *call, const struct media_file *file,
                                 const char **virus_out)
{
    SCOPED(media_close_fd) int fd = -1;
    enum errcode found = antivirus_recall(call, file->hash, virus_out);

    if (found != M_NOT_FOUND)
        return found;
    TRY(media_store(file->store)->open(call, file->object, &fd));
    return look(call, file->hash, fd, virus_out);
}

static enum errcode judge(struct call *call, const uint8_t hash[SHA256_BYTES], const char *virus)
{
    char hex[SHA256_HEX_CHARS + 1];
    bool blocks = settings(call)->on_virus == CONFIG_VIRUS_BLOCK;

    if (virus == NULL)
        return OK;
    sha256_to_hex(hash, hex);
    log_warn(LOG_MEDIA, "The virus %s in the file with the SHA-256 %s: %s.", virus, hex,
             blocks ? "blocked" : "let through (antivirus.on_virus: warn)");
    return blocks ? fail(call->error, M_FORBIDDEN, "The file holds a virus: %s", virus) : OK;
}

enum errcode antivirus_judge_file(struct call *call, const struct media_file *file)
{
    const char *virus;

    if (!antivirus_is_on(call))
        return OK;
    TRY(antivirus_scan_file(call, file, &virus));
    return judge(call, file->hash, virus);
}

enum errcode antivirus_judge_intake(struct call *call, struct media_intake *intake)
{
    const char *virus;

    if (!antivirus_is_on(call))
        return OK;
    const uint8_t *hash = media_intake_hash(intake);
    TRY(antivirus_scan(call, hash, media_intake_fd(intake), &virus));
    return judge(call, hash, virus);
}
