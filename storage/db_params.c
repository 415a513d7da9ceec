/*
 * Parameters in PostgreSQL's binary format: integers are big-endian; an array is
 * {dimensions, has NULLs, element type, {items, lower bound}, {length, bytes}...}
 * (array_recv in PostgreSQL's sources).
 */
#include <assert.h>
#include <endian.h>

#include "homeserver/base/arena.h"
#include "storage/db_wire.h"

enum { PARAMETERS_MAX = 65535, PARAMETER_BYTES_MAX = 1 << 30, ARRAY_HEADER_BYTES = 20 };

static const Oid oid_of_kind[] = {
    [DB_TEXT] = OID_TEXT,
    [DB_INT] = OID_INT8,
    [DB_BOOL] = OID_BOOL,
    [DB_DOUBLE] = OID_FLOAT8,
    [DB_BYTES] = OID_BYTEA,
    [DB_TEXT_ARRAY] = OID_TEXT_ARRAY,
    [DB_INT_ARRAY] = OID_INT8_ARRAY,
    [DB_BOOL_ARRAY] = OID_BOOL_ARRAY,
    [DB_BYTES_ARRAY] = OID_BYTEA_ARRAY,
};

struct value {
    const char *bytes;
    size_t size;
};

static char *put_int32(char *out, int32_t number)
{
    uint32_t wire = htobe32((uint32_t)number);

    memcpy(out, &wire, sizeof(wire));
    return out + sizeof(wire);
}

static char *put_int64(char *out, int64_t number)
{
    uint64_t wire = htobe64((uint64_t)number);

    memcpy(out, &wire, sizeof(wire));
    return out + sizeof(wire);
}

static struct value encode_int(struct arena *arena, int64_t number)
{
    char *bytes = arena_alloc(arena, sizeof(number));

    put_int64(bytes, number);
    return (struct value){bytes, sizeof(number)};
}

static struct value encode_double(struct arena *arena, double real)
{
    int64_t bits;

    static_assert(sizeof(bits) == sizeof(real), "double is IEEE 754 binary64");
    memcpy(&bits, &real, sizeof(bits));
    return encode_int(arena, bits);
}

static struct value encode_bool(struct arena *arena, bool is_true)
{
    char *byte = arena_alloc(arena, 1);

    *byte = is_true ? 1 : 0;
    return (struct value){byte, 1};
}

/* One item of an array parameter; bytes NULL means SQL NULL. Small items go to `buffer`. */
static struct value array_item(const struct db_param *param, size_t i, char buffer[8])
{
    if (param->kind == DB_INT_ARRAY) {
        put_int64(buffer, ((const int64_t *)param->data)[i]);
        return (struct value){buffer, sizeof(int64_t)};
    }
    if (param->kind == DB_BOOL_ARRAY) {
        buffer[0] = ((const bool *)param->data)[i] ? 1 : 0;
        return (struct value){buffer, 1};
    }
    const char *item = ((const char *const *)param->data)[i];
    if (item == NULL)
        return (struct value){NULL, 0};
    return (struct value){item, param->kind == DB_TEXT_ARRAY ? strlen(item) : param->sizes[i]};
}

static Oid array_element_oid(enum db_param_kind kind)
{
    switch (kind) {
    case DB_TEXT_ARRAY:
        return OID_TEXT;
    case DB_INT_ARRAY:
        return OID_INT8;
    case DB_BOOL_ARRAY:
        return OID_BOOL;
    case DB_BYTES_ARRAY:
        return OID_BYTEA;
    case DB_TEXT:
    case DB_INT:
    case DB_BOOL:
    case DB_DOUBLE:
    case DB_BYTES:
        break;
    }
    abort();
}

static size_t array_size(const struct db_param *param, bool *has_nulls_out)
{
    size_t size = ARRAY_HEADER_BYTES;
    char buffer[8];

    *has_nulls_out = false;
    for (size_t i = 0; i < param->size && size <= PARAMETER_BYTES_MAX; i++) {
        struct value item = array_item(param, i, buffer);
        *has_nulls_out = *has_nulls_out || item.bytes == NULL;
        size += sizeof(int32_t) + item.size;
    }
    return size;
}

static struct value encode_array(struct arena *arena, const struct db_param *param)
{
    bool has_nulls;
    size_t size = array_size(param, &has_nulls);

    if (size > PARAMETER_BYTES_MAX)
        return (struct value){NULL, size};
    char *bytes = arena_alloc(arena, size);
    char *end = put_int32(bytes, param->size > 0 ? 1 : 0);
    end = put_int32(end, has_nulls ? 1 : 0);
    end = put_int32(end, (int32_t)array_element_oid(param->kind));
    if (param->size > 0) {
        end = put_int32(end, (int32_t)param->size);
        end = put_int32(end, 1);
    }
    for (size_t i = 0; i < param->size; i++) {
        char buffer[8];
        struct value item = array_item(param, i, buffer);
        end = put_int32(end, item.bytes != NULL ? (int32_t)item.size : -1);
        if (item.size > 0)
            memcpy(end, item.bytes, item.size);
        end += item.size;
    }
    return (struct value){bytes, (size_t)(end - bytes)};
}

static struct value encode(struct arena *arena, const struct db_param *param)
{
    switch (param->kind) {
    case DB_TEXT:
        return (struct value){param->data, strlen(param->data)};
    case DB_BYTES:
        return (struct value){param->data, param->size};
    case DB_INT:
        return encode_int(arena, param->number);
    case DB_BOOL:
        return encode_bool(arena, param->number != 0);
    case DB_DOUBLE:
        return encode_double(arena, param->real);
    case DB_TEXT_ARRAY:
    case DB_INT_ARRAY:
    case DB_BOOL_ARRAY:
    case DB_BYTES_ARRAY:
        return encode_array(arena, param);
    }
    abort();
}

bool wire_params_encode(struct arena *arena, struct db_params params, struct wire_params *out)
{
    assert(params.count <= PARAMETERS_MAX);
    out->count = (int)params.count;
    out->types = ARENA_ARRAY(arena, params.count, Oid);
    out->values = ARENA_ARRAY(arena, params.count, const char *);
    out->lengths = ARENA_ARRAY(arena, params.count, int);
    out->formats = ARENA_ARRAY(arena, params.count, int);

    for (size_t i = 0; i < params.count; i++) {
        const struct db_param *param = &params.items[i];
        out->types[i] = oid_of_kind[param->kind];
        out->formats[i] = 1;
        if (param->is_null)
            continue;
        struct value value = encode(arena, param);
        if (value.size > PARAMETER_BYTES_MAX)
            return false;
        out->values[i] = value.bytes;
        out->lengths[i] = (int)value.size;
    }
    return true;
}
