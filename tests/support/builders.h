#ifndef TESTS_SUPPORT_BUILDERS_H
#define TESTS_SUPPORT_BUILDERS_H

#include <jansson.h>
#include <stdint.h>

struct arena;
struct event;
struct room_version;

/* What a test says about an event; what it leaves out gets a harmless value. */
struct event_parts {
    const char *event_id;
    const char *room_id; /* "!room:one" when NULL */
    const char *type;
    const char *sender;    /* "@a:one" when NULL */
    const char *state_key; /* NULL: not a state event */
    const char *content;   /* JSON with ' for ", NULL: {} */
    json_t *content_owned; /* instead of `content` */
    const char *redacts;
    int64_t origin_server_ts;
    int64_t depth;
    const char *const *prev_events;
    size_t prev_event_count;
    const char *const *auth_events;
    size_t auth_event_count;
};

/* An event as event_parse() would make it, without hashes and signatures. */
struct event *build_event(struct arena *arena, const struct room_version *version,
                          const struct event_parts *parts);

/* 10 for "10" and for a version of a proposal that builds on it, "org.matrix.msc3757.10". */
int builders_version_number(const struct room_version *version);

/* JSON written with ' for " (so that it reads well in C); aborts when it is not JSON. */
json_t *build_json(const char *text);
/* The same, owned by the arena. */
json_t *build_json_on(struct arena *arena, const char *text);

#endif
