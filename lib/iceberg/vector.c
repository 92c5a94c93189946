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

static bool put_items(duckdb_vector vector, idx_t row, const struct ice_type *t, const struct ice_value *v,
                      struct arena *texts)
{
    idx_t at = duckdb_list_vector_get_size(vector), n = v->nested.n / t->n;
    duckdb_list_vector_reserve(vector, at + n);
    duckdb_list_vector_set_size(vector, at + n);
    ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){at, n};
    for (idx_t i = 0; i < n; i++) {
        // A map is a list of pairs.
        duckdb_vector child = duckdb_list_vector_get_child(vector);
        for (size_t j = 0; j < t->n; j++)
            if (!ice_vector_put(t->kind == ICE_LIST ? child : duckdb_struct_vector_get_child(child, j),
                                at + i, &t->fields[j].type, &v->nested.items[i * t->n + j], texts))
                return false;
    }
    return true;
}

// Where a text that libduckdb does not hold in the vector itself stays until the chunk is appended.
static const char *keep(struct arena *texts, struct span text)
{
    char *p = arena_take(texts, text.n);
    if (p != NULL)
        memcpy(p, text.p, text.n);
    return p;
}

// libduckdb's own call takes a lock for each.
static bool put_text(duckdb_string *to, struct span text, struct arena *texts)
{
    *to = (duckdb_string){.inlined.length = (uint32_t)text.n};
    if (text.n > UINT32_MAX)
        return false;
    if (text.n <= sizeof to->inlined.text) {
        memcpy(to->inlined.text, text.p, text.n);
        return true;
    }
    memcpy(to->pointer.prefix, text.p, sizeof to->pointer.prefix);
    to->pointer.p = keep(texts, text);
    return to->pointer.p != NULL;
}

bool ice_vector_put(duckdb_vector vector, idx_t row, const struct ice_type *t, const struct ice_value *v,
                    struct arena *texts)
{
    if (v->is_null) {
        put_null(vector, row, t);
        return true;
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
            if (!ice_vector_put(duckdb_struct_vector_get_child(vector, i), row, &t->fields[i].type,
                                &v->nested.items[i], texts))
                return false;
        break;
    case ICE_LIST:
    case ICE_MAP:
        return put_items(vector, row, t, v, texts);
    default:
        return put_text(&((duckdb_string *)data)[row], v->bytes, texts);
    }
    return true;
}
