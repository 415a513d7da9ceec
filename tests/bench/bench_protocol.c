/*
 * What one event costs in the protocol core, one line each.
 *
 *     bench_protocol [repeats]
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"
#include "tests/support/builders.h"
#include "tests/support/room_script.h"

enum { REPEATS_DEFAULT = 20000 };

struct bench {
    struct arena *arena;
    struct script_room *room;
    struct signing_key key;
    const struct event *message; /* sealed */
    json_t *draft;               /* the same without hashes and signatures */
};

static void prepare(struct bench *bench)
{
    const uint8_t seed[ED25519_SEED_BYTES] = {1};

    bench->key.key_id = "ed25519:1";
    ed25519_key_pair_from_seed(&bench->key.pair, seed);
    bench->room = script_room_create(bench->arena, room_version_find(ROOM_VERSION_DEFAULT));
    bench->room->seals_events = true;
    if (!script_room_play(bench->room, "@a create; @a join; @a power ban 50; @a rules public;"
                                       "@b join; @b send m.room.message")) {
        fprintf(stderr, "%s\n", bench->room->problem);
        exit(1);
    }
    bench->message = script_room_last(bench->room);
    bench->draft = json_on_arena(bench->arena, json_deep_copy(bench->message->json));
    json_object_del(bench->draft, "hashes");
    json_object_del(bench->draft, "signatures");
    if (event_sign(bench->room->version, bench->message->json, "one", &bench->key) != OK)
        exit(1);
}

static bool find_key(void *context, const char *server_name, const char *key_id,
                     struct verify_key *out)
{
    const struct bench *bench = context;

    (void)server_name;
    (void)key_id;
    *out = (struct verify_key){.key = bench->key.pair.public_key, .valid_until_ts = INT64_MAX};
    return true;
}

static bool seal_once(struct bench *bench)
{
    SCOPED(json_decrefp) json_t *event = json_deep_copy(bench->draft);

    return event_seal(bench->room->version, event, "one", &bench->key) == OK;
}

static bool verify_once(struct bench *bench)
{
    return event_verify_signatures(bench->message, find_key, bench, NULL) == OK;
}

static const struct event *lookup(void *context, const char *type, const char *state_key)
{
    return script_room_state(context, type, state_key);
}

static bool authorise_once(struct bench *bench)
{
    const struct auth_state state = {
        .lookup = lookup,
        .context = bench->room,
        .create = bench->room->create,
    };
    const char *why;

    return auth_rules_check(bench->message, &state, &why);
}

static void measure(struct bench *bench, const char *what, bool (*once)(struct bench *bench),
                    long repeats)
{
    int64_t started_us = clock_monotonic_us();

    for (long i = 0; i < repeats; i++) {
        if (!once(bench)) {
            fprintf(stderr, "%s failed\n", what);
            exit(1);
        }
    }
    int64_t spent_us = clock_monotonic_us() - started_us;
    printf("%-40s %8.2f us\n", what, (double)spent_us / (double)repeats);
}

int main(int argc, char **argv)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct bench bench = {.arena = arena};
    long repeats = argc > 1 ? strtol(argv[1], NULL, 10) : REPEATS_DEFAULT;

    prepare(&bench);
    measure(&bench, "canonicalise, hash and sign an event", seal_once, repeats);
    measure(&bench, "verify its signature", verify_once, repeats);
    measure(&bench, "check it against the auth rules", authorise_once, repeats);
    return 0;
}
