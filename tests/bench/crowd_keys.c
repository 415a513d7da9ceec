/* Signing in once more, with the keys that an encrypting client uploads. Servers may check the
 * signatures, so they are real; the texts are canonical JSON already. */
#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/random.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/ed25519.h"
#include "tests/bench/crowd.h"
#include "tests/bench/population.h"

enum { CONNECTIONS = 16, ONE_TIME_KEYS = 20 };

static bool make_login(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                       struct http_request *out)
{
    const struct bench *bench = context;

    population_login(arena, &bench->users[index], out);
    return true;
}

static void signed_in(void *context, int slot UNUSED, int64_t index,
                      const struct http_answer *answer)
{
    struct bench *bench = context;

    bench->users[index].token = answer_text(bench->arena, answer, "access_token");
    bench->users[index].device_id = answer_text(bench->arena, answer, "device_id");
}

static const char *base64(struct arena *arena, const void *bytes, size_t size)
{
    return base64_encode(arena, bytes, size, BASE64_STANDARD);
}

static const char *random_key(struct arena *arena)
{
    uint8_t bytes[ED25519_PUBLIC_KEY_BYTES];

    random_bytes(bytes, sizeof(bytes));
    return base64(arena, bytes, sizeof(bytes));
}

/* `canonical`, a JSON object, with its signature as one more member. */
static const char *sign(struct arena *arena, const struct bench_user *user,
                        const struct ed25519_key_pair *pair, const char *canonical)
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];

    ed25519_sign(pair, canonical, strlen(canonical), signature);
    return arena_printf(arena, "%.*s,\"signatures\":{\"%s\":{\"ed25519:%s\":\"%s\"}}}",
                        (int)strlen(canonical) - 1, canonical, user->user_id, user->device_id,
                        base64(arena, signature, sizeof(signature)));
}

static const char *device_keys(struct arena *arena, const struct bench_user *user,
                               const struct ed25519_key_pair *pair)
{
    return sign(arena, user, pair,
                arena_printf(arena,
                             "{\"algorithms\":[\"m.olm.v1.curve25519-aes-sha2\","
                             "\"m.megolm.v1.aes-sha2\"],\"device_id\":\"%s\",\"keys\":{"
                             "\"curve25519:%s\":\"%s\",\"ed25519:%s\":\"%s\"},\"user_id\":\"%s\"}",
                             user->device_id, user->device_id, random_key(arena), user->device_id,
                             base64(arena, pair->public_key.bytes, ED25519_PUBLIC_KEY_BYTES),
                             user->user_id));
}

static bool make_upload(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                        struct http_request *out)
{
    const struct bench *bench = context;
    const struct bench_user *user = &bench->users[index];
    uint8_t seed[ED25519_SEED_BYTES];
    struct ed25519_key_pair pair;
    struct strbuf body;

    random_bytes(seed, sizeof(seed));
    ed25519_key_pair_from_seed(&pair, seed);
    strbuf_init(&body, 0);
    strbuf_printf(&body, "{\"device_keys\":%s,\"one_time_keys\":{",
                  device_keys(arena, user, &pair));
    for (int i = 0; i < ONE_TIME_KEYS; i++)
        strbuf_printf(
            &body, "%s\"signed_curve25519:%d\":%s", i > 0 ? "," : "", i,
            sign(arena, user, &pair, arena_printf(arena, "{\"key\":\"%s\"}", random_key(arena))));
    strbuf_add_string(&body, "}}");
    ed25519_key_pair_finish(&pair);
    out->method = "POST";
    out->target = "/_matrix/client/v3/keys/upload";
    out->token = user->token;
    out->body = arena_strdup(arena, body.data);
    strbuf_finish(&body);
    return true;
}

bool crowd_sign_in(struct bench *bench)
{
    /* A server may put off those who come all at once; their clients try again. */
    struct work login = {.name = "sign in",
                         .patient = true,
                         .count = bench->user_count,
                         .width = CONNECTIONS,
                         .make = make_login,
                         .done = signed_in,
                         .context = bench};
    struct work upload = {.name = "keys uploaded",
                          .count = bench->user_count,
                          .width = CONNECTIONS,
                          .make = make_upload,
                          .context = bench};
    struct work_result *in = bench_result(bench);

    return work_run(bench, &login, in) && in->errors == 0 &&
           work_run(bench, &upload, bench_result(bench));
}
