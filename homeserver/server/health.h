#ifndef HOMESERVER_SERVER_HEALTH_H
#define HOMESERVER_SERVER_HEALTH_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct request;

/* Whether load balancers shall send requests here: true when the server has started, false as soon
 * as it is told to stop. */
void health_set_ready(bool is_ready);

/* GET /health/live: 200 as long as the process answers at all. */
enum errcode health_get_live(struct request *req);
/* GET /health/ready: 200 when started, not stopping, and the database answers; else 503. */
enum errcode health_get_ready(struct request *req);
/* GET /metrics: for Prometheus. */
enum errcode health_get_metrics(struct request *req);

#endif
