/*
 * Binding addresses and taking them off again.
 * Spec: client-server API, "Adding Account Administrative Contact Information".
 */
#include "homeserver/identity/identity_bindings.h"

#include <string.h>

#include "homeserver/protocol/json.h"
#include "storage/threepid_bindings.h"
#include "storage/threepids.h"

static const char success[] = "success", no_support[] = "no-support";

enum errcode identity_bind(struct call *call, const struct identity_owner *owner,
                           const struct identity_server *server, const char *sid,
                           const char *client_secret, json_t **out)
{
    TRY(identity_server_bind(call, server, owner->user_id, sid, client_secret, out));
    const struct threepid_binding binding = {
        .medium = json_get_string(*out, "medium"),
        .address = json_get_string(*out, "address"),
        .id_server = server->name,
    };
    if (binding.medium == NULL || binding.address == NULL)
        return fail(call->error, E_REMOTE, "%s does not say what it bound", server->name);
    return threepid_binding_insert(call->db, owner->user_nid, &binding);
}

static enum errcode unbind_one(struct call *call, const struct identity_owner *owner,
                               const struct threepid_binding *binding, const char **result)
{
    const struct identity_address address = {binding->medium, binding->address};
    enum errcode code = identity_server_unbind(call, binding->id_server, owner->user_id, &address);

    if (code != OK) {
        error_clear(call->error);
        *result = no_support;
        return code == E_SHUTDOWN ? code : OK;
    }
    return threepid_binding_delete(call->db, owner->user_nid, binding);
}

/* Those that concern `address`; NULL stands for all. */
static enum errcode unbind_known(struct call *call, const struct identity_owner *owner,
                                 const struct identity_address *address, const char **result_out)
{
    const struct threepid_binding *bindings;
    bool is_known = false;
    size_t count;

    TRY(threepid_bindings_load(call->db, call->arena, owner->user_nid, &bindings, &count));
    for (size_t i = 0; i < count; i++) {
        if (address != NULL && (strcmp(bindings[i].medium, address->medium) != 0 ||
                                strcmp(bindings[i].address, address->text) != 0))
            continue;
        is_known = true;
        TRY(unbind_one(call, owner, &bindings[i], result_out));
    }
    if (!is_known)
        *result_out = no_support;
    return OK;
}

enum errcode identity_unbind(struct call *call, const struct identity_owner *owner,
                             const char *server_name, const struct identity_address *address,
                             const char **result_out)
{
    *result_out = success;
    if (server_name == NULL)
        return unbind_known(call, owner, address, result_out);
    const struct threepid_binding binding = {address->medium, address->text, server_name};
    return unbind_one(call, owner, &binding, result_out);
}

enum errcode identity_unbind_all(struct call *call, const struct identity_owner *owner,
                                 const char *server_name, const char **result_out)
{
    const struct threepid *threepids;
    size_t count;

    *result_out = success;
    if (server_name == NULL)
        return unbind_known(call, owner, NULL, result_out);
    TRY(threepids_load(call->db, call->arena, owner->user_nid, &threepids, &count));
    for (size_t i = 0; i < count; i++) {
        const struct threepid_binding binding = {threepids[i].medium, threepids[i].address,
                                                 server_name};
        TRY(unbind_one(call, owner, &binding, result_out));
    }
    return OK;
}
