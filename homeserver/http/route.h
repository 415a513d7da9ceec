#ifndef HOMESERVER_HTTP_ROUTE_H
#define HOMESERVER_HTTP_ROUTE_H

#include "homeserver/base/error.h"

struct request;

typedef enum errcode (*handler_fn)(struct request *req);

enum http_method { GET, PUT, POST, DELETE, OPTIONS, HEAD, METHOD_COUNT };

/* Who may call. Checked before the handler runs. */
enum access {
    ANYONE,        /* no token is looked at */
    OPTIONAL_USER, /* a token is used when there is one; a bad one is refused */
    GUEST,         /* any account, guests too */
    USER,          /* any account but guests: M_GUEST_ACCESS_FORBIDDEN */
    ADMIN,         /* server administrators: M_FORBIDDEN */
    APPSERVICE,    /* application services only */
    SERVER         /* X-Matrix signed by another server */
};

/* Which rate limit counts. The figures are in the configuration. */
enum limit {
    LIMIT_NONE,
    LIMIT_MESSAGE,      /* per user: events sent */
    LIMIT_LOGIN,        /* per address: login, register, password checks */
    LIMIT_REGISTRATION, /* per address */
    LIMIT_JOIN,         /* per user: joins, knocks, room creation */
    LIMIT_INVITE,       /* per user */
    LIMIT_THREEPID,     /* per address: validation mails */
    LIMIT_SEARCH,       /* per user: search, directory, hierarchy */
    LIMIT_MEDIA,        /* per user */
    LIMIT_OTHER,        /* per user: what the spec marks as rate-limited and nothing above covers */
    LIMIT_FEDERATION,   /* per origin server */
    LIMIT_COUNT
};

/* What body the route takes. */
enum body {
    NO_BODY,       /* a body is read up to a small limit and ignored */
    JSON_BODY,     /* must be a JSON object: else M_NOT_JSON or M_BAD_JSON */
    JSON_OPTIONAL, /* as JSON_BODY, but an empty body counts as {} */
    RAW_BODY,      /* a small raw body (text, HTML form) in memory */
    STREAM_BODY    /* handed to the handler while it arrives: media uploads */
};

enum route_flag {
    PARKS = 1,              /* may return through req_park() */
    WHILE_LOCKED = 2,       /* works for locked accounts (logout) */
    WHILE_SUSPENDED = 4,    /* works for suspended accounts although it is not a GET */
    DEPRECATED = 8,         /* counted apart in the metrics */
    CALLS_OUT = 16,         /* may wait for other servers: runs on threads of its own, so that slow
                             * servers hold up only each other; SERVER rows always do */
    KNOWS_APPSERVICES = 32, /* ANYONE rows: the token of an application service is looked at */
    QUICK = 64, /* mostly answered from memory: runs on the I/O thread, without a database, and
                 * again on a worker when it asked for one */
};

/* A row of the route table: a complete security statement. `path` is spelled as in the spec, with
 * {parameters}; the last parameter may be {name...}: the rest of the path, slashes included. */
struct route {
    enum http_method method;
    const char *path;
    handler_fn handler;
    enum access access;
    enum limit limit;
    enum body body;
    unsigned flags;
};

#endif
