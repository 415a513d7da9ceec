/* Spec: client-server API, "Capabilities negotiation" (capabilities.yaml). */
#include "config/config.h"
#include "homeserver/accounts/mailer.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/rooms/delayed_events.h"
#include "homeserver/services.h"

static json_t *room_versions_json(const struct config *config)
{
    json_t *available = json_object();

    for (size_t i = 0; i < room_version_count; i++)
        json_object_set_new(available, room_versions[i].id,
                            json_string(room_versions[i].is_unstable ? "unstable" : "stable"));
    return json_pack("{s:s, s:o}", "default", config->rooms.default_version, "available",
                     available);
}

static void add_switch(json_t *capabilities, const char *name, bool enabled)
{
    json_object_set_new(capabilities, name, json_pack("{s:b}", "enabled", enabled));
}

/* GET /_matrix/client/v3/capabilities */
enum errcode client_get_capabilities(struct request *req)
{
    const struct config *config = config_current(req->call.services->config);
    json_t *capabilities = json_object();

    json_object_set_new(capabilities, "m.room_versions", room_versions_json(config));
    add_switch(capabilities, "m.change_password", true);
    add_switch(capabilities, "m.set_displayname", true);
    add_switch(capabilities, "m.set_avatar_url", true);
    add_switch(capabilities, "m.profile_fields", true);
    add_switch(capabilities, "uk.tcpip.msc4133.profile_fields", true); /* its name before v1.16 */
    add_switch(capabilities, "m.3pid_changes", mailer_is_on(&req->call));
    add_switch(capabilities, "m.get_login_token", true);
    json_object_set_new(capabilities, "org.matrix.msc4140.delayed_events",
                        json_pack("{s:i, s:i}", "max_delay_ms", DELAYED_EVENT_MS_MAX,
                                  "max_scheduled", DELAYED_EVENTS_PER_USER_MAX));
    if (req->requester.is_admin)
        json_object_set_new(capabilities, "m.account_moderation",
                            json_pack("{s:b, s:b}", "suspend", 1, "lock", 1));
    return respond(req, 200, json_pack("{s:o}", "capabilities", capabilities));
}
