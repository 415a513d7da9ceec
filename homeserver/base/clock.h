#ifndef HOMESERVER_BASE_CLOCK_H
#define HOMESERVER_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 (wall clock: jumps when an administrator sets it). For timestamps only.
 */
int64_t clock_wall_ms(void);

/* Milliseconds that never go back. For timeouts, intervals and rates. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);

#endif
