/* Keys of other servers' users. */
#include "homeserver/encryption/remote_keys.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/singleflight.h"
#include "homeserver/call.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/encryption/remote_device_lists.h"
#include "homeserver/protocol/device_keys.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/remote_device_lists.h"
#include "storage/users.h"

enum {
    SERVERS_MAX = 2000, /* asked in one request */
    /* Whole lists fetched for one request, one question each: others are asked for together with
     * their server's other users, and fetched another time. */
    LISTS_MAX = 100,
};

typedef ARRAY_OF(struct federation_question) question_array;

json_t *remote_keys_wanted(struct call *call, json_t *wanted)
{
    const struct config *config = config_current(call->services->config);
    json_t *remote = json_on_arena(call->arena, json_object()), *devices;
    const char *user_id;

    json_object_foreach (wanted, user_id, devices) {
        if (user_id_is_valid(user_id) && !config_hosts_user(config, user_id))
            json_object_set(remote, user_id, devices);
    }
    return remote;
}

/* server -> user -> what is wanted. On the arena. */
static json_t *by_server(struct call *call, json_t *wanted, json_t *failures)
{
    json_t *servers = json_on_arena(call->arena, json_object()), *devices;
    const char *user_id;

    json_object_foreach (wanted, user_id, devices) {
        const char *server_name = identifier_domain(user_id);
        if (json_object_get(servers, server_name) == NULL &&
            json_object_size(servers) == SERVERS_MAX)
            key_failure_add(failures, user_id);
        else
            json_object_set(key_object_obtain(servers, server_name), user_id, devices);
    }
    return servers;
}

/* ── What servers say about users whom they were asked for ───────────────────────────────────── */

static void take_devices(json_t *into, json_t *devices, const char *user_id)
{
    json_t *taken = key_object_obtain(into, user_id), *keys;
    const char *device_id;
    struct error why = {0};

    json_object_foreach (devices, device_id, keys) {
        if (device_keys_check(keys, user_id, device_id, &why) == OK)
            json_object_set(taken, device_id, keys);
    }
}

static void take_signing_key(json_t *into, const json_t *from, const char *user_id,
                             enum cross_signing_usage usage)
{
    json_t *json = json_get_object(from, user_id);
    struct cross_signing_key key;
    struct error why = {0};

    if (json != NULL && cross_signing_key_parse(json, user_id, usage, &why, &key) == OK)
        json_object_set(into, user_id, json);
}

static void take_query_answer(json_t *told, const json_t *answer, json_t *wanted)
{
    const char *user_id;
    json_t *ignored;

    json_object_foreach (wanted, user_id, ignored) {
        (void)ignored;
        take_devices(key_object_obtain(told, "device_keys"),
                     json_get_object(json_get_object(answer, "device_keys"), user_id), user_id);
        take_signing_key(key_object_obtain(told, "master_keys"),
                         json_get_object(answer, "master_keys"), user_id, CROSS_SIGNING_MASTER);
        take_signing_key(key_object_obtain(told, "self_signing_keys"),
                         json_get_object(answer, "self_signing_keys"), user_id,
                         CROSS_SIGNING_SELF_SIGNING);
    }
}

/* Only what was asked for. */
static void take_claimed(json_t *into, const json_t *from, const char *user_id, json_t *wanted)
{
    json_t *algorithm, *key;
    const char *device_id, *key_id;
    struct error why = {0};

    json_object_foreach (wanted, device_id, algorithm) {
        (void)algorithm;
        json_object_foreach (json_get_object(from, device_id), key_id, key) {
            if (one_time_key_check(key_id, key, &why) == OK)
                json_object_set(key_object_obtain(key_object_obtain(into, user_id), device_id),
                                key_id, key);
        }
    }
}

static void take_claim_answer(json_t *keys, const json_t *answer, json_t *wanted)
{
    const json_t *theirs = json_get_object(answer, "one_time_keys");
    const char *user_id;
    json_t *devices;

    json_object_foreach (wanted, user_id, devices)
        take_claimed(keys, json_get_object(theirs, user_id), user_id, devices);
}

typedef struct federation_question (*ask_fn)(struct call *call, const struct key_asker *asker,
                                             const char *destination, json_t *wanted);
typedef void (*take_fn)(json_t *into, const json_t *answer, json_t *wanted);

/* One question to each server. */
static enum errcode ask_servers(struct call *call, json_t *servers, question_array questions,
                                take_fn take, json_t *into, json_t *failures)
{
    size_t i = 0;
    const char *server_name;
    json_t *users;

    TRY(federation_fetch_many(call, questions.items, questions.count));
    json_object_foreach (servers, server_name, users) {
        const struct federation_question *question = &questions.items[i++];
        if (question->outcome == OK)
            take(into, question->answer, users);
        else
            key_failure_add(failures, json_object_iter_key(json_object_iter(users)));
    }
    return OK;
}

static question_array build_questions(struct call *call, const struct key_asker *asker, ask_fn ask,
                                      json_t *servers)
{
    question_array questions = {0};
    const char *server_name;
    json_t *users;

    json_object_foreach (servers, server_name, users)
        array_push(call->arena, &questions, ask(call, asker, server_name, users));
    return questions;
}

/* ── Lists that are kept ─────────────────────────────────────────────────────────────────────── */

/* The users of a query. */
struct sorting {
    struct call *call;
    const struct key_asker *asker;
    json_t *wanted, *failures;
    ARRAY_OF(const char *) stored;
    ARRAY_OF(const char *) to_fetch;
    ARRAY_OF(int64_t) to_fetch_nids;
    ARRAY_OF(bool) is_stored; /* parallel: an old list is better than none */
    json_t *to_ask;
};

static void ask_server_for(struct sorting *sorting, const char *user_id)
{
    json_object_set(sorting->to_ask, user_id, json_object_get(sorting->wanted, user_id));
}

static enum errcode sort_users(struct sorting *sorting, const char *const *user_ids, size_t count)
{
    struct call *call = sorting->call;
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);
    struct remote_device_list *lists;

    sorting->to_fetch.count = sorting->to_fetch_nids.count = sorting->is_stored.count = 0;
    TRY(user_nids_find(call->db, call->arena, user_ids, count, nids));
    TRY(remote_device_lists_load(call->db, call->arena, nids, count, &lists));
    for (size_t i = 0; i < count; i++) {
        if (lists[i].is_fresh) {
            array_push(call->arena, &sorting->stored, user_ids[i]);
        } else if (lists[i].is_shared && sorting->to_fetch.count < LISTS_MAX) {
            array_push(call->arena, &sorting->to_fetch, user_ids[i]);
            array_push(call->arena, &sorting->to_fetch_nids, nids[i]);
            array_push(call->arena, &sorting->is_stored, lists[i].is_stored);
        } else {
            ask_server_for(sorting, user_ids[i]);
        }
    }
    return OK;
}

static enum errcode take_list(struct sorting *sorting, const struct federation_question *question,
                              const struct device_list_fetch *fetch, bool is_stored)
{
    struct call *call = sorting->call;
    enum errcode taken = question->outcome;

    if (taken == OK)
        taken = remote_device_list_store(call, fetch);
    if (taken == OK || (errcode_is_internal(question->outcome) && is_stored))
        array_push(call->arena, &sorting->stored, fetch->user_id);
    if (errcode_is_internal(question->outcome))
        key_failure_add(sorting->failures, fetch->user_id);
    else if (taken != OK && !errcode_is_internal(taken))
        ask_server_for(sorting, fetch->user_id);
    error_clear(call->error);
    return question->outcome == OK && errcode_is_internal(taken) ? taken : OK;
}

static enum errcode fetch_lists(struct sorting *sorting)
{
    struct call *call = sorting->call;
    const size_t count = sorting->to_fetch.count;
    const int64_t tracked_position = journal_position(call->services->journal);
    question_array questions = {0};
    int64_t *generations;

    if (count == 0)
        return OK;
    TRY(remote_device_lists_begin(call->db, call->arena, sorting->to_fetch_nids.items, count,
                                  &generations));
    for (size_t i = 0; i < count; i++)
        array_push(call->arena, &questions,
                   federation_user_devices(call, sorting->asker, sorting->to_fetch.items[i]));
    TRY(federation_fetch_many(call, questions.items, count));
    for (size_t i = 0; i < count; i++) {
        const struct device_list_fetch fetch = {
            .user_id = sorting->to_fetch.items[i],
            .user_nid = sorting->to_fetch_nids.items[i],
            .generation = generations[i],
            .tracked_position = tracked_position,
            .answer = questions.items[i].answer,
        };
        TRY(take_list(sorting, &questions.items[i], &fetch, sorting->is_stored.items[i]));
    }
    /* Read again in a moment, together with all the others. */
    return commit_group_wait(call->commits);
}

static enum errcode sort_and_fetch(struct sorting *sorting, const char *const *user_ids,
                                   size_t count)
{
    TRY(sort_users(sorting, user_ids, count));
    return fetch_lists(sorting);
}

/* A new device in a large room makes all its clients ask at once: one of them fetches the list, and
 * the others wait for it, as long as their clients do. Whether it came is looked up afterwards; if
 * not, each tries once itself. */
static enum errcode fetch_once(struct sorting *sorting)
{
    struct singleflight *flights = sorting->call->services->device_lists;
    const int64_t until_ms = clock_monotonic_ms() + sorting->asker->timeout_ms;
    ARRAY_OF(const char *) mine = {0};
    ARRAY_OF(const char *) others = {0};

    for (size_t i = 0; i < sorting->to_fetch.count; i++) {
        if (singleflight_begin(flights, sorting->to_fetch.items[i]))
            array_push(sorting->call->arena, &mine, sorting->to_fetch.items[i]);
        else
            array_push(sorting->call->arena, &others, sorting->to_fetch.items[i]);
    }
    /* Sorted again: another may just have landed. */
    enum errcode fetched = sort_and_fetch(sorting, mine.items, mine.count);
    for (size_t i = 0; i < mine.count; i++)
        singleflight_end(flights, mine.items[i]);
    TRY(fetched);
    for (size_t i = 0; i < others.count; i++)
        singleflight_wait(flights, others.items[i], until_ms);
    return sort_and_fetch(sorting, others.items, others.count);
}

static const char **user_ids_of(struct call *call, json_t *wanted)
{
    const char **user_ids = ARENA_ARRAY(call->arena, json_object_size(wanted), const char *);
    const char *user_id;
    json_t *devices;
    size_t i = 0;

    json_object_foreach (wanted, user_id, devices) {
        (void)devices;
        user_ids[i++] = user_id;
    }
    return user_ids;
}

enum errcode remote_keys_query(struct call *call, const struct key_asker *asker, json_t *wanted,
                               json_t *failures, struct remote_keys *out)
{
    struct sorting sorting = {
        .call = call,
        .asker = asker,
        .wanted = wanted,
        .failures = failures,
        .to_ask = json_on_arena(call->arena, json_object()),
    };

    *out = (struct remote_keys){.told = json_on_arena(call->arena, json_object())};
    if (json_object_size(wanted) == 0)
        return OK;
    TRY(sort_users(&sorting, user_ids_of(call, wanted), json_object_size(wanted)));
    if (sorting.to_fetch.count > 0)
        TRY(fetch_once(&sorting));
    json_t *servers = by_server(call, sorting.to_ask, failures);
    TRY(ask_servers(call, servers,
                    build_questions(call, asker, federation_user_keys_query, servers),
                    take_query_answer, out->told, failures));
    out->stored_user_ids = sorting.stored.items;
    out->stored_count = sorting.stored.count;
    return OK;
}

enum errcode remote_keys_claim(struct call *call, const struct key_asker *asker, json_t *wanted,
                               json_t *keys, json_t *failures)
{
    json_t *servers = by_server(call, wanted, failures);

    return ask_servers(call, servers,
                       build_questions(call, asker, federation_user_keys_claim, servers),
                       take_claim_answer, keys, failures);
}
