#include "iceberg/row.h"

#include "event/json.h"

// The column of a member. Members come in the columns' order as a rule: *next is the one behind the last.
static int column_of(const struct ice_row_shape *shape, struct span quoted, size_t *next)
{
    if (*next < shape->n_value && span_eq(shape->columns[*next].quoted, quoted))
        return (int)(*next)++;
    for (size_t i = 0; i < shape->n; i++)
        if (span_eq(shape->columns[i].quoted, quoted)) {
            *next = i + 1;
            return (int)i;
        }
    return -1;
}

static bool unknown(struct span quoted, struct err *e)
{
    err_set(e, STATUS_DATA, "the row has a member %.*s that its schema line does not know", SPAN_ARG(quoted));
    return err_hint(e,
                    "a stage that adds to rows makes lines that no table can hold; cdc-filter --map takes it "
                    "away again");
}

static bool read_column(const struct ice_binding *b, int column, struct span json, struct arena *a,
                        struct ice_value *v, struct err *e)
{
    const struct ice_row_column *c = &b->shape->columns[column];
    const struct ice_field *f = &b->schema->fields[b->places[column]];
    if (!ice_value_read(c, &f->type, json, a, v, e))
        return false;
    return !v->is_null || !f->required ||
           err_set(e, STATUS_DATA, "column '%.*s': null, where the table allows none", SPAN_ARG(c->name));
}

static bool read_key_column(const struct ice_binding *b, int column, struct span key, struct arena *a,
                            struct ice_value *v, struct err *e)
{
    const struct ice_row_column *c = &b->shape->columns[column];
    const struct span name = {c->quoted.p + 1, c->quoted.n - 2};
    struct span value;
    return json_member(key, name, &value)
               ? read_column(b, column, value, a, v, e)
               : err_set(e, STATUS_DATA, "the key has no column '%.*s'", SPAN_ARG(c->name));
}

bool ice_key_read(const struct ice_binding *b, struct span key, struct arena *a, struct ice_value *values,
                  struct err *e)
{
    for (size_t i = 0; i < b->shape->n_keys; i++)
        if (!read_key_column(b, b->shape->keys[i], key, a, &values[i], e))
            return false;
    return true;
}

static bool check_missing(const struct ice_binding *b, const struct ice_value *values, const bool *gaps,
                          struct err *e)
{
    for (size_t i = 0; i < b->schema->n; i++)
        if (values[i].is_null && b->schema->fields[i].required && (gaps == NULL || !gaps[i]))
            return err_set(e, STATUS_DATA,
                           "nothing in the row for the table's column '%.*s', which allows no null",
                           SPAN_ARG(b->schema->fields[i].name));
    return true;
}

bool ice_row_read(const struct ice_binding *b, struct span row, struct span key, struct arena *a,
                  struct ice_value *values, bool *gaps, struct err *e)
{
    struct json_walk w;
    size_t next = 0;
    for (size_t i = 0; i < b->schema->n; i++)
        values[i].is_null = true;
    for (size_t i = 0; gaps != NULL && i < b->shape->n_value; i++)
        gaps[b->places[i]] = true;
    for (json_walk_begin(&w, row); json_walk_next(&w);) {
        int column = column_of(b->shape, w.name, &next);
        if (column < 0)
            return unknown(w.name, e);
        if (gaps != NULL)
            gaps[b->places[column]] = false;
        if (!read_column(b, column, w.value, a, &values[b->places[column]], e))
            return false;
    }
    for (size_t i = b->shape->n_value; i < b->shape->n; i++)
        if (!read_key_column(b, (int)i, key, a, &values[b->places[i]], e))
            return false;
    return check_missing(b, values, gaps, e);
}
