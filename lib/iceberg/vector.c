#include "iceberg/vector.h"

#define UUID_BYTES 16

static void put_null(duckdb_vector vector, idx_t row, const struct ice_type *t)
{
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
    if (t->kind == ICE_LIST || t->kind == ICE_MAP)
        ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] =
            (duckdb_list_entry){duckdb_list_vector_get_size(vector), 0};
    // A null struct's parts must be null too.
    for (size_t i = 0; t->kind == ICE_STRUCT && i < t->n; i++)
        put_null(duckdb_struct_vector_get_child(vector, i), row, &t->fields[i].type);
}

// As wide as libduckdb holds a decimal of that precision.
static void put_decimal(void *data, idx_t row, const struct ice_type *t, ice_decimal v)
{
    if (t->precision <= 4)
        ((int16_t *)data)[row] = (int16_t)v;
    else if (t->precision <= 9)
        ((int32_t *)data)[row] = (int32_t)v;
    else if (t->precision <= 18)
        ((int64_t *)data)[row] = (int64_t)v;
    else
        memcpy((char *)data + row * sizeof v, &v, sizeof v);
}

// A signed number whose order is the text's: the first bit is turned over.
static void put_uuid(void *data, idx_t row, struct span bytes)
{
    ice_decimal v = (signed char)bytes.p[0] ^ -128;
    for (size_t i = 1; i < UUID_BYTES; i++)
        v = v * 256 + (unsigned char)bytes.p[i];
    memcpy((char *)data + row * sizeof v, &v, sizeof v);
}

static void put_items(duckdb_vector vector, idx_t row, const struct ice_type *t, const struct ice_value *v)
{
    idx_t at = duckdb_list_vector_get_size(vector), n = v->nested.n / t->n;
    duckdb_list_vector_reserve(vector, at + n);
    duckdb_list_vector_set_size(vector, at + n);
    ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){at, n};
    for (idx_t i = 0; i < n; i++) {
        // A map is a list of pairs.
        duckdb_vector child = duckdb_list_vector_get_child(vector);
        for (size_t j = 0; j < t->n; j++)
            ice_vector_put(t->kind == ICE_LIST ? child : duckdb_struct_vector_get_child(child, j), at + i,
                           &t->fields[j].type, &v->nested.items[i * t->n + j]);
    }
}

void ice_vector_put(duckdb_vector vector, idx_t row, const struct ice_type *t, const struct ice_value *v)
{
    if (v->is_null) {
        put_null(vector, row, t);
        return;
    }
    void *data = t->kind == ICE_STRUCT ? NULL : duckdb_vector_get_data(vector);
    switch (t->kind) {
    case ICE_BOOLEAN:
        ((bool *)data)[row] = v->boolean;
        break;
    case ICE_INT:
    case ICE_DATE:
        ((int32_t *)data)[row] = (int32_t)v->i64;
        break;
    case ICE_LONG:
    case ICE_TIME:
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
        ((int64_t *)data)[row] = v->i64;
        break;
    case ICE_FLOAT:
        ((float *)data)[row] = v->f32;
        break;
    case ICE_DOUBLE:
        ((double *)data)[row] = v->f64;
        break;
    case ICE_DECIMAL:
        put_decimal(data, row, t, v->decimal);
        break;
    case ICE_UUID:
        put_uuid(data, row, v->bytes);
        break;
    case ICE_STRUCT:
        for (size_t i = 0; i < t->n; i++)
            ice_vector_put(duckdb_struct_vector_get_child(vector, i), row, &t->fields[i].type,
                           &v->nested.items[i]);
        break;
    case ICE_LIST:
    case ICE_MAP:
        put_items(vector, row, t, v);
        break;
    default:
        duckdb_vector_assign_string_element_len(vector, row, v->bytes.p, v->bytes.n);
    }
}
