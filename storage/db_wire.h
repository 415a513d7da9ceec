#ifndef STORAGE_DB_WIRE_H
#define STORAGE_DB_WIRE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "storage/db.h"

/* Private to the database layer: PostgreSQL's binary format of parameters and results. */

/* Object identifiers of built-in types; fixed in every PostgreSQL (catalog/pg_type.dat). */
enum type_oid {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_BOOL_ARRAY = 1000,
    OID_BYTEA_ARRAY = 1001,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_VARCHAR = 1043
};

/* Parameters as libpq wants them. */
struct wire_params {
    int count;
    Oid *types;
    const char **values;
    int *lengths;
    int *formats; /* all binary */
};

/* Texts and bytes are borrowed, everything else is on the arena. False when a parameter is larger
 * than PostgreSQL takes (1 GiB). */
bool wire_params_encode(struct arena *arena, struct db_params params, struct wire_params *out);

/* Takes the result; it is cleared together with the arena. */
struct db_rows *rows_create(struct arena *arena, PGresult *result_owned);

/* True when the rows_* functions can read a column of this type. */
bool rows_can_read(Oid type);

#endif
