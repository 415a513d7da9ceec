/*
 * What this server speaks.
 * Spec: client-server API, "API Versions" (versions.yaml).
 */
#include "config/config.h"
#include "homeserver/base/compiler.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"

static const char *const versions[] = {
    "r0.0.1", "r0.1.0", "r0.2.0", "r0.3.0", "r0.4.0", "r0.5.0", "r0.6.0", "r0.6.1", "v1.1",
    "v1.2",   "v1.3",   "v1.4",   "v1.5",   "v1.6",   "v1.7",   "v1.8",   "v1.9",   "v1.10",
    "v1.11",  "v1.12",  "v1.13",  "v1.14",  "v1.15",  "v1.16",  "v1.17",  "v1.18",  "v1.19",
};

/* Features that clients look for by name. */
static const char *const features[] = {
    /* Element Web does not set up encryption without it. */
    "org.matrix.e2e_cross_signing",
    /* Stable by now; clients still ask by these names. */
    "com.beeper.msc4169",        /* redactions by /send */
    "fi.mau.msc2659.stable",     /* pings of application services */
    "org.matrix.msc2285.stable", /* private read receipts */
    "org.matrix.msc3391",        /* deleting account data */
    "org.matrix.msc3440.stable", /* threads */
    "org.matrix.msc3771",        /* … their receipts */
    "org.matrix.msc3773",        /* … their counts */
    "org.matrix.msc3827.stable", /* types of public rooms */
    "org.matrix.msc3874",        /* filters by relation */
    "org.matrix.msc3916.stable", /* media for those who are signed in */
    "org.matrix.msc3981",        /* relations of relations */
    "org.matrix.msc4380.stable", /* nobody may invite */
    "org.matrix.msc4222",        /* the state after the timeline */
    "uk.half-shot.msc2666.query_mutual_rooms",
    "uk.half-shot.msc2666.query_mutual_rooms.stable",
    "uk.tcpip.msc4133", /* profile fields */
    "uk.tcpip.msc4133.stable",
    "us.cloke.msc4175", /* … of which one is the time zone */
    "us.cloke.msc4175.stable",
    /* Not in the specification yet. */
    "org.matrix.msc3881", /* pushers can be switched off */
    "org.matrix.msc3814", /* dehydrated devices */
    "org.matrix.msc4140", /* delayed events: calls end when a client is gone */
    "org.matrix.msc4143", /* where calls go */
    "org.matrix.msc4155", /* invites by user and server */
    /* Sliding sync (MSC4186): Element X does not sign in without it. */
    "org.matrix.simplified_msc3575",
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
    if (config_current(req->call.services->config)->rooms.thread_subscriptions)
        json_object_set_new(flags, "org.matrix.msc4306", json_true()); /* MSC4308 too */
    if (config_current(req->call.services->config)->encryption.qr_login)
        json_object_set_new(flags, "org.matrix.msc4108", json_true()); /* rendezvous sessions */
    return respond(req, 200,
                   json_pack("{s:o, s:o}", "versions", names, "unstable_features", flags));
}
