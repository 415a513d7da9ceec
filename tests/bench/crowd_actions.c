/*
 * What people do on a Monday, and how often. Nobody publishes such a mix; this one follows what the
 * clients send: a receipt and a read marker for what is read, typing before and after a message,
 * and keys of others from time to time.
 */
#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"
#include "tests/bench/crowd.h"
#include "tests/bench/population.h"

#define CLIENT "/_matrix/client/v3"

enum { QUERIED_USERS = 5 };

static const struct bench_user *some_member(const struct crowd *crowd, int64_t room)
{
    int64_t users = crowd->bench->user_count;

    return population_member(crowd->bench, room, random_below((uint32_t)users));
}

static bool send_message(struct crowd *crowd, int64_t room, int64_t member, struct arena *arena,
                         struct http_request *out)
{
    population_message(crowd->bench, arena, room, population_member(crowd->bench, room, member),
                       out);
    return true;
}

static bool put_typing(struct crowd *crowd, int64_t room, int64_t member, struct arena *arena,
                       struct http_request *out)
{
    const struct bench_user *user = population_member(crowd->bench, room, member);

    out->method = "PUT";
    out->target = arena_printf(arena, CLIENT "/rooms/%s/typing/%s", crowd->bench->rooms[room],
                               percent_encode(arena, user->user_id));
    out->body = crowd->bench->transaction++ % 2 == 0 ? "{\"typing\":true,\"timeout\":20000}"
                                                     : "{\"typing\":false}";
    return true;
}

static bool post_receipt(struct crowd *crowd, int64_t room, int64_t member UNUSED,
                         struct arena *arena, struct http_request *out)
{
    if (crowd->last_events[room] == NULL)
        return false;
    out->method = "POST";
    out->target =
        arena_printf(arena, CLIENT "/rooms/%s/receipt/m.read/%s", crowd->bench->rooms[room],
                     percent_encode(arena, crowd->last_events[room]));
    out->body = "{}";
    return true;
}

static bool post_read_marker(struct crowd *crowd, int64_t room, int64_t member UNUSED,
                             struct arena *arena, struct http_request *out)
{
    if (crowd->last_events[room] == NULL)
        return false;
    out->method = "POST";
    out->target = arena_printf(arena, CLIENT "/rooms/%s/read_markers", crowd->bench->rooms[room]);
    out->body = arena_printf(arena, "{\"m.fully_read\":\"%s\"}", crowd->last_events[room]);
    return true;
}

static bool scroll_back(struct crowd *crowd, int64_t room, int64_t member UNUSED,
                        struct arena *arena, struct http_request *out)
{
    out->method = "GET";
    out->target =
        arena_printf(arena, CLIENT "/rooms/%s/messages?dir=b&limit=20", crowd->bench->rooms[room]);
    return true;
}

static bool react(struct crowd *crowd, int64_t room, int64_t member UNUSED, struct arena *arena,
                  struct http_request *out)
{
    struct bench *bench = crowd->bench;
    int64_t number = bench->transaction++;

    if (crowd->last_events[room] == NULL)
        return false;
    out->method = "PUT";
    out->target = arena_printf(arena, CLIENT "/rooms/%s/send/m.reaction/%s.%" PRId64,
                               bench->rooms[room], bench->run, number);
    /* The same person may not react to the same event twice with the same key. */
    out->body = arena_printf(arena,
                             "{\"m.relates_to\":{\"rel_type\":\"m.annotation\",\"event_id\":\"%s\","
                             "\"key\":\"%" PRId64 "\"}}",
                             crowd->last_events[room], number);
    return true;
}

static bool send_to_device(struct crowd *crowd, int64_t room, int64_t member UNUSED,
                           struct arena *arena, struct http_request *out)
{
    struct bench *bench = crowd->bench;

    out->method = "PUT";
    out->target = arena_printf(arena, CLIENT "/sendToDevice/m.room.encrypted/%s.%" PRId64,
                               bench->run, bench->transaction++);
    out->body = arena_printf(
        arena,
        "{\"messages\":{\"%s\":{\"*\":{\"algorithm\":\"m.olm.v1.curve25519-aes-sha2\","
        "\"ciphertext\":{},\"sender_key\":\"the key of a session, as long as one\"}}}}",
        some_member(crowd, room)->user_id);
    return true;
}

static bool query_keys(struct crowd *crowd, int64_t room, int64_t member, struct arena *arena,
                       struct http_request *out)
{
    const char *users = "";

    for (int64_t i = 0; i < QUERIED_USERS && i < crowd->bench->user_count; i++)
        users = arena_printf(arena, "%s%s\"%s\":[]", users, i > 0 ? "," : "",
                             population_member(crowd->bench, room, member + i)->user_id);
    out->method = "POST";
    out->target = CLIENT "/keys/query";
    out->body = arena_printf(arena, "{\"device_keys\":{%s}}", users);
    return true;
}

static bool claim_key(struct crowd *crowd, int64_t room, int64_t member UNUSED, struct arena *arena,
                      struct http_request *out)
{
    const struct bench_user *other = some_member(crowd, room);

    out->method = "POST";
    out->target = CLIENT "/keys/claim";
    out->body = arena_printf(arena, "{\"one_time_keys\":{\"%s\":{\"%s\":\"signed_curve25519\"}}}",
                             other->user_id, other->device_id);
    return true;
}

static bool list_members(struct crowd *crowd, int64_t room, int64_t member UNUSED,
                         struct arena *arena, struct http_request *out)
{
    out->method = "GET";
    out->target = arena_printf(arena, CLIENT "/rooms/%s/members?not_membership=leave",
                               crowd->bench->rooms[room]);
    return true;
}

static bool load_profile(struct crowd *crowd, int64_t room, int64_t member UNUSED,
                         struct arena *arena, struct http_request *out)
{
    out->method = "GET";
    out->target = arena_printf(arena, CLIENT "/profile/%s",
                               percent_encode(arena, some_member(crowd, room)->user_id));
    return true;
}

const struct crowd_action crowd_actions[CROWD_ACTIONS] = {
    {"send", 10, send_message},       {"typing", 20, put_typing},
    {"receipt", 24, post_receipt},    {"read marker", 12, post_read_marker},
    {"scroll back", 8, scroll_back},  {"reaction", 4, react},
    {"to-device", 8, send_to_device}, {"key query", 4, query_keys},
    {"key claim", 3, claim_key},      {"members", 3, list_members},
    {"profile", 4, load_profile},
};
