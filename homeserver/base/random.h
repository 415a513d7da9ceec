#ifndef HOMESERVER_BASE_RANDOM_H
#define HOMESERVER_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct arena;

/* From the kernel (getrandom). Aborts when the kernel has none: nothing safe could follow. */
void random_bytes(void *out, size_t size);

/* Uniform in [0, bound). bound must be positive. */
uint32_t random_below(uint32_t bound);

/* `length` characters of [A-Za-z0-9]: 5.95 bits each, so 43 of them are over 256 bits. */
char *random_token(struct arena *arena, size_t length);

/* `length` characters of [A-Z]: for ids that people compare by eye, such as device ids. */
char *random_upper(struct arena *arena, size_t length);

#endif
