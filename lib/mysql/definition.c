#include "mysql/definition.h"

#include "event/json.h"
#include "mysql/sql.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

void my_definition_release(struct my_definition *d)
{
    free(d->column);
    free(d->key);
    buf_release(&d->text);
    *d = (struct my_definition){0};
}

// ---- defaults

static bool is_now(const char *shown)
{
    return strncasecmp(shown, "current_timestamp", 17) == 0;
}

static bool take_quoted_literal(const char *p, struct buf *text)
{
    for (p++; *p != '\0'; p++) {
        if (*p == '\'' && p[1] != '\'')
            return p[1] == '\0';
        if (*p == '\'' || (*p == '\\' && p[1] != '\0'))
            p++;
        buf_char(text, *p);
    }
    return false;
}

static bool take_bits(const char *p, struct buf *text)
{
    struct span bits = {p + 2, strspn(p + 2, "01")};
    if (strncmp(p, "b'", 2) != 0 || strcmp(bits.p + bits.n, "'") != 0)
        return false;
    buf_span(text, bits);
    return true;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

// MySQL shows the bytes of BINARY and VARBINARY so. Only those of ASCII text can be told as text.
static bool take_hex(const char *p, struct buf *text)
{
    size_t n = strlen(p), from = text->n;
    if (strncmp(p, "0x", 2) != 0 || n % 2 != 0 || strspn(p + 2, "0123456789abcdefABCDEF") != n - 2)
        return false;
    for (p += 2; *p != '\0'; p += 2)
        buf_char(text, (char)(nibble(p[0]) << 4 | nibble(p[1])));
    for (size_t i = from; i < text->n; i++)
        if ((unsigned char)text->p[i] >= 0x80)
            return false;
    return true;
}

static bool is_number(const char *p)
{
    p += *p == '-';
    return isdigit((unsigned char)*p) && p[strspn(p, "0123456789.eE+-")] == '\0';
}

static bool take_shown(bool mariadb, const char *type, const char *shown, struct buf *text)
{
    if (strncmp(type, "bit", 3) == 0)
        return take_bits(shown, text);
    if (!mariadb && (strncmp(type, "binary", 6) == 0 || strncmp(type, "varbinary", 9) == 0))
        return take_hex(shown, text);
    if (mariadb && shown[0] == '\'')
        return take_quoted_literal(shown, text);
    if (mariadb && !is_number(shown))
        return false; // NULL, or an expression
    buf_str(text, shown);
    return true;
}

bool my_default_literal(bool mariadb, const char *type, const char *shown, const char *extra, bool *now,
                        struct buf *text)
{
    *now = shown != NULL && is_now(shown) && (mariadb || strstr(extra, "DEFAULT_GENERATED") != NULL);
    if (*now)
        buf_lit(text, "1970-01-01 00:00:00");
    if (shown == NULL || *now)
        return *now;
    return (mariadb || strstr(extra, "DEFAULT_GENERATED") == NULL) && take_shown(mariadb, type, shown, text);
}

// ---- types

// decimal(5,2) unsigned zerofill: DECIMAL, 5, 2, UNSIGNED ZEROFILL.
struct type_text {
    struct span word, arguments; // arguments: what stands in the parentheses
    bool is_unsigned, is_zerofill;
};

static struct type_text read_type(struct span type)
{
    struct type_text t = {.word = sql_take_word(&type)};
    if (span_take(&type, '(')) {
        struct span rest = type;
        sql_skip_parenthesis(&rest);
        t.arguments = (struct span){type.p, (size_t)(rest.p - type.p)};
        if (t.arguments.n != 0)
            t.arguments.n--;
        type = rest;
    }
    for (sql_skip_space(&type); type.n != 0; sql_skip_space(&type)) {
        t.is_unsigned = sql_take(&type, "unsigned") || t.is_unsigned;
        t.is_zerofill = sql_take(&type, "zerofill") || t.is_zerofill;
        sql_skip(&type);
    }
    return t;
}

// java.sql.Types, as Debezium's parser gives them.
static int jdbc_type(struct span word)
{
    static const struct {
        const char *word;
        int type;
    } known[] = {
        {"tinyint", 5},     {"smallint", 5},   {"mediumint", 4},   {"int", 4},         {"bigint", -5},
        {"float", 6},       {"double", 8},     {"decimal", 3},     {"bit", -7},        {"char", 1},
        {"varchar", 12},    {"tinytext", 12},  {"text", 12},       {"mediumtext", 12}, {"longtext", 12},
        {"binary", -2},     {"varbinary", -3}, {"tinyblob", 2004}, {"blob", 2004},     {"mediumblob", 2004},
        {"longblob", 2004}, {"date", 91},      {"time", 92},       {"datetime", 93},   {"timestamp", 2014},
        {"year", 4},        {"enum", 1},       {"set", 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (sql_is(word, known[i].word))
            return known[i].type;
    return 1111; // OTHER
}

// ---- JSON

static void write_text(const char *member, struct span text, struct buf *out)
{
    buf_str(out, member);
    if (text.n != 0)
        json_quote(out, text);
    else
        buf_lit(out, "null");
}

static void write_flag(const char *member, bool flag, struct buf *out)
{
    buf_str(out, member);
    buf_str(out, flag ? "true" : "false");
}

static void write_type_name(const struct type_text *t, struct buf *out)
{
    buf_char(out, '"');
    for (size_t i = 0; i < t->word.n; i++)
        buf_char(out, (char)toupper((unsigned char)t->word.p[i]));
    buf_str(out, t->is_unsigned ? " UNSIGNED" : "");
    buf_str(out, t->is_zerofill ? " ZEROFILL" : "");
    buf_char(out, '"');
}

static bool has_labels(const struct type_text *t)
{
    return sql_is(t->word, "enum") || sql_is(t->word, "set");
}

static size_t count_labels(struct span labels)
{
    size_t n = 0;
    for (; labels.n != 0; n++) {
        sql_skip(&labels);
        sql_skip_space(&labels);
        (void)span_take(&labels, ',');
    }
    return n;
}

// With their quotes, as they stand.
static void write_labels(struct span labels, struct buf *out)
{
    buf_char(out, '[');
    for (bool first = true; labels.n != 0; first = false) {
        const char *from = labels.p;
        sql_skip(&labels);
        buf_str(out, first ? "" : ",");
        json_quote(out, (struct span){from, (size_t)(labels.p - from)});
        sql_skip_space(&labels);
        (void)span_take(&labels, ',');
    }
    buf_char(out, ']');
}

// What stands in the type's parentheses. Debezium's length of a set is that of its longest value in labels
// and commas.
static void write_lengths(const struct type_text *t, struct buf *out)
{
    int64_t n;
    struct span rest = t->arguments;
    buf_lit(out, ",\"length\":");
    if (sql_is(t->word, "enum"))
        buf_char(out, '1');
    else if (sql_is(t->word, "set"))
        buf_u64(out, 2 * (uint64_t)count_labels(t->arguments) - 1);
    else if (span_take_number(&rest, 9, &n))
        buf_i64(out, n);
    else
        buf_lit(out, "null");
    buf_lit(out, ",\"scale\":");
    if (!has_labels(t) && span_take(&rest, ',') && span_take_number(&rest, 9, &n))
        buf_i64(out, n);
    else
        buf_lit(out, "null");
}

static void write_column(const struct my_column_definition *c, size_t position, struct buf *out)
{
    struct type_text t = read_type(c->type);
    buf_lit(out, "{\"name\":");
    json_quote(out, c->name);
    buf_lit(out, ",\"jdbcType\":");
    buf_i64(out, jdbc_type(t.word));
    buf_lit(out, ",\"nativeType\":null,\"typeName\":");
    write_type_name(&t, out);
    buf_lit(out, ",\"typeExpression\":");
    write_type_name(&t, out);
    write_text(",\"charsetName\":", c->charset, out);
    write_lengths(&t, out);
    buf_lit(out, ",\"position\":");
    buf_u64(out, position);
    write_flag(",\"optional\":", c->nullable, out);
    write_flag(",\"autoIncremented\":", c->auto_increment, out);
    write_flag(",\"generated\":", c->auto_increment, out); // so it is in Debezium
    buf_lit(out, ",\"comment\":null,\"defaultValueExpression\":");
    if (c->has_fallback)
        json_quote(out, c->fallback);
    else
        buf_lit(out, "null");
    buf_lit(out, ",\"enumValues\":");
    if (has_labels(&t))
        write_labels(t.arguments, out);
    else
        buf_lit(out, "null");
    buf_char(out, '}');
}

void my_definition_write(const struct my_definition *d, struct buf *out)
{
    write_text("{\"defaultCharsetName\":", d->charset, out);
    buf_lit(out, ",\"primaryKeyColumnNames\":[");
    for (size_t i = 0; i < d->n_key; i++) {
        buf_str(out, i == 0 ? "" : ",");
        json_quote(out, d->column[d->key[i]].name);
    }
    buf_lit(out, "],\"columns\":[");
    for (size_t i = 0; i < d->n; i++) {
        buf_str(out, i == 0 ? "" : ",");
        write_column(&d->column[i], i + 1, out);
    }
    buf_lit(out, "],\"comment\":null}");
}
