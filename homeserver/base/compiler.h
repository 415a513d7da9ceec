#ifndef HOMESERVER_BASE_COMPILER_H
#define HOMESERVER_BASE_COMPILER_H

/* The compiler extensions this project allows itself, each behind one name. */

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define UNUSED                  __attribute__((unused))
#define FALLTHROUGH             __attribute__((fallthrough))
#define NORETURN                __attribute__((noreturn))

/* `SCOPED(release) struct thing *x = NULL;` calls release(&x) when x leaves its scope.
 * For resources other than memory (locks, transactions, files): memory belongs to an arena. */
#define SCOPED(release) __attribute__((cleanup(release)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
