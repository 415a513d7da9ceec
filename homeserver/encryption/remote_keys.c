/* Keys of other servers' users. */
#include "homeserver/encryption/remote_keys.h"

#include "config/config.h"
#include "federation/client/user_keys.h"
#include "homeserver/call.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"

/* server -> user -> what is wanted, of users that are not hosted here. On the arena. */
static json_t *by_server(struct call *call, json_t *wanted)
{
    const struct config *config = config_current(call->services->config);
    json_t *servers = json_on_arena(call->arena, json_object()), *devices;
    const char *user_id;

    json_object_foreach (wanted, user_id, devices) {
        if (user_id_is_valid(user_id) && !config_hosts_user(config, user_id))
            json_object_set(key_object_obtain(servers, identifier_domain(user_id)), user_id,
                            devices);
    }
    return servers;
}

/* Takes over what a server says about users that it was asked for. */
static void merge(json_t *into, const json_t *from, json_t *wanted)
{
    const char *user_id;
    json_t *value, *ignored;

    json_object_foreach (wanted, user_id, ignored) {
        (void)ignored;
        value = json_get_object(from, user_id);
        if (value != NULL)
            json_object_set(into, user_id, value);
    }
}

/* A server that can not be asked stays among the failures; what is ours ends the call. */
static bool is_ours(enum errcode outcome)
{
    return errcode_is_internal(outcome) && outcome != E_REMOTE && outcome != E_TIMEOUT;
}

enum errcode remote_keys_query(struct call *call, const char *origin, json_t *wanted,
                               json_t *answer)
{
    static const char *const members[] = {"device_keys", "master_keys", "self_signing_keys"};
    json_t *servers = by_server(call, wanted), *users, *theirs;
    const char *server_name;

    json_object_foreach (servers, server_name, users) {
        enum errcode outcome =
            federation_query_user_keys(call, origin, server_name, users, &theirs);
        if (is_ours(outcome))
            return outcome;
        error_clear(call->error);
        if (outcome != OK)
            continue;
        json_object_del(json_object_get(answer, "failures"), server_name);
        for (size_t i = 0; i < COUNT_OF(members); i++)
            merge(key_object_obtain(answer, members[i]), json_get_object(theirs, members[i]),
                  users);
    }
    return OK;
}

enum errcode remote_keys_claim(struct call *call, const char *origin, json_t *wanted, json_t *keys,
                               json_t *failures)
{
    json_t *servers = by_server(call, wanted), *users, *theirs;
    const char *server_name;

    json_object_foreach (servers, server_name, users) {
        enum errcode outcome =
            federation_claim_user_keys(call, origin, server_name, users, &theirs);
        if (is_ours(outcome))
            return outcome;
        error_clear(call->error);
        if (outcome != OK)
            continue;
        json_object_del(failures, server_name);
        merge(keys, json_get_object(theirs, "one_time_keys"), users);
    }
    return OK;
}
