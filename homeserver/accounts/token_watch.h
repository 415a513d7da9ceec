#ifndef HOMESERVER_ACCOUNTS_TOKEN_WATCH_H
#define HOMESERVER_ACCOUNTS_TOKEN_WATCH_H

#include "homeserver/base/error.h"

/*
 * Keeps a token cache true without asking for each token: hears of every token that any process
 * ends (migrations/0055_ended_tokens.sql), and makes sure several times a second that it does.
 */
struct token_cache;
struct token_watch;

/* Borrows the cache and, until this returns, `conninfo`. E_SYSTEM when no thread can be made. */
enum errcode token_watch_create(struct token_cache *cache, const char *conninfo,
                                struct token_watch **out) MUST_CHECK;

/* NULL is allowed. */
void token_watch_destroy(struct token_watch *watch);

#endif
