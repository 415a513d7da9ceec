/*
 * The content scanner, by which clients ask whether a file holds a virus before they show it; what
 * is encrypted they decrypt by showing its key. The protocol of
 * https://github.com/element-hq/matrix-content-scanner-python (docs/api.md).
 */
#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/media_answer.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/encryption/pk_message.h"
#include "homeserver/http/request.h"
#include "homeserver/media/antivirus.h"
#include "homeserver/media/content.h"
#include "homeserver/media/content_headers.h"
#include "homeserver/media/encrypted_file.h"
#include "homeserver/media/media_service.h"
#include "homeserver/media/media_store.h"
#include "homeserver/media/picture.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

enum { UPLOAD_PATIENCE_MS = 20 * 1000 };

/* A handler that was refused has answered: it must do nothing more. */
struct refusal {
    int status; /* 0: none */
    const char *reason, *info;
};

static void refuse(struct refusal *refusal, int status, const char *reason, const char *info)
{
    *refusal = (struct refusal){.status = status, .reason = reason, .info = info};
}

static enum errcode respond_refusal(struct request *req, const struct refusal *refusal)
{
    return respond(req, refusal->status,
                   json_pack("{s:s, s:s}", "reason", refusal->reason, "info", refusal->info));
}

/* Without a token the old rules of downloads hold, also their freeze. */
static enum media_way way_of(const struct request *req)
{
    return req->requester.user_nid != 0 ? MEDIA_AUTHENTICATED : MEDIA_UNAUTHENTICATED;
}

static enum errcode find(struct request *req, const char *server_name, const char *media_id,
                         struct content *out, struct refusal *refusal)
{
    bool is_user = way_of(req) == MEDIA_AUTHENTICATED;
    const struct content_wish wish = {
        .server_name = server_name,
        .media_id = media_id,
        .is_unauthenticated = !is_user,
        .may_fetch = true,
        .timeout_ms = UPLOAD_PATIENCE_MS,
        .asking_server = is_user ? req->requester.server_name : request_domain(req)->name,
        .is_for_scanner = true,
    };
    enum errcode code = content_find(&req->call, &wish, out);

    if (code == M_NOT_FOUND || code == M_NOT_YET_UPLOADED)
        refuse(refusal, 404, "M_NOT_FOUND", "There is no such file.");
    else if (code == E_REMOTE || code == E_TIMEOUT || code == M_TOO_LARGE || code == M_FORBIDDEN)
        refuse(refusal, 502, "MCS_MEDIA_REQUEST_FAILED", "The file can not be had.");
    else
        return code;
    return OK;
}

static void refuse_virus(struct refusal *refusal, struct request *req, const char *virus)
{
    refuse(refusal, 403, "MCS_MEDIA_NOT_CLEAN",
           arena_printf(req->call.arena, "The file holds a virus: %s", virus));
}

static enum errcode respond_verdict(struct request *req, const char *virus)
{
    const char *info =
        virus == NULL ? "File is clean" : arena_printf(req->call.arena, "Virus found: %s", virus);

    return respond(req, 200, json_pack("{s:b, s:s}", "clean", virus == NULL, "info", info));
}

/* ── What is not encrypted ───────────────────────────────────────────────────────────────────── */

static enum errcode scan_named(struct request *req, const char **virus_out, struct refusal *refusal)
{
    const char *server_name, *media_id;
    struct content content;

    *virus_out = NULL;
    if (!antivirus_is_on(&req->call))
        return M_UNRECOGNIZED;
    TRY(path_string(req, "serverName", &server_name));
    TRY(path_string(req, "mediaId", &media_id));
    TRY(find(req, server_name, media_id, &content, refusal));
    return refusal->status != 0 ? OK : antivirus_scan_file(&req->call, &content.file, virus_out);
}

/* GET /_matrix/media_proxy/unstable/scan/{serverName}/{mediaId} */
enum errcode client_scan_media(struct request *req)
{
    struct refusal refusal = {0};
    const char *virus;

    TRY(scan_named(req, &virus, &refusal));
    return refusal.status != 0 ? respond_refusal(req, &refusal) : respond_verdict(req, virus);
}

static enum errcode answer_if_clean(struct request *req,
                                    enum errcode (*answer)(struct request *, enum media_way))
{
    struct refusal refusal = {0};
    const char *virus;

    TRY(scan_named(req, &virus, &refusal));
    if (virus != NULL)
        refuse_virus(&refusal, req, virus);
    return refusal.status != 0 ? respond_refusal(req, &refusal) : answer(req, way_of(req));
}

/* GET /_matrix/media_proxy/unstable/download/{serverName}/{mediaId} */
enum errcode client_download_scanned(struct request *req)
{
    return answer_if_clean(req, answer_download);
}

/* GET /_matrix/media_proxy/unstable/thumbnail/{serverName}/{mediaId} */
enum errcode client_thumbnail_scanned(struct request *req)
{
    return answer_if_clean(req, answer_thumbnail);
}

/* ── What is encrypted ───────────────────────────────────────────────────────────────────────── */

/* GET /_matrix/media_proxy/unstable/public_key */
enum errcode client_get_scanner_key(struct request *req)
{
    char key[PK_PUBLIC_KEY_CHARS + 1];

    if (!antivirus_is_on(&req->call))
        return M_UNRECOGNIZED;
    pk_public_key(media_service_scanner_seed(req->call.services->media), key);
    return respond(req, 200, json_pack("{s:s}", "public_key", key));
}

/* NULL when the body can not be opened: it was made for another key. */
static json_t *open_body(struct request *req, const json_t *encrypted)
{
    const struct pk_message message = {.ciphertext = json_get_string(encrypted, "ciphertext"),
                                       .mac = json_get_string(encrypted, "mac"),
                                       .ephemeral = json_get_string(encrypted, "ephemeral")};
    char *text;
    size_t size;
    json_t *body;

    if (message.ciphertext == NULL || message.mac == NULL || message.ephemeral == NULL ||
        !pk_message_open(req->call.arena, media_service_scanner_seed(req->call.services->media),
                         &message, &text, &size) ||
        json_parse_object(req->call.arena, text, size, &req->error, &body) != OK)
        return NULL;
    return body;
}

static void read_file(struct request *req, struct encrypted_file *out, struct refusal *refusal)
{
    size_t size;
    const char *bytes = request_body_bytes(req, &size);
    json_t *body;

    if (json_parse_object(req->call.arena, bytes, size, &req->error, &body) != OK) {
        refuse(refusal, 400, "MCS_MALFORMED_JSON", req->error.text);
        return;
    }
    const json_t *encrypted = json_object_get(body, "encrypted_body");
    if (encrypted != NULL)
        body = open_body(req, encrypted);
    if (body == NULL)
        refuse(refusal, 403, "MCS_BAD_DECRYPTION",
               "The encrypted_body is not for our key: ask for the public key and try again.");
    else if (encrypted_file_read(&req->call, json_object_get(body, "file"), out) != OK)
        refuse(refusal, 400, "MCS_MALFORMED_JSON", req->error.text);
}

struct decrypted {
    struct encrypted_file file;
    struct content content; /* as stored */
    const char *virus;
};

/* Scans what was decrypted, unless that content is known already. */
static enum errcode scan_decrypted(struct request *req, struct decrypted *what)
{
    uint8_t identity[SHA256_BYTES];
    SCOPED(media_close_fd) int fd = -1;

    encrypted_file_identity(&what->file, identity);
    enum errcode code = antivirus_recall(&req->call, identity, &what->virus);
    if (code != M_NOT_FOUND)
        return code;
    TRY(encrypted_file_open(&req->call, &what->file, &what->content.file, &fd));
    return antivirus_scan(&req->call, identity, fd, &what->virus);
}

static enum errcode scan_encrypted(struct request *req, struct decrypted *out,
                                   struct refusal *refusal)
{
    *out = (struct decrypted){0};
    if (!antivirus_is_on(&req->call))
        return M_UNRECOGNIZED;
    read_file(req, &out->file, refusal);
    if (refusal->status != 0)
        return OK;
    TRY(find(req, out->file.uri.server_name, out->file.uri.media_id, &out->content, refusal));
    if (refusal->status == 0 && !encrypted_file_matches(&out->file, &out->content.file))
        refuse(refusal, 400, "MCS_MEDIA_FAILED_TO_DECRYPT",
               "The file is not the one whose hash was told.");
    return refusal->status != 0 ? OK : scan_decrypted(req, out);
}

/* POST /_matrix/media_proxy/unstable/scan_encrypted */
enum errcode client_scan_encrypted(struct request *req)
{
    struct refusal refusal = {0};
    struct decrypted decrypted;

    TRY(scan_encrypted(req, &decrypted, &refusal));
    return refusal.status != 0 ? respond_refusal(req, &refusal)
                               : respond_verdict(req, decrypted.virus);
}

static enum errcode send_decrypted(struct request *req, const struct decrypted *what)
{
    struct picture picture;
    int fd;

    TRY(encrypted_file_open(&req->call, &what->file, &what->content.file, &fd));
    const char *type = picture_read(fd, &picture) ? picture.type : "application/octet-stream";
    media_safety_headers(req, way_of(req));
    response_header(req, "Content-Disposition", content_disposition(req->call.arena, type, NULL));
    return respond_file(req, 200, type, fd, 0, (uint64_t)what->content.file.size_bytes);
}

/* POST /_matrix/media_proxy/unstable/download_encrypted */
enum errcode client_download_encrypted(struct request *req)
{
    struct refusal refusal = {0};
    struct decrypted decrypted;

    TRY(scan_encrypted(req, &decrypted, &refusal));
    if (decrypted.virus != NULL)
        refuse_virus(&refusal, req, decrypted.virus);
    return refusal.status != 0 ? respond_refusal(req, &refusal) : send_decrypted(req, &decrypted);
}
