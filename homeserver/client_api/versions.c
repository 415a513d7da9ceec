/*
 * What this server speaks.
 * Spec: client-server API, "API Versions" (versions.yaml).
 */
#include "homeserver/base/compiler.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"

static const char *const versions[] = {
    "r0.0.1", "r0.1.0", "r0.2.0", "r0.3.0", "r0.4.0", "r0.5.0", "r0.6.0", "r0.6.1", "v1.1",
    "v1.2",   "v1.3",   "v1.4",   "v1.5",   "v1.6",   "v1.7",   "v1.8",   "v1.9",   "v1.10",
    "v1.11",  "v1.12",  "v1.13",  "v1.14",  "v1.15",  "v1.16",  "v1.17",  "v1.18",  "v1.19",
};

/* Features that clients look for by name. */
static const char *const features[] = {
    "org.matrix.e2e_cross_signing",  /* Element Web does not set up encryption without it */
    "org.matrix.msc3814",            /* dehydrated devices */
    "org.matrix.msc3881",            /* pushers can be switched off */
    "org.matrix.msc4140",            /* delayed events: calls end when a client is gone */
    "org.matrix.simplified_msc3575", /* sliding sync: Element X does not sign in without it */
    "uk.tcpip.msc4133",              /* profile fields, before v1.16 */
    "uk.tcpip.msc4133.stable",
};

/* GET /_matrix/client/versions */
enum errcode client_get_versions(struct request *req)
{
    json_t *names = json_array();
    json_t *flags = json_object();

    for (size_t i = 0; i < COUNT_OF(versions); i++)
        json_array_append_new(names, json_string(versions[i]));
    for (size_t i = 0; i < COUNT_OF(features); i++)
        json_object_set_new(flags, features[i], json_true());
    return respond(req, 200,
                   json_pack("{s:o, s:o}", "versions", names, "unstable_features", flags));
}
