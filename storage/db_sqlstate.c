/* SQLSTATE to action: the most specific row comes first, an unknown code is our own mistake. */
#include "storage/db_sqlstate.h"

struct row {
    const char *prefix;
    enum errcode code;
    bool drops_connection;
};

/* clang-format off */
static const struct row rows[] = {
    {"40001", E_CONFLICT,    false}, /* serialization failure */
    {"40P01", E_CONFLICT,    false}, /* deadlock */
    {"40003", E_UNAVAILABLE, true},  /* nobody knows whether the statement completed */
    {"23505", E_CONFLICT,    false}, /* unique violation */
    {"08",    E_UNAVAILABLE, true},  /* connection lost */
    {"57014", E_UNAVAILABLE, false}, /* statement timeout: repeating would make it worse */
    {"57P",   E_UNAVAILABLE, true},  /* shut down, crashed, starting, database dropped */
    {"25006", E_UNAVAILABLE, true},  /* read-only: this was the primary before a failover */
    {"25P03", E_UNAVAILABLE, true},  /* our transaction sat idle and was ended */
    {"53",    E_UNAVAILABLE, false}, /* disk full, out of memory, too many connections */
    {"55P03", E_UNAVAILABLE, false}, /* lock timeout */
    {"26000", E_UNAVAILABLE, true},  /* our prepared statements are gone */
    {"0A000", E_DATABASE,    true},  /* "cached plan must not change result type" after a migration */
};
/* clang-format on */

struct sqlstate_meaning sqlstate_meaning(const char *sqlstate)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strncmp(sqlstate, rows[i].prefix, strlen(rows[i].prefix)) == 0)
            return (struct sqlstate_meaning){rows[i].code, rows[i].drops_connection};
    }
    return (struct sqlstate_meaning){E_DATABASE, false};
}

bool sqlstate_is_repeatable(const char *sqlstate)
{
    return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0;
}
