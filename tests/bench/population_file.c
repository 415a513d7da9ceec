/* The population of a run in a file, so that the next run need not make it: it holds access tokens
 * of test accounts, and is readable by its owner only. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

#define FORMAT "beffroi-bench population 1"

enum { FIELD_BYTES = 1024, COUNT_MOST = 10000000 };

static bool explain(const char *path, const char *why)
{
    fprintf(stderr, "beffroi-bench: --population %s: %s\n", path, why);
    return false;
}

bool population_write(const struct bench *bench, const struct population *made)
{
    const char *path = bench->options.population_path;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (file == NULL)
        return explain(path, "can not be opened");
    fprintf(file, FORMAT "\n%s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
            bench->options.url, made->users, made->rooms, made->members, made->history);
    for (int64_t i = 0; i < bench->user_count; i++)
        fprintf(file, "%s %s %s\n", bench->users[i].user_id, bench->users[i].device_id,
                bench->users[i].token);
    for (int64_t i = 0; i < bench->room_count; i++)
        fprintf(file, "%s\n", bench->rooms[i]);
    bool failed = ferror(file) != 0;
    return fclose(file) == 0 && !failed ? true : explain(path, "can not be written");
}

/* The first two lines: is it what this run wants? */
static bool read_head(FILE *file, const struct bench *bench, const struct population *wanted)
{
    const char *path = bench->options.population_path;
    char url[FIELD_BYTES];
    struct population made;

    if (fscanf(file, FORMAT " %1023s %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, url,
               &made.users, &made.rooms, &made.members, &made.history) != 5 ||
        made.users < 1 || made.users > COUNT_MOST || made.rooms < 0 || made.rooms > COUNT_MOST)
        return explain(path, "is no file of ours");
    if (strcmp(url, bench->options.url) != 0)
        return explain(path, "belongs to another server");
    if (made.users != wanted->users || made.rooms != wanted->rooms ||
        made.members != wanted->members || made.history != wanted->history)
        return explain(path, "was made with other sizes; name another file");
    return true;
}

bool population_read(struct bench *bench, const struct population *wanted)
{
    const char *path = bench->options.population_path;
    char id[FIELD_BYTES], device[FIELD_BYTES], token[FIELD_BYTES];
    FILE *file = fopen(path, "re");
    bool whole = true;

    if (file == NULL)
        return explain(path, "can not be opened");
    if (!read_head(file, bench, wanted)) {
        fclose(file);
        return false;
    }
    bench->user_count = wanted->users;
    bench->room_count = wanted->rooms;
    bench->users = ARENA_ARRAY(bench->arena, (size_t)wanted->users, struct bench_user);
    bench->rooms = ARENA_ARRAY(bench->arena, (size_t)wanted->rooms, const char *);
    for (int64_t i = 0; whole && i < wanted->users; i++) {
        whole = fscanf(file, " %1023s %1023s %1023s", id, device, token) == 3;
        if (whole)
            bench->users[i] = (struct bench_user){arena_strdup(bench->arena, id),
                                                  arena_strdup(bench->arena, device),
                                                  arena_strdup(bench->arena, token)};
    }
    for (int64_t i = 0; whole && i < wanted->rooms; i++) {
        whole = fscanf(file, " %1023s", id) == 1;
        if (whole)
            bench->rooms[i] = arena_strdup(bench->arena, id);
    }
    fclose(file);
    return whole ? true : explain(path, "is cut off");
}
