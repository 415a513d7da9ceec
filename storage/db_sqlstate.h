#ifndef STORAGE_DB_SQLSTATE_H
#define STORAGE_DB_SQLSTATE_H

#include <stdbool.h>

#include "homeserver/base/error.h"

/*
 * What a SQLSTATE of PostgreSQL means to us. The codes are listed in PostgreSQL's manual, appendix
 * "PostgreSQL Error Codes"; the actions in storage/README.md.
 */
struct sqlstate_meaning {
    enum errcode code;     /* E_CONFLICT, E_UNAVAILABLE or E_DATABASE */
    bool drops_connection; /* the session is of no use any more */
};

struct sqlstate_meaning sqlstate_meaning(const char *sqlstate);

/* True for a serialization failure or a deadlock: the same transaction may succeed when repeated.
 */
bool sqlstate_is_repeatable(const char *sqlstate);

#endif
