#include "mysql/types.h"

#include "event/json.h"

#include <stdlib.h>

bool my_writing_init(struct my_writing *w, size_t max_value_bytes, struct err *e)
{
    *w = (struct my_writing){.adjust_years = true};
    w->shape.time = SHAPE_ADAPTIVE_MICROSECONDS;
    buf_init(&w->inflated, max_value_bytes);
    buf_init(&w->text, max_value_bytes);
    buf_init(&w->old_text, max_value_bytes);
    return charsets_make(&w->charsets, e);
}

bool my_writing_set(struct my_writing *w, const struct tail_options *o, const struct shape *shape,
                    struct err *e)
{
    const char *bigint = o->bigint_unsigned != NULL ? o->bigint_unsigned : "long";
    if (strcmp(bigint, "long") != 0 && strcmp(bigint, "precise") != 0)
        return err_set(e, STATUS_USAGE, "--bigint-unsigned-handling-mode takes long or precise, not \"%s\"",
                       bigint);
    if (shape->time == SHAPE_ADAPTIVE)
        return err_set(e, STATUS_USAGE,
                       "--time-precision-mode adaptive is PostgreSQL's: MySQL and MariaDB have "
                       "adaptive_time_microseconds");
    w->precise_unsigned = strcmp(bigint, "precise") == 0;
    w->adjust_years = o->adjust_years;
    w->schemas = o->schemas;
    w->shape = *shape;
    return true;
}

void my_writing_release(struct my_writing *w)
{
    charsets_free(w->charsets);
    w->charsets = NULL;
    buf_release(&w->inflated);
    buf_release(&w->text);
    buf_release(&w->old_text);
}

static enum my_form integer_form(const struct table_column *column)
{
    if (!column->is_unsigned)
        return MY_FORM_INTEGER;
    return column->type == MY_LONGLONG ? MY_FORM_BIGINT_UNSIGNED : MY_FORM_UNSIGNED;
}

static enum my_form string_form(const struct table_column *column, enum my_hint hint)
{
    switch (hint) {
    case MY_HINT_UUID:
        return MY_FORM_UUID;
    case MY_HINT_INET4:
        return MY_FORM_INET4;
    case MY_HINT_INET6:
        return MY_FORM_INET6;
    default:
        return column->collation == CHARSET_BINARY_COLLATION ? MY_FORM_BYTES : MY_FORM_TEXT;
    }
}

static enum my_form form_of(const struct table_column *column, enum my_hint hint)
{
    enum { GEOMETRY_POINT = 1 };
    switch (column->type) {
    case MY_TINY:
    case MY_SHORT:
    case MY_INT24:
    case MY_LONG:
    case MY_LONGLONG:
        return integer_form(column);
    case MY_FLOAT:
        return hint == MY_HINT_FLOAT_SCALED ? MY_FORM_FLOAT_AS_DOUBLE : MY_FORM_FLOAT;
    case MY_DOUBLE:
        return MY_FORM_DOUBLE;
    case MY_NEWDECIMAL:
        return MY_FORM_DECIMAL;
    case MY_BIT:
        return column->meta == 1 ? MY_FORM_BIT : MY_FORM_BITS;
    case MY_YEAR:
        return MY_FORM_YEAR;
    case MY_DATE:
    case MY_NEWDATE:
        return MY_FORM_DATE;
    case MY_TIME:
    case MY_TIME2:
        return MY_FORM_TIME;
    case MY_DATETIME:
    case MY_DATETIME2:
        return MY_FORM_DATETIME;
    case MY_TIMESTAMP:
    case MY_TIMESTAMP2:
        return MY_FORM_TIMESTAMP;
    case MY_ENUM:
        return MY_FORM_ENUM;
    case MY_SET:
        return MY_FORM_SET;
    case MY_JSON:
        return MY_FORM_JSON;
    case MY_GEOMETRY:
        return column->geometry == GEOMETRY_POINT ? MY_FORM_POINT : MY_FORM_GEOMETRY;
    case MY_VECTOR:
        return MY_FORM_VECTOR;
    default:
        return string_form(column, hint);
    }
}

static bool put_label(struct my_type *t, struct span text, struct my_writing *w, struct err *e)
{
    struct span utf8;
    struct buf *quoted = &w->text;
    if (!charset_convert(w->charsets, t->collation, text, &utf8, e))
        return err_wrap(e, "label %zu", t->n_labels + 1);
    buf_reset(quoted);
    json_quote(quoted, utf8);
    if (!buf_ok(quoted, "a label", e))
        return false;
    size_t from = t->labels.n;
    buf_bytes(&t->labels, quoted->p + 1, quoted->n - 2);
    // An offset until the bytes stay where they are.
    t->label[t->n_labels++] = (struct span){(const char *)from, t->labels.n - from};
    return buf_ok(&t->labels, "the labels", e);
}

static bool put_labels(struct my_type *t, const struct table_column *column, struct my_writing *w,
                       struct err *e)
{
    struct cursor c = cursor_of(column->labels);
    t->label = calloc(column->n_labels + 1, sizeof *t->label);
    if (t->label == NULL)
        return err_no_memory(e);
    for (uint32_t i = 0; i < column->n_labels; i++)
        if (!put_label(t, cursor_packed_bytes(&c), w, e))
            return false;
    for (size_t i = 0; i < t->n_labels; i++)
        t->label[i].p = t->label[i].n != 0 ? t->labels.p + (size_t)t->label[i].p : "";
    return true;
}

static bool takes_rule(const struct my_type *t, const struct column_rule *rule)
{
    return t->form == MY_FORM_TEXT || (t->form == MY_FORM_BYTES && rule->kind == RULE_TRUNCATE);
}

bool my_type_resolve(struct my_type *t, const struct table_column *column, enum my_hint hint,
                     const struct column_rule *rule, struct my_writing *w, struct err *e)
{
    *t = (struct my_type){.form = form_of(column, hint),
                          .wire = column->type,
                          .nullable = column->nullable,
                          .length = column->meta,
                          .collation = column->collation,
                          .time = w->shape.time,
                          .decimal = w->shape.decimal,
                          .binary = w->shape.binary,
                          .precise_unsigned = w->precise_unsigned};
    buf_init(&t->labels, 16u << 20);
    t->is_new = column->type == MY_TIMESTAMP2 || column->type == MY_DATETIME2 || column->type == MY_TIME2;
    t->compressed = column->type == MY_BLOB_COMPRESSED || column->type == MY_VARCHAR_COMPRESSED;
    if (t->is_new)
        t->digits = column->meta;
    if (t->form == MY_FORM_DECIMAL)
        t->precision = (uint8_t)(column->meta >> 8), t->scale = (uint8_t)column->meta;
    if (t->form == MY_FORM_TEXT)
        t->length = (uint16_t)(column->meta / charset_char_bytes(column->collation));
    if (rule != NULL && takes_rule(t, rule))
        t->rule = rule;
    if ((t->form == MY_FORM_ENUM || t->form == MY_FORM_SET) && !put_labels(t, column, w, e)) {
        my_type_release(t);
        return false;
    }
    return true;
}

void my_type_release(struct my_type *t)
{
    free(t->label);
    t->label = NULL;
    t->n_labels = 0;
    buf_release(&t->labels);
}
