/*
 * Results in PostgreSQL's binary format. Reading a column that does not exist, or as a type it does
 * not have, is a mistake in our own statement tables and stops the program.
 */
#include <assert.h>
#include <endian.h>

#include "homeserver/base/arena.h"
#include "storage/db_wire.h"

struct db_rows {
    PGresult *result;
};

/* The bytes of an array value that are still unread. */
struct array_reader {
    const char *bytes;
    size_t left;
};

static void clear_result(void *result)
{
    PQclear(result);
}

struct db_rows *rows_create(struct arena *arena, PGresult *result_owned)
{
    struct db_rows *rows = ARENA_NEW(arena, struct db_rows);

    rows->result = result_owned;
    arena_defer(arena, clear_result, result_owned);
    return rows;
}

bool rows_can_read(Oid type)
{
    static const Oid readable[] = {OID_BOOL,   OID_BYTEA,      OID_NAME,       OID_INT8,
                                   OID_INT2,   OID_INT4,       OID_TEXT,       OID_FLOAT4,
                                   OID_FLOAT8, OID_TEXT_ARRAY, OID_INT8_ARRAY, OID_VARCHAR};

    for (size_t i = 0; i < COUNT_OF(readable); i++) {
        if (readable[i] == type)
            return true;
    }
    return false;
}

/* The value, or NULL for SQL NULL. */
static const char *cell(const struct db_rows *rows, size_t row, int column, size_t *size_out)
{
    assert(row < rows_count(rows));
    assert(column >= 0 && column < PQnfields(rows->result));
    assert(PQfformat(rows->result, column) == 1);
    *size_out = (size_t)PQgetlength(rows->result, (int)row, column);
    if (PQgetisnull(rows->result, (int)row, column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, column);
}

static Oid column_type(const struct db_rows *rows, int column)
{
    return PQftype(rows->result, column);
}

static int64_t get_int(const char *bytes, size_t size)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;

    switch (size) {
    case sizeof(two):
        memcpy(&two, bytes, sizeof(two));
        return (int16_t)be16toh(two);
    case sizeof(four):
        memcpy(&four, bytes, sizeof(four));
        return (int32_t)be32toh(four);
    default:
        assert(size == sizeof(eight));
        memcpy(&eight, bytes, sizeof(eight));
        return (int64_t)be64toh(eight);
    }
}

size_t rows_count(const struct db_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

bool rows_is_null(const struct db_rows *rows, size_t row, int column)
{
    size_t size;

    return cell(rows, row, column, &size) == NULL;
}

const char *rows_text(const struct db_rows *rows, size_t row, int column)
{
    size_t size;
    const char *bytes = cell(rows, row, column, &size);
    Oid type = column_type(rows, column);

    assert(type == OID_TEXT || type == OID_VARCHAR || type == OID_NAME);
    return bytes;
}

int64_t rows_int(const struct db_rows *rows, size_t row, int column)
{
    size_t size;
    const char *bytes = cell(rows, row, column, &size);
    Oid type = column_type(rows, column);

    assert(type == OID_INT8 || type == OID_INT4 || type == OID_INT2);
    return bytes != NULL ? get_int(bytes, size) : 0;
}

bool rows_bool(const struct db_rows *rows, size_t row, int column)
{
    size_t size;
    const char *bytes = cell(rows, row, column, &size);

    assert(column_type(rows, column) == OID_BOOL);
    return bytes != NULL && bytes[0] != 0;
}

double rows_double(const struct db_rows *rows, size_t row, int column)
{
    size_t size;
    const char *bytes = cell(rows, row, column, &size);
    Oid type = column_type(rows, column);

    assert(type == OID_FLOAT8 || type == OID_FLOAT4);
    if (bytes == NULL)
        return 0;
    int64_t bits = get_int(bytes, size);
    if (type == OID_FLOAT8) {
        double real;
        memcpy(&real, &bits, sizeof(real));
        return real;
    }
    uint32_t single_bits = (uint32_t)bits;
    float single;
    memcpy(&single, &single_bits, sizeof(single));
    return (double)single;
}

const void *rows_bytes(const struct db_rows *rows, size_t row, int column, size_t *size_out)
{
    assert(column_type(rows, column) == OID_BYTEA);
    return cell(rows, row, column, size_out);
}

static const char *read_bytes(struct array_reader *reader, size_t size)
{
    const char *bytes = reader->bytes;

    assert(reader->left >= size);
    reader->bytes += size;
    reader->left -= size;
    return bytes;
}

static int32_t read_int32(struct array_reader *reader)
{
    return (int32_t)get_int(read_bytes(reader, sizeof(int32_t)), sizeof(int32_t));
}

/* Reads the header of a one-dimensional (or empty) array; the number of items. */
static size_t read_array_header(struct array_reader *reader)
{
    int32_t dimensions = read_int32(reader);

    (void)read_int32(reader); /* whether there are NULLs: every item says it again */
    (void)read_int32(reader); /* element type: known from the column's */
    if (dimensions == 0)
        return 0;
    assert(dimensions == 1);
    int32_t count = read_int32(reader);
    (void)read_int32(reader); /* lower bound */
    assert(count >= 0);
    return (size_t)count;
}

const int64_t *rows_int_array(const struct db_rows *rows, size_t row, int column,
                              struct arena *arena, size_t *count_out)
{
    struct array_reader reader;

    reader.bytes = cell(rows, row, column, &reader.left);
    assert(column_type(rows, column) == OID_INT8_ARRAY);
    *count_out = reader.bytes != NULL ? read_array_header(&reader) : 0;

    int64_t *items = ARENA_ARRAY(arena, *count_out, int64_t);
    for (size_t i = 0; i < *count_out; i++) {
        int32_t size = read_int32(&reader);
        assert(size == (int32_t)sizeof(int64_t));
        items[i] = get_int(read_bytes(&reader, sizeof(int64_t)), sizeof(int64_t));
    }
    return items;
}

const char **rows_text_array(const struct db_rows *rows, size_t row, int column,
                             struct arena *arena, size_t *count_out)
{
    struct array_reader reader;

    reader.bytes = cell(rows, row, column, &reader.left);
    assert(column_type(rows, column) == OID_TEXT_ARRAY);
    *count_out = reader.bytes != NULL ? read_array_header(&reader) : 0;

    const char **items = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++) {
        int32_t size = read_int32(&reader);
        if (size >= 0)
            items[i] = arena_strndup(arena, read_bytes(&reader, (size_t)size), (size_t)size);
    }
    return items;
}
