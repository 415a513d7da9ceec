#ifndef HOMESERVER_BASE_BANNED_H
#define HOMESERVER_BASE_BANNED_H

/*
 * Functions that have no safe use here become compile errors. Included by the compiler command
 * line (-include) in every file, so the system headers that declare them come first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll atof srand tmpnam mktemp
#pragma GCC poison localtime gmtime ctime asctime strerror

#endif
