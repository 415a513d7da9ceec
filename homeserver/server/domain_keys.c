/* From key files to the keys that sign events. */
#include "homeserver/server/domain_keys.h"

#include "config/config.h"
#include "config/signing_key_file.h"
#include "homeserver/base/arena.h"
#include "homeserver/rooms/room_service.h"

static enum errcode read_key(struct arena *arena, const struct config_domain *domain,
                             struct error *error, struct domain_key *out)
{
    const struct signing_key_seed *seeds;
    size_t count;

    TRY(signing_key_file_read(arena, domain->signing_key_file, error, &seeds, &count));
    out->server_name = domain->name;
    out->key.key_id = arena_printf(arena, "ed25519:%s", seeds[0].version);
    ed25519_key_pair_from_seed(&out->key.pair, seeds[0].seed);
    return OK;
}

enum errcode domain_keys_read(struct arena *arena, const struct config *config, struct error *error,
                              struct domain_key **out)
{
    struct domain_key *keys = ARENA_ARRAY(arena, config->domain_count, struct domain_key);

    for (size_t i = 0; i < config->domain_count; i++)
        TRY(read_key(arena, &config->domains[i], error, &keys[i]));
    *out = keys;
    return OK;
}
