/* Making users, rooms and history. */
#include "tests/bench/population.h"

#include <inttypes.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"

#define CLIENT   "/_matrix/client/v3"
#define PASSWORD "correct horse battery staple"

enum { SETUP_CONNECTIONS = 16, MESSAGE_BYTES = 100 };

const char *answer_text(struct arena *arena, const struct http_answer *answer, const char *name)
{
    const char *key = arena_printf(arena, "\"%s\":", name);
    const char *at = memmem(answer->body, answer->size, key, strlen(key));

    if (at == NULL)
        return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    if (*at != '"')
        return NULL;
    return arena_strndup(arena, at + 1, strcspn(at + 1, "\""));
}

const char *percent_encode(struct arena *arena, const char *text)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    for (const char *c = text; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-._~", *c) != NULL;
        if (plain)
            strbuf_add_char(&out, *c);
        else
            strbuf_printf(&out, "%%%02X", (unsigned)(unsigned char)*c);
    }
    const char *result = arena_strdup(arena, out.data);
    strbuf_finish(&out);
    return result;
}

static int setup_width(int64_t count)
{
    return count < SETUP_CONNECTIONS ? (int)count : SETUP_CONNECTIONS;
}

static bool run_setup(struct bench *bench, struct work *work)
{
    struct work_result *result = ARENA_NEW(bench->arena, struct work_result);

    work->context = bench;
    work->patient = true;
    work->width = setup_width(work->count);
    return work->count == 0 || (work_run(bench, work, result) && result->errors == 0);
}

/* ── Users ── */

static bool make_user(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                      struct http_request *out)
{
    const struct bench *bench = context;

    out->method = "POST";
    out->target = CLIENT "/register";
    out->body = arena_printf(arena,
                             "{\"username\":\"%s-%" PRId64 "\",\"password\":\"" PASSWORD
                             "\",\"auth\":{\"type\":\"m.login.dummy\"}}",
                             bench->run, index);
    return true;
}

static void user_made(void *context, int slot UNUSED, int64_t index,
                      const struct http_answer *answer)
{
    struct bench *bench = context;

    bench->users[index].user_id = answer_text(bench->arena, answer, "user_id");
    bench->users[index].device_id = answer_text(bench->arena, answer, "device_id");
    bench->users[index].token = answer_text(bench->arena, answer, "access_token");
}

bool population_users(struct bench *bench, int64_t count)
{
    struct work work = {
        .name = "registering users", .count = count, .make = make_user, .done = user_made};

    bench->users = ARENA_ARRAY(bench->arena, (size_t)count, struct bench_user);
    bench->user_count = count;
    return run_setup(bench, &work);
}

void population_login(struct arena *arena, const struct bench_user *user, struct http_request *out)
{
    out->method = "POST";
    out->target = CLIENT "/login";
    out->body = arena_printf(arena,
                             "{\"type\":\"m.login.password\",\"password\":\"" PASSWORD
                             "\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"%s\"}}",
                             user->user_id);
}

/* ── Rooms ── */

const struct bench_user *population_member(const struct bench *bench, int64_t room, int64_t k)
{
    return &bench->users[(room + k) % bench->user_count];
}

const struct bench_user *population_creator(const struct bench *bench, int64_t room)
{
    return population_member(bench, room, 0);
}

static bool make_room(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                      struct http_request *out)
{
    const struct bench *bench = context;

    out->method = "POST";
    out->target = CLIENT "/createRoom";
    out->token = population_creator(bench, index)->token;
    out->body = arena_printf(arena, "{\"preset\":\"public_chat\",\"name\":\"%s %" PRId64 "\"}",
                             bench->run, index);
    return true;
}

static void room_made(void *context, int slot UNUSED, int64_t index,
                      const struct http_answer *answer)
{
    struct bench *bench = context;
    const char *room_id = answer_text(bench->arena, answer, "room_id");

    bench->rooms[index] = percent_encode(bench->arena, room_id != NULL ? room_id : "");
}

bool population_rooms(struct bench *bench, int64_t count)
{
    struct work work = {
        .name = "creating rooms", .count = count, .make = make_room, .done = room_made};

    bench->rooms = ARENA_ARRAY(bench->arena, (size_t)count, const char *);
    bench->room_count = count;
    return run_setup(bench, &work);
}

/* ── Members ── */

/* Room by room varies fastest: joins of one room follow each other under its lock, so sixteen
 * connections should be in sixteen rooms. */
static bool make_join(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                      struct http_request *out)
{
    const struct bench *bench = context;
    int64_t room = index % bench->room_count, member = index / bench->room_count;

    out->method = "POST";
    out->target = arena_printf(arena, CLIENT "/join/%s", bench->rooms[room]);
    out->token = population_member(bench, room, 1 + member)->token;
    out->body = "{}";
    return true;
}

bool population_join(struct bench *bench, int64_t members)
{
    struct work work = {
        .name = "joining rooms", .count = members * bench->room_count, .make = make_join};

    return run_setup(bench, &work);
}

/* ── Messages ── */

void population_message(struct bench *bench, struct arena *arena, int64_t room,
                        const struct bench_user *sender, struct http_request *out)
{
    static const char words[] = "The minutes of the meeting are in the usual folder; please "
                                "check the second page and tell me what is missing before noon. ";
    size_t wanted = (size_t)bench_option(bench->options.bytes, MESSAGE_BYTES);
    int64_t number = bench->transaction++;
    struct strbuf body;

    strbuf_init(&body, 0);
    strbuf_printf(&body, "{\"msgtype\":\"m.text\",\"body\":\"@@%" PRId64 " %" PRId64 " ",
                  clock_monotonic_us(), number);
    for (size_t i = 0; i < wanted; i++)
        strbuf_add_char(&body, words[i % (sizeof(words) - 1)]);
    strbuf_add_string(&body, "\"}");
    out->method = "PUT";
    out->target = arena_printf(arena, CLIENT "/rooms/%s/send/m.room.message/%s.%" PRId64,
                               bench->rooms[room], bench->run, number);
    out->token = sender->token;
    out->body = arena_strdup(arena, body.data);
    strbuf_finish(&body);
}

static bool make_history(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                         struct http_request *out)
{
    struct bench *bench = context;
    int64_t room = index % bench->room_count;

    population_message(bench, arena, room, population_creator(bench, room), out);
    return true;
}

bool population_history(struct bench *bench, int64_t per_room)
{
    struct work work = {
        .name = "sending history", .count = per_room * bench->room_count, .make = make_history};

    return run_setup(bench, &work);
}

const char *population_filter(const struct bench *bench, const char *room)
{
    return percent_encode(
        bench->arena,
        arena_printf(bench->arena,
                     "{\"account_data\":{\"not_types\":[\"org.example.%s\"]},\"room\":%s}",
                     bench->run, room));
}

int64_t population_age_us(const struct http_answer *answer, int64_t begin_us)
{
    const char *mark = answer->body, *end = answer->body + answer->size;
    int64_t newest_us = -1;

    while ((mark = memmem(mark, (size_t)(end - mark), "@@", 2)) != NULL) {
        mark += 2;
        int64_t at_us = strtoll(mark, NULL, 10);
        if (at_us >= begin_us && at_us > newest_us)
            newest_us = at_us;
    }
    return newest_us < 0 ? -1 : clock_monotonic_us() - newest_us;
}

/* ── All of it ── */

bool population_make(struct bench *bench, const struct population *wanted)
{
    const char *path = bench->options.population_path;

    if (path != NULL && access(path, F_OK) == 0)
        return population_read(bench, wanted);
    return population_users(bench, wanted->users) && population_rooms(bench, wanted->rooms) &&
           (wanted->rooms == 0 || population_join(bench, wanted->members - 1)) &&
           (wanted->rooms == 0 || population_history(bench, wanted->history)) &&
           (path == NULL || population_write(bench, wanted));
}
