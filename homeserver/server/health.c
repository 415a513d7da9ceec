/* What orchestrators and monitoring ask. */
#include "homeserver/server/health.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/metrics.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/http/request.h"
#include "storage/database_check.h"
#include "storage/destinations.h"

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

static void write_gauge(struct strbuf *out, const char *name, const char *help, int64_t value)
{
    strbuf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s{} %" PRId64 "\n", name, help, name, name,
                  value);
}

/* What all processes share stands in the database. When that does not answer they are absent, and
 * the rest is told all the same. */
static void write_federation(struct request *req, struct strbuf *out)
{
    struct federation_figures f;

    if (federation_figures_load(req->call.db, req->call.arena, clock_wall_ms(), &f) != OK)
        return;
    write_gauge(out, "beffroi_federation_failing_destinations", "Servers that do not answer.",
                f.failing);
    write_gauge(out, "beffroi_federation_outgoing_queues",
                "Queues in which something waits for another server.", f.outgoing_queues);
    write_gauge(out, "beffroi_federation_outgoing_events",
                "Events in the 20 oldest of these, counted up to 5,000 of all rooms.",
                f.outgoing_events);
    write_gauge(out, "beffroi_federation_outgoing_oldest_seconds",
                "How long the oldest of these queues waits.", f.outgoing_age_ms / 1000);
    write_gauge(out, "beffroi_federation_incoming_events",
                "Received events that wait for their turn, counted up to 100,000.",
                f.incoming_events);
    write_gauge(out, "beffroi_federation_incoming_rooms", "Rooms in which these are.",
                f.incoming_rooms);
    write_gauge(out, "beffroi_federation_incoming_oldest_seconds",
                "How long the oldest of these waits.", f.incoming_age_ms / 1000);
}

enum errcode health_get_metrics(struct request *req)
{
    struct strbuf text;
    size_t size;

    strbuf_init(&text, 0);
    metrics_write(&text);
    write_federation(req, &text);
    char *bytes = strbuf_detach(&text, &size);
    return respond_bytes(req, 200, "text/plain; version=0.0.4; charset=utf-8", bytes, size);
}
