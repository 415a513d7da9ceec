/* What orchestrators and monitoring ask. */
#include "homeserver/server/health.h"

#include <stdatomic.h>

#include "homeserver/base/metrics.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/http/request.h"
#include "storage/database_check.h"

static atomic_bool ready;

void health_set_ready(bool is_ready)
{
    atomic_store(&ready, is_ready);
}

enum errcode health_get_live(struct request *req)
{
    return respond(req, 200, json_pack("{s:s}", "status", "live"));
}

enum errcode health_get_ready(struct request *req)
{
    if (!atomic_load(&ready))
        return respond(req, 503, json_pack("{s:s}", "status", "starting or stopping"));
    if (!database_answers(req->call.db))
        return respond(req, 503, json_pack("{s:s}", "status", "the database does not answer"));
    return respond(req, 200, json_pack("{s:s}", "status", "ready"));
}

enum errcode health_get_metrics(struct request *req)
{
    struct strbuf text;
    size_t size;

    strbuf_init(&text, 0);
    metrics_write(&text);
    char *bytes = strbuf_detach(&text, &size);
    return respond_bytes(req, 200, "text/plain; version=0.0.4; charset=utf-8", bytes, size);
}
