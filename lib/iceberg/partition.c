#include "iceberg/partition.h"

#include "base/base64.h"
#include "base/calendar.h"
#include "event/json.h"
#include "iceberg/bounds.h"
#include "iceberg/manifest.h"
#include "iceberg/memory.h"
#include "iceberg/transform.h"

#include <math.h>
#include <stdio.h>

// ---- binding

// Avro's names have letters, digits and underscores: another byte is written as _xHEX, a digit in front as
// _DIGIT, as Iceberg itself does it.
static bool make_avro_name(struct span name, struct arena *a, const char **made, struct err *e)
{
    char *p = ice_take(a, name.n * 4 + 2, 1, e);
    *made = p;
    if (p == NULL)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (digit && i == 0)
            *p++ = '_';
        if (digit || letter || c == '_')
            *p++ = (char)c;
        else
            p += sprintf(p, "_x%02X", c);
    }
    *p = '\0';
    return true;
}

static bool bind_part(const struct ice_partition_field *f, const struct ice_schema *schema, struct arena *a,
                      struct ice_partition_part *part, struct err *e)
{
    *part = (struct ice_partition_part){.field = f, .column = ice_schema_find(schema, f->source_id)};
    // A field that was taken out of the partitioning is void, and may outlive its column.
    if (part->column < 0 && f->transform.kind == ICE_VOID)
        part->type.kind = ICE_STRING;
    else if (part->column < 0) {
        err_set(e, STATUS_USAGE, "the table is partitioned by the column %d, which is none of its outer ones",
                f->source_id);
        return err_hint(e, "ALTER TABLE … DROP PARTITION FIELD %.*s, or REPLACE it", SPAN_ARG(f->name));
    } else {
        part->source = schema->fields[part->column].type;
        if (!ice_transform_type(&f->transform, &part->source, &part->type))
            return err_set(e, STATUS_DATA, "the partition field %.*s does not fit its column's type",
                           SPAN_ARG(f->name));
        if (ice_type_is_nested(&part->type))
            part->type = (struct ice_type){.kind = ICE_STRING};
    }
    return make_avro_name(f->name, a, &part->avro_name, e);
}

bool ice_partition_bind(const struct ice_spec *spec, const struct ice_schema *schema, struct arena *a,
                        struct ice_partition *p, struct err *e)
{
    *p = (struct ice_partition){.spec = spec, .n = spec->n};
    p->parts = ice_take(a, spec->n + 1, sizeof *p->parts, e);
    if (p->parts == NULL)
        return false;
    for (size_t i = 0; i < spec->n; i++)
        if (!bind_part(&spec->fields[i], schema, a, &p->parts[i], e))
            return err_wrap(e, "partition spec %d", spec->id);
    return true;
}

bool ice_partition_of(const struct ice_partition *p, const struct ice_value *row, struct ice_value *values,
                      struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct ice_partition_part *part = &p->parts[i];
        values[i] = (struct ice_value){.is_null = true};
        if (part->column >= 0 &&
            !ice_transform_apply(&part->field->transform, &part->source, &row[part->column], &values[i], e))
            return err_wrap(e, "partition field %.*s", SPAN_ARG(part->field->name));
    }
    return true;
}

void ice_partition_key(const struct ice_partition *p, const struct ice_value *values, struct buf *out)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t begin = out->n;
        uint64_t n = UINT64_MAX;
        buf_bytes(out, &n, sizeof n);
        if (values[i].is_null || out->bad)
            continue;
        ice_value_bytes(&p->parts[i].type, &values[i], out);
        if (out->bad)
            return;
        n = out->n - begin - sizeof n;
        memcpy(out->p + begin, &n, sizeof n);
    }
}

// ---- paths

// Of an encoded value; a folder's name has 255 bytes at most.
#define PATH_VALUE_BYTES 96
#define PATH_NAME_BYTES 128

static void put_encoded(struct buf *out, struct span text, size_t most)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0, n = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain =
            (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || strchr("-_.", c) != NULL;
        n += plain ? 1 : 3;
        if (n > most)
            return;
        if (plain)
            buf_char(out, (char)c);
        else {
            const char escaped[] = {'%', hex[c >> 4], hex[c & 15]};
            buf_bytes(out, escaped, sizeof escaped);
        }
    }
}

static void put_date(struct buf *out, int64_t days)
{
    struct calendar_date d = calendar_date(days);
    buf_printf(out, "%04lld-%02d-%02d", (long long)d.year, d.month, d.day);
}

static void put_decimal(struct buf *out, const struct ice_type *t, ice_decimal v)
{
    char digits[48], *p = digits + sizeof digits;
    bool below = v < 0;
    for (int i = 0; v != 0 || i <= t->scale; i++, v /= 10) {
        int digit = (int)(v % 10);
        if (i == t->scale && i != 0)
            *--p = '.';
        *--p = (char)('0' + (digit < 0 ? -digit : digit));
    }
    if (below)
        *--p = '-';
    buf_bytes(out, p, (size_t)(digits + sizeof digits - p));
}

static void put_by_type(struct buf *out, const struct ice_type *t, const struct ice_value *v)
{
    switch (t->kind) {
    case ICE_BOOLEAN:
        buf_str(out, v->boolean ? "true" : "false");
        break;
    case ICE_FLOAT:
        buf_printf(out, "%.9g", (double)v->f32);
        break;
    case ICE_DOUBLE:
        buf_printf(out, "%.17g", v->f64);
        break;
    case ICE_DECIMAL:
        put_decimal(out, t, v->decimal);
        break;
    case ICE_DATE:
        put_date(out, v->i64);
        break;
    case ICE_STRING:
        buf_span(out, v->bytes);
        break;
    case ICE_UUID:
    case ICE_FIXED:
    case ICE_BINARY:
        base64_write(out, (const unsigned char *)v->bytes.p, v->bytes.n);
        break;
    default:
        buf_i64(out, v->i64);
    }
}

static void put_value(struct buf *out, const struct ice_partition_part *part, const struct ice_value *v)
{
    int64_t months, days;
    if (v->is_null) {
        buf_lit(out, "null");
        return;
    }
    switch (part->field->transform.kind) {
    case ICE_YEAR:
        buf_printf(out, "%04lld", (long long)v->i64 + 1970);
        break;
    case ICE_MONTH:
        months = calendar_floor(v->i64, 12);
        buf_printf(out, "%04lld-%02lld", (long long)months + 1970, (long long)(v->i64 - months * 12 + 1));
        break;
    case ICE_HOUR:
        days = calendar_floor(v->i64, 24);
        put_date(out, days);
        buf_printf(out, "-%02lld", (long long)(v->i64 - days * 24));
        break;
    default:
        put_by_type(out, &part->type, v);
    }
}

void ice_partition_path(const struct ice_partition *p, const struct ice_value *values, struct buf *out)
{
    struct buf text;
    buf_init(&text, SIZE_MAX / 4);
    for (size_t i = 0; i < p->n; i++) {
        if (i != 0)
            buf_char(out, '/');
        put_encoded(out, p->parts[i].field->name, PATH_NAME_BYTES);
        buf_char(out, '=');
        buf_reset(&text);
        put_value(&text, &p->parts[i], &values[i]);
        put_encoded(out, buf_view(&text), PATH_VALUE_BYTES);
    }
    out->bad |= text.bad;
    buf_release(&text);
}

// ---- schemas

// A type's name, which fixed ones must have, is made of the field's id, so that no two are equal.
static void put_fixed(struct buf *out, int32_t id, uint32_t bytes)
{
    buf_printf(out, "{\"type\":\"fixed\",\"name\":\"p%d\",\"size\":%u", id, bytes);
}

static void put_avro_type(struct buf *out, const struct ice_type *t, int32_t id)
{
    switch (t->kind) {
    case ICE_BOOLEAN:
        buf_lit(out, "\"boolean\"");
        break;
    case ICE_INT:
        buf_lit(out, "\"int\"");
        break;
    case ICE_LONG:
        buf_lit(out, "\"long\"");
        break;
    case ICE_FLOAT:
        buf_lit(out, "\"float\"");
        break;
    case ICE_DOUBLE:
        buf_lit(out, "\"double\"");
        break;
    case ICE_DATE:
        buf_lit(out, "{\"type\":\"int\",\"logicalType\":\"date\"}");
        break;
    case ICE_TIME:
        buf_lit(out, "{\"type\":\"long\",\"logicalType\":\"time-micros\"}");
        break;
    case ICE_TIMESTAMP:
    case ICE_TIMESTAMPTZ:
        buf_printf(out, "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":%s}",
                   t->kind == ICE_TIMESTAMPTZ ? "true" : "false");
        break;
    case ICE_DECIMAL:
        put_fixed(out, id, (uint32_t)ice_decimal_bytes(t->precision));
        buf_printf(out, ",\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d}", t->precision,
                   t->scale);
        break;
    case ICE_UUID:
        put_fixed(out, id, 16);
        buf_lit(out, ",\"logicalType\":\"uuid\"}");
        break;
    case ICE_FIXED:
        put_fixed(out, id, t->length);
        buf_char(out, '}');
        break;
    case ICE_BINARY:
        buf_lit(out, "\"bytes\"");
        break;
    default:
        buf_lit(out, "\"string\"");
    }
}

void ice_partition_schema(const struct ice_partition *p, struct buf *out)
{
    buf_lit(out, "{\"type\":\"record\",\"name\":\"r102\",\"fields\":[");
    for (size_t i = 0; i < p->n; i++) {
        const struct ice_partition_part *part = &p->parts[i];
        buf_printf(out, "%s{\"name\":\"%s\"", i == 0 ? "" : ",", part->avro_name);
        if (!span_is(part->field->name, part->avro_name)) {
            buf_lit(out, ",\"iceberg-field-name\":");
            json_quote(out, part->field->name);
        }
        buf_lit(out, ",\"type\":[\"null\",");
        put_avro_type(out, &part->type, part->field->field_id);
        buf_printf(out, "],\"default\":null,\"field-id\":%d}", part->field->field_id);
    }
    buf_lit(out, "]}");
}

void ice_partition_fields(const struct ice_partition *p, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < p->n; i++) {
        const struct ice_partition_field *f = p->parts[i].field;
        buf_str(out, i == 0 ? "{\"name\":" : ",{\"name\":");
        json_quote(out, f->name);
        buf_lit(out, ",\"transform\":\"");
        ice_transform_write(&f->transform, out);
        buf_printf(out, "\",\"source-id\":%d,\"field-id\":%d}", f->source_id, f->field_id);
    }
    buf_char(out, ']');
}

// ---- summaries

static bool is_nan(const struct ice_type *t, const struct ice_value *v)
{
    return t->kind == ICE_FLOAT ? isnan(v->f32) : t->kind == ICE_DOUBLE && isnan(v->f64);
}

// <0, 0, >0, of values that are neither null nor NaN.
static int compare(const struct ice_type *t, const struct ice_value *a, const struct ice_value *b)
{
    switch (t->kind) {
    case ICE_BOOLEAN:
        return a->boolean - b->boolean;
    case ICE_FLOAT:
        return (a->f32 > b->f32) - (a->f32 < b->f32);
    case ICE_DOUBLE:
        return (a->f64 > b->f64) - (a->f64 < b->f64);
    case ICE_DECIMAL:
        return (a->decimal > b->decimal) - (a->decimal < b->decimal);
    case ICE_STRING:
    case ICE_UUID:
    case ICE_FIXED:
    case ICE_BINARY:
        return span_compare(a->bytes, b->bytes);
    default:
        return (a->i64 > b->i64) - (a->i64 < b->i64);
    }
}

static bool keep_bound(const struct ice_type *t, const struct ice_value *v, struct arena *a,
                       struct span *bound, struct err *e)
{
    struct buf bytes;
    buf_init(&bytes, SIZE_MAX / 4);
    ice_value_bytes(t, v, &bytes);
    *bound = buf_view(&bytes);
    bool ok = buf_ok(&bytes, "a partition's value", e) && ice_keep(a, bound, e);
    buf_release(&bytes);
    return ok;
}

static bool summarize(const struct ice_partition *p, size_t part, const struct ice_value *const *values,
                      size_t n, struct arena *a, struct ice_partition_summary *s, struct err *e)
{
    const struct ice_type *t = &p->parts[part].type;
    const struct ice_value *least = NULL, *greatest = NULL;
    *s = (struct ice_partition_summary){.knows_nan = t->kind == ICE_FLOAT || t->kind == ICE_DOUBLE};
    for (size_t i = 0; i < n; i++) {
        const struct ice_value *v = &values[i][part];
        if (v->is_null)
            s->contains_null = true;
        else if (is_nan(t, v))
            s->contains_nan = true;
        else {
            least = least == NULL || compare(t, v, least) < 0 ? v : least;
            greatest = greatest == NULL || compare(t, v, greatest) > 0 ? v : greatest;
        }
    }
    // Readers take a summary without bounds for one of nulls alone.
    return least == NULL ||
           (keep_bound(t, least, a, &s->lower, e) && keep_bound(t, greatest, a, &s->upper, e));
}

bool ice_partition_summaries(const struct ice_partition *p, const struct ice_value *const *values, size_t n,
                             struct arena *a, struct ice_partition_summary **summaries, struct err *e)
{
    *summaries = ice_take(a, p->n + 1, sizeof **summaries, e);
    for (size_t i = 0; *summaries != NULL && i < p->n; i++)
        if (!summarize(p, i, values, n, a, &(*summaries)[i], e))
            return false;
    return *summaries != NULL;
}
