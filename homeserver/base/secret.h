#ifndef HOMESERVER_BASE_SECRET_H
#define HOMESERVER_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* True when both texts are equal; the time taken tells nothing about where they differ. */
bool secret_equal(const char *a, const char *b);

/* Overwrites memory in a way the compiler can not leave out. */
void secret_clear(void *bytes, size_t size);

#endif
