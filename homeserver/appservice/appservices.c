/* The set of application services, and its replacement on SIGHUP. */
#include "homeserver/appservice/appservices.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/appservice_registration.h"
#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"

struct generation {
    struct appservice_set set;
    struct arena *arena;
    struct generation *older; /* readers may still hold it */
};

struct appservices {
    _Atomic(struct generation *) newest;
};

static struct generation *generation_create(void)
{
    struct arena *arena = arena_create();
    struct generation *generation = ARENA_NEW(arena, struct generation);

    generation->arena = arena;
    return generation;
}

static void generation_release(struct generation **generation)
{
    if (*generation != NULL)
        arena_destroy((*generation)->arena);
}

struct appservices *appservices_create(void)
{
    struct appservices *appservices = calloc(1, sizeof(*appservices));

    if (appservices == NULL)
        abort();
    atomic_store(&appservices->newest, generation_create());
    return appservices;
}

void appservices_destroy(struct appservices *appservices)
{
    if (appservices == NULL)
        return;
    struct generation *generation = atomic_load(&appservices->newest);
    while (generation != NULL) {
        struct generation *older = generation->older;
        arena_destroy(generation->arena);
        generation = older;
    }
    free(appservices);
}

const struct appservice_set *appservices_current(const struct appservices *appservices)
{
    return &atomic_load(&appservices->newest)->set;
}

static enum errcode make(struct arena *arena, const struct appservice_registration *from,
                         const char *server_name, struct error *error, struct appservice *out)
{
    struct namespaces *users, *aliases, *rooms;

    TRY(namespaces_compile(arena, &from->users, error, &users));
    TRY(namespaces_compile(arena, &from->aliases, error, &aliases));
    TRY(namespaces_compile(arena, &from->rooms, error, &rooms));
    *out = (struct appservice){
        .id = from->id,
        .url = from->url,
        .hs_token = from->hs_token,
        .sender = user_id_make(arena, from->sender_localpart, server_name),
        .users = users,
        .aliases = aliases,
        .rooms = rooms,
        .protocols = from->protocols,
        .protocol_count = from->protocol_count,
        .is_rate_limited = from->is_rate_limited,
        .receives_ephemeral = from->receives_ephemeral,
        .wants_encryption_fields = from->wants_encryption_fields,
    };
    sha256(from->as_token, strlen(from->as_token), out->as_token_hash);
    if (!user_id_is_compliant(out->sender))
        return fail(error, M_INVALID_PARAM, "The sender_localpart of %.100s is not valid.",
                    from->id);
    return OK;
}

/* Spec: "each as_token and id MUST be unique per application service". */
static enum errcode check_distinct(const struct appservice *items, size_t i, struct error *error)
{
    for (size_t j = 0; j < i; j++) {
        if (strcmp(items[i].id, items[j].id) == 0)
            return fail(error, M_INVALID_PARAM, "Two application services have the id %.100s.",
                        items[i].id);
        if (memcmp(items[i].as_token_hash, items[j].as_token_hash, SHA256_BYTES) == 0)
            return fail(error, M_INVALID_PARAM, "%.100s and %.100s have the same as_token.",
                        items[i].id, items[j].id);
    }
    return OK;
}

/* Whether two expressions overlap can not be decided; the usual mistake, a copied file, can. */
static enum errcode check_exclusive(const struct appservice *items, size_t i,
                                    const struct appservice_registration *all, struct error *error)
{
    for (size_t j = 0; j < i; j++) {
        if (namespaces_match_exclusively(items[j].users, items[i].sender))
            return fail(error, M_INVALID_PARAM, "The sender of %.100s belongs to %.100s.",
                        items[i].id, items[j].id);
        for (size_t k = 0; k < all[i].users.count * all[j].users.count; k++) {
            const struct appservice_namespace *mine = &all[i].users.items[k / all[j].users.count];
            const struct appservice_namespace *other = &all[j].users.items[k % all[j].users.count];
            if (mine->is_exclusive && other->is_exclusive && strcmp(mine->regex, other->regex) == 0)
                return fail(error, M_INVALID_PARAM,
                            "%.100s and %.100s both want the users %.100s for themselves.",
                            items[i].id, items[j].id, mine->regex);
        }
    }
    return OK;
}

static enum errcode read_all(struct generation *generation, const struct config *config,
                             struct error *error)
{
    size_t count = config->appservice_file_count;
    struct arena *arena = generation->arena;
    struct appservice *items = ARENA_ARRAY(arena, count, struct appservice);
    struct appservice_registration *all = ARENA_ARRAY(arena, count, struct appservice_registration);

    if (count > APPSERVICES_MAX)
        return fail(error, M_INVALID_PARAM, "There can be %d application services.",
                    APPSERVICES_MAX);
    for (size_t i = 0; i < count; i++) {
        TRY(appservice_registration_read(arena, config->appservice_files[i], error, &all[i]));
        TRY(make(arena, &all[i], config->domains[0].name, error, &items[i]));
        items[i].index = i;
        TRY(check_distinct(items, i, error));
        TRY(check_exclusive(items, i, all, error));
    }
    generation->set.items = items;
    generation->set.count = count;
    return OK;
}

enum errcode appservices_load(struct appservices *appservices, const struct config *config,
                              struct error *error)
{
    SCOPED(generation_release) struct generation *generation = generation_create();

    TRY(read_all(generation, config, error));
    generation->older = atomic_load(&appservices->newest);
    generation->set.generation = generation->older->set.generation + 1;
    atomic_store(&appservices->newest, generation);
    generation = NULL;
    return OK;
}

const struct appservice *appservice_by_token(const struct appservice_set *set, const char *token)
{
    const struct appservice *found = NULL;
    uint8_t hash[SHA256_BYTES];

    if (set->count == 0)
        return NULL;
    sha256(token, strlen(token), hash);
    for (size_t i = 0; i < set->count; i++) {
        if (memcmp(set->items[i].as_token_hash, hash, SHA256_BYTES) == 0)
            found = &set->items[i];
    }
    return found;
}

const struct appservice *appservice_by_id(const struct appservice_set *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->items[i].id, id) == 0)
            return &set->items[i];
    }
    return NULL;
}

bool appservice_owns_user(const struct appservice *appservice, const char *user_id)
{
    return strcmp(appservice->sender, user_id) == 0 || namespaces_match(appservice->users, user_id);
}

static bool is_other(const struct appservice *appservice, const char *appservice_id)
{
    return appservice_id == NULL || strcmp(appservice->id, appservice_id) != 0;
}

static enum errcode refuse(const struct appservice *appservice, const char *what,
                           struct error *error)
{
    return fail(error, M_EXCLUSIVE, "%.100s is reserved by the application service %.100s.", what,
                appservice->id);
}

enum errcode appservices_check_user(const struct appservice_set *set, const char *user_id,
                                    const char *appservice_id, struct error *error)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct appservice *item = &set->items[i];
        if (is_other(item, appservice_id) && (strcmp(item->sender, user_id) == 0 ||
                                              namespaces_match_exclusively(item->users, user_id)))
            return refuse(item, user_id, error);
    }
    return OK;
}

enum errcode appservices_check_alias(const struct appservice_set *set, const char *alias,
                                     const char *appservice_id, struct error *error)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct appservice *item = &set->items[i];
        if (is_other(item, appservice_id) && namespaces_match_exclusively(item->aliases, alias))
            return refuse(item, alias, error);
    }
    return OK;
}
