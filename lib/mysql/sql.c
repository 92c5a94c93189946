#include "mysql/sql.h"

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

void sql_skip_space(struct span *s)
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

struct span sql_take_word(struct span *s)
{
    sql_skip_space(s);
    struct span word = {s->p, 0};
    while (s->n != 0 && is_word_byte(s->p[0])) {
        word.n++;
        step(s, 1);
    }
    return word;
}

bool sql_is(struct span word, const char *what)
{
    return word.n == strlen(what) && strncasecmp(word.p, what, word.n) == 0;
}

bool sql_is_one_of(struct span word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (sql_is(word, *words))
            return true;
    return false;
}

bool sql_take(struct span *s, const char *word)
{
    struct span rest = *s;
    if (!sql_is(sql_take_word(&rest), word))
        return false;
    *s = rest;
    return true;
}

bool sql_take_words(struct span *s, const char *const *words)
{
    struct span rest = *s;
    for (; *words != NULL; words++)
        if (!sql_take(&rest, *words))
            return false;
    *s = rest;
    return true;
}

// Takes what stands between the quotes at the front; false where there is no second one. out: gets it, a
// name; NULL: it may be a text, in which a backslash escapes.
static bool take_quoted(struct span *s, struct buf *out)
{
    char quote = s->p[0];
    for (step(s, 1); s->n != 0; step(s, 1)) {
        if (s->p[0] == quote && (s->n == 1 || s->p[1] != quote)) {
            step(s, 1);
            return true;
        }
        if (s->p[0] == quote || (s->p[0] == '\\' && out == NULL && quote != '`' && s->n > 1))
            step(s, 1);
        if (out != NULL)
            buf_char(out, s->p[0]);
    }
    return false;
}

bool sql_take_name(struct span *s, struct buf *out)
{
    sql_skip_space(s);
    if (s->n == 0)
        return false;
    if (s->p[0] == '`' || s->p[0] == '"')
        return take_quoted(s, out);
    struct span word = sql_take_word(s);
    buf_span(out, word);
    return word.n != 0;
}

bool sql_take_table(struct span *s, struct span default_db, struct buf *db, struct buf *table)
{
    if (!sql_take_name(s, table))
        return false;
    struct span rest = *s;
    sql_skip_space(&rest);
    if (!span_take(&rest, '.')) {
        buf_span(db, default_db);
        return true;
    }
    *s = rest;
    buf_span(db, buf_view(table));
    buf_reset(table);
    return sql_take_name(s, table);
}

void sql_skip(struct span *s)
{
    sql_skip_space(s);
    if (s->n == 0)
        return;
    if (s->p[0] == '`' || s->p[0] == '"' || s->p[0] == '\'')
        (void)take_quoted(s, NULL);
    else if (sql_take_word(s).n == 0)
        step(s, 1);
}

void sql_skip_parenthesis(struct span *s)
{
    for (size_t depth = 1; depth != 0; sql_skip(s)) {
        sql_skip_space(s);
        if (s->n == 0)
            return;
        depth += s->p[0] == '(';
        depth -= s->p[0] == ')';
    }
}

void sql_skip_settings(struct span *s)
{
    if (!sql_take_words(s, (const char *const[]){"SET", "STATEMENT", NULL}))
        return;
    while (s->n != 0 && !sql_take(s, "FOR"))
        sql_skip(s);
}

void my_quote_name(struct span name, struct buf *out)
{
    buf_char(out, '`');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '`')
            buf_char(out, '`');
        buf_char(out, name.p[i]);
    }
    buf_char(out, '`');
}
