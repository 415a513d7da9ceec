#ifndef HOMESERVER_CLI_PASSWORD_INPUT_H
#define HOMESERVER_CLI_PASSWORD_INPUT_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct arena;

/* A new password: asked for twice on a terminal, without showing it, or one line of standard input
 * when that is no terminal. Never an argument: everybody on the machine sees those.
 * M_INVALID_PARAM with a sentence when nothing usable was entered. */
enum errcode password_input_read(struct arena *arena, struct error *error,
                                 const char **out) MUST_CHECK;

/* A random password that is easy to type: five groups of four letters and digits, 103 bits. */
const char *password_input_generate(struct arena *arena);

#endif
