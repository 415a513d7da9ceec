/* Look-ups in the configuration, and the holder that lets a reload swap it. */
#include "config/config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Every configuration that was ever current: readers keep pointers without a lock. */
struct generation {
    const struct config *config;
    struct generation *older;
};

struct config_holder {
    _Atomic(struct generation *) newest;
};

const struct config_domain *config_find_domain(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (strcmp(config->domains[i].name, name) == 0)
            return &config->domains[i];
    }
    return NULL;
}

bool config_hosts(const struct config *config, const char *server_name)
{
    return config_find_domain(config, server_name) != NULL;
}

bool config_hosts_user(const struct config *config, const char *user_id)
{
    const char *colon = strchr(user_id, ':');

    return colon != NULL && config_hosts(config, colon + 1);
}

struct config_holder *config_holder_create(const struct config *config_owned)
{
    struct config_holder *holder = calloc(1, sizeof(*holder));

    if (holder == NULL)
        abort();
    config_replace(holder, config_owned);
    return holder;
}

void config_holder_destroy(struct config_holder *holder)
{
    if (holder == NULL)
        return;
    struct generation *generation = atomic_load(&holder->newest);
    while (generation != NULL) {
        struct generation *older = generation->older;
        config_free(generation->config);
        free(generation);
        generation = older;
    }
    free(holder);
}

const struct config *config_current(const struct config_holder *holder)
{
    return atomic_load(&holder->newest)->config;
}

void config_replace(struct config_holder *holder, const struct config *config_owned)
{
    struct generation *generation = calloc(1, sizeof(*generation));

    if (generation == NULL)
        abort();
    generation->config = config_owned;
    generation->older = atomic_load(&holder->newest);
    while (!atomic_compare_exchange_weak(&holder->newest, &generation->older, generation))
        ;
}
