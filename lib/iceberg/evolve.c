#include "iceberg/evolve.h"

#include "event/json.h"
#include "iceberg/memory.h"

// ---- names

// The id that the mapping has for a top-level name; -1: none.
static int32_t mapped_id(struct span mapping, struct span quoted)
{
    struct json_walk field, name;
    struct span names, id;
    int64_t v;
    if (mapping.n == 0)
        return -1;
    for (json_walk_begin(&field, mapping); json_walk_next(&field);) {
        if (!json_member(field.value, span_of("names"), &names) ||
            !json_member(field.value, span_of("field-id"), &id) || !json_i64(id, &v) || v > INT32_MAX)
            continue;
        for (json_walk_begin(&name, names); json_walk_next(&name);)
            if (span_eq(name.value, quoted))
                return (int32_t)v;
    }
    return -1;
}

int ice_schema_find_name(const struct ice_schema *s, struct span name)
{
    for (size_t i = 0; i < s->n; i++)
        if (span_eq(s->fields[i].name, name))
            return (int)i;
    return -1;
}

static int find(const struct ice_schema *s, struct span mapping, const struct ice_row_column *c)
{
    int at = ice_schema_find_name(s, c->name);
    if (at >= 0)
        return at;
    int32_t id = mapped_id(mapping, c->quoted);
    return id < 0 ? -1 : ice_schema_find(s, id);
}

bool ice_row_bind(const struct ice_row_shape *shape, const struct ice_schema *s, struct span mapping,
                  struct arena *a, int **places, struct err *e)
{
    *places = ice_take(a, shape->n + 1, sizeof **places, e);
    for (size_t i = 0; *places != NULL && i < shape->n; i++)
        (*places)[i] = find(s, mapping, &shape->columns[i]);
    return *places != NULL;
}

static void write_mapping(const struct ice_field *fields, size_t n, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s{\"field-id\":%d,\"names\":[", i == 0 ? "" : ",", fields[i].id);
        json_quote(out, fields[i].name);
        buf_char(out, ']');
        if (fields[i].type.n != 0) {
            buf_lit(out, ",\"fields\":");
            write_mapping(fields[i].type.fields, fields[i].type.n, out);
        }
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

void ice_name_mapping_write(const struct ice_schema *s, struct buf *out)
{
    write_mapping(s->fields, s->n, out);
}

// ---- ids

// Copies the type's parts and numbers them.
static bool number_parts(struct ice_type *t, int32_t *last_id, struct arena *a, struct err *e)
{
    if (t->n == 0)
        return true;
    struct ice_field *own = ice_take(a, t->n, sizeof *own, e);
    if (own == NULL)
        return false;
    memcpy(own, t->fields, t->n * sizeof *own);
    t->fields = own;
    for (size_t i = 0; i < t->n; i++)
        own[i].id = ++*last_id;
    for (size_t i = 0; i < t->n; i++)
        if (!number_parts(&own[i].type, last_id, a, e))
            return false;
    return true;
}

static bool check_key(const struct ice_row_column *c, struct err *e)
{
    if (c->type.kind != ICE_FLOAT && c->type.kind != ICE_DOUBLE && !ice_type_is_nested(&c->type))
        return true;
    err_set(e, STATUS_USAGE, "the key's column %.*s is of a type that finds no rows in Iceberg",
            SPAN_ARG(c->name));
    return err_hint(e, "--message-key-columns of cdc-tail gives the table another key");
}

// The columns as fields, in room for some more.
static bool put_columns(const struct ice_row_shape *shape, size_t more, int32_t *last_id, struct arena *a,
                        struct ice_schema *s, struct err *e)
{
    *s = (struct ice_schema){.n = shape->n};
    *last_id = (int32_t)(shape->n + more);
    s->fields = ice_take(a, shape->n + more + 1, sizeof *s->fields, e);
    for (size_t i = 0; s->fields != NULL && i < shape->n; i++) {
        const struct ice_row_column *c = &shape->columns[i];
        s->fields[i] = (struct ice_field){
            .id = (int32_t)i + 1, .name = c->name, .required = c->required, .type = c->type};
        if (!number_parts(&s->fields[i].type, last_id, a, e))
            return false;
    }
    return s->fields != NULL;
}

bool ice_schema_create(const struct ice_row_shape *shape, struct arena *a, struct ice_schema *s,
                       struct err *e)
{
    int32_t last_id;
    if (!put_columns(shape, 0, &last_id, a, s, e))
        return false;
    s->n_keys = shape->n_keys;
    s->keys = ice_take(a, shape->n_keys + 1, sizeof *s->keys, e);
    for (size_t i = 0; s->keys != NULL && i < shape->n_keys; i++) {
        if (!check_key(&shape->columns[shape->keys[i]], e))
            return false;
        s->keys[i] = shape->keys[i] + 1;
    }
    return s->keys != NULL;
}

bool ice_schema_create_log(const struct ice_row_shape *shape, struct arena *a, struct ice_schema *s,
                           struct err *e)
{
    static const struct ice_field more[] = {
        {.name = SPAN_LIT(ICE_LOG_OP), .type = {.kind = ICE_STRING}},
        {.name = SPAN_LIT(ICE_LOG_POSITION), .type = {.kind = ICE_STRING}},
        {.name = SPAN_LIT(ICE_LOG_TIME), .type = {.kind = ICE_TIMESTAMPTZ}},
    };
    int32_t last_id;
    size_t n = sizeof more / sizeof more[0];
    if (!put_columns(shape, n, &last_id, a, s, e))
        return false;
    for (size_t i = 0; i < s->n; i++)
        s->fields[i].required = false;
    for (size_t i = 0; i < n; i++) {
        if (ice_schema_find_name(s, more[i].name) >= 0)
            return err_set(e, STATUS_USAGE,
                           "the source has a column %.*s, which a change log has for its own",
                           SPAN_ARG(more[i].name));
        s->fields[s->n] = more[i];
        s->fields[s->n].id = (int32_t)s->n + 1;
        s->n++;
    }
    return true;
}

// ---- types

// Whether the type's values can be read into `to` as it is (value.h).
static bool holds(const struct ice_type *to, const struct ice_type *from, const struct ice_form *form)
{
    if (to->kind == ICE_STRING)
        return from->kind == ICE_STRING || form->kind == ICE_FORM_UUID || form->kind == ICE_FORM_DECIMAL ||
               form->kind == ICE_FORM_ISO_DATE || form->kind == ICE_FORM_ISO_TIME ||
               form->kind == ICE_FORM_ISO_TIMESTAMP || form->kind == ICE_FORM_ZONED_TIMESTAMP;
    if (to->kind == ICE_LONG)
        return from->kind == ICE_LONG || from->kind == ICE_INT || form->kind == ICE_FORM_TIME;
    if (to->kind == ICE_DOUBLE && from->kind == ICE_FLOAT)
        return true;
    if (to->kind == ICE_DECIMAL && from->kind == ICE_DECIMAL)
        return to->scale >= from->scale && to->precision - to->scale >= from->precision - from->scale;
    if (to->kind != from->kind)
        return false;
    if (to->kind != ICE_LIST && to->kind != ICE_MAP)
        return true; // a struct's parts go by their names
    for (size_t i = 0; i < to->n; i++)
        if (!holds(&to->fields[i].type, &from->fields[i].type, form->parts[i].form))
            return false;
    return true;
}

// Iceberg's promotions.
static bool widens(const struct ice_type *from, const struct ice_type *to)
{
    return (from->kind == ICE_INT && to->kind == ICE_LONG) ||
           (from->kind == ICE_FLOAT && to->kind == ICE_DOUBLE) ||
           (from->kind == ICE_DECIMAL && to->kind == ICE_DECIMAL && from->scale == to->scale &&
            from->precision < to->precision);
}

static bool misfit(const struct ice_field *f, const struct ice_row_column *c, struct err *e)
{
    struct buf had, has;
    buf_init(&had, 4096), buf_init(&has, 4096);
    ice_type_write(&f->type, &had), ice_type_write(&c->type, &has);
    err_set(e, STATUS_USAGE,
            "column %.*s is %s in the table and %s at the source, which no change of type makes of it",
            SPAN_ARG(f->name), buf_cstr(&had), buf_cstr(&has));
    buf_release(&had), buf_release(&has);
    return err_hint(
        e, "rename the table's column (ALTER TABLE … RENAME COLUMN, without a name mapping): the source's "
           "is then added anew");
}

static bool adapt_type(struct ice_field *f, const struct ice_row_column *c, struct arena *a, bool *changed,
                       struct err *e)
{
    if (holds(&f->type, &c->type, c->form))
        return true;
    if (f->type.kind == ICE_LIST && c->type.kind == ICE_LIST &&
        widens(&f->type.fields[0].type, &c->type.fields[0].type)) {
        struct ice_field *element = ice_take(a, 1, sizeof *element, e);
        if (element == NULL)
            return false;
        *element = f->type.fields[0];
        element->type = c->type.fields[0].type;
        f->type.fields = element;
    } else if (widens(&f->type, &c->type))
        f->type = c->type;
    else
        return misfit(f, c, e);
    *changed = true;
    return true;
}

// ---- evolution

static bool is_identifier(const struct ice_schema *s, int32_t id)
{
    for (size_t i = 0; i < s->n_keys; i++)
        if (s->keys[i] == id)
            return true;
    return false;
}

static bool add(struct ice_schema *next, const struct ice_row_column *c, int32_t *last_id, struct arena *a,
                struct err *e)
{
    struct ice_field *f = &next->fields[next->n++];
    // Rows that are there have no value of it.
    *f = (struct ice_field){.id = ++*last_id, .name = c->name, .type = c->type};
    return number_parts(&f->type, last_id, a, e);
}

bool ice_schema_evolve(const struct ice_schema *now, struct span mapping, const struct ice_row_shape *shape,
                       int32_t *last_id, struct arena *a, struct ice_schema *next, bool *changed,
                       struct err *e)
{
    bool *fed = ice_take(a, now->n + 1, sizeof *fed, e);
    *next = *now;
    *changed = false;
    next->fields = ice_take(a, now->n + shape->n + 1, sizeof *next->fields, e);
    if (fed == NULL || next->fields == NULL)
        return false;
    memcpy(next->fields, now->fields, now->n * sizeof *now->fields);
    for (size_t i = 0; i < shape->n; i++) {
        const struct ice_row_column *c = &shape->columns[i];
        int at = find(now, mapping, c);
        if (now->n_keys != 0 && c->is_key && !check_key(c, e))
            return false;
        if (at < 0) {
            *changed = true;
            if (!add(next, c, last_id, a, e))
                return false;
            continue;
        }
        fed[at] = c->required;
        if (!adapt_type(&next->fields[at], c, a, changed, e))
            return false;
    }
    for (size_t i = 0; i < now->n; i++)
        if (next->fields[i].required && !fed[i] && !is_identifier(now, next->fields[i].id)) {
            next->fields[i].required = false;
            *changed = true;
        }
    return true;
}
