#include "mysql/statement.h"

#include <ctype.h>
#include <strings.h>

static bool is_word_byte(char c)
{
    unsigned char u = (unsigned char)c;
    return isalnum(u) || u == '_' || u == '$' || u >= 0x80;
}

static void step(struct span *s, size_t n)
{
    s->p += n, s->n -= n;
}

static void skip_past(struct span *s, const char *end)
{
    size_t n = strlen(end);
    while (s->n >= n && memcmp(s->p, end, n) != 0)
        step(s, 1);
    step(s, s->n >= n ? n : s->n);
}

// White space and comments. What stands in /*! … */ and, in MariaDB, /*M! … */ is no comment.
static void skip_space(struct span *s)
{
    while (s->n != 0) {
        if (isspace((unsigned char)s->p[0])) {
            step(s, 1);
        } else if (span_starts(*s, "/*!") || span_starts(*s, "/*M!")) {
            step(s, s->p[2] == 'M' ? 4 : 3);
            while (s->n != 0 && isdigit((unsigned char)s->p[0]))
                step(s, 1);
        } else if (span_starts(*s, "*/")) {
            step(s, 2);
        } else if (span_starts(*s, "/*")) {
            skip_past(s, "*/");
        } else if (s->p[0] == '#' || span_starts(*s, "-- ")) {
            skip_past(s, "\n");
        } else {
            return;
        }
    }
}

static struct span take_word(struct span *s)
{
    skip_space(s);
    struct span word = {s->p, 0};
    while (s->n != 0 && is_word_byte(s->p[0])) {
        word.n++;
        step(s, 1);
    }
    return word;
}

static bool is(struct span word, const char *what)
{
    return word.n == strlen(what) && strncasecmp(word.p, what, word.n) == 0;
}

static bool is_one_of(struct span word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (is(word, *words))
            return true;
    return false;
}

// CREATE USER, ALTER EVENT and the like change no table.
static enum statement_kind of_object(struct span rest)
{
    static const char *const objects[] = {"TABLE",  "TABLES",   "DATABASE", "SCHEMA", "INDEX",
                                          "UNIQUE", "FULLTEXT", "SPATIAL",  NULL};
    static const char *const before[] = {"OR", "REPLACE", "TEMPORARY", "ONLINE", "OFFLINE", "IGNORE", NULL};
    struct span word = take_word(&rest);
    while (is_one_of(word, before)) {
        if (is(word, "TEMPORARY"))
            return STATEMENT_OTHER;
        word = take_word(&rest);
    }
    return is_one_of(word, objects) ? STATEMENT_SCHEMA : STATEMENT_OTHER;
}

static enum statement_kind of_xa(struct span rest)
{
    struct span word = take_word(&rest);
    if (is(word, "START") || is(word, "BEGIN"))
        return STATEMENT_XA_START;
    return is(word, "COMMIT") || is(word, "ROLLBACK") ? STATEMENT_XA_END : STATEMENT_WITHIN;
}

static enum statement_kind of_rollback(struct span rest)
{
    return is(take_word(&rest), "TO") ? STATEMENT_WITHIN : STATEMENT_COMMIT;
}

enum statement_kind statement_kind(struct span sql)
{
    static const char *const schema[] = {"CREATE", "ALTER", "DROP", "RENAME", NULL};
    static const char *const data[] = {"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", NULL};
    struct span word = take_word(&sql);
    if (is(word, "BEGIN"))
        return STATEMENT_BEGIN;
    if (is(word, "COMMIT"))
        return STATEMENT_COMMIT;
    if (is(word, "ROLLBACK"))
        return of_rollback(sql);
    if (is(word, "SAVEPOINT") || is(word, "RELEASE"))
        return STATEMENT_WITHIN;
    if (is(word, "XA"))
        return of_xa(sql);
    if (is(word, "TRUNCATE"))
        return STATEMENT_TRUNCATE;
    if (is_one_of(word, schema))
        return of_object(sql);
    return is_one_of(word, data) ? STATEMENT_DATA : STATEMENT_OTHER;
}

// A name as it stands, or quoted with `…` or "…" in which the quote is doubled.
static bool take_name(struct span *s, struct buf *out)
{
    skip_space(s);
    if (s->n == 0)
        return false;
    char quote = s->p[0];
    if (quote != '`' && quote != '"') {
        struct span word = take_word(s);
        buf_span(out, word);
        return word.n != 0;
    }
    for (step(s, 1); s->n != 0; step(s, 1)) {
        if (s->p[0] == quote && (s->n == 1 || s->p[1] != quote)) {
            step(s, 1);
            return true;
        }
        if (s->p[0] == quote)
            step(s, 1);
        buf_char(out, s->p[0]);
    }
    return false;
}

bool statement_truncated(struct span sql, struct span default_db, struct buf *db, struct buf *table)
{
    if (!is(take_word(&sql), "TRUNCATE"))
        return false;
    struct span before = sql;
    if (!is(take_word(&sql), "TABLE"))
        sql = before;
    if (!take_name(&sql, table))
        return false;
    skip_space(&sql);
    if (sql.n == 0 || sql.p[0] != '.') {
        buf_span(db, default_db);
        return true;
    }
    step(&sql, 1);
    buf_span(db, buf_view(table));
    buf_reset(table);
    return take_name(&sql, table);
}
