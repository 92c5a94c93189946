#include "event/column_rule.h"

#include "event/json.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define OPTION_MAX 256
#define CHARS_MAX (1u << 20)

// ---- compiling

static struct column_rule *add_rule(struct column_rules *r, enum column_rule_kind kind, struct err *e)
{
    struct column_rule *grown = realloc(r->at, (r->n + 1) * sizeof *grown);
    if (grown == NULL) {
        err_no_memory(e);
        return NULL;
    }
    r->at = grown;
    r->at[r->n] = (struct column_rule){.kind = kind};
    return &r->at[r->n++];
}

static bool compile_pattern(struct pattern_list *p, const char *value, const char *option, struct err *e)
{
    const char *entries[] = {value};
    return pattern_compile(p, &(struct opt_list){entries, 1}, option, e);
}

static bool count_of(struct span text, size_t *n)
{
    char digits[24];
    uint64_t v;
    if (text.n >= sizeof digits)
        return false;
    memcpy(digits, text.p, text.n);
    digits[text.n] = '\0';
    bool ok = opt_count(digits, &v) && v <= CHARS_MAX;
    *n = ok ? (size_t)v : 0;
    return ok;
}

static bool add_counted(struct column_rules *r, enum column_rule_kind kind, const char *what,
                        const struct opt_family *family, struct err *e)
{
    for (size_t i = 0; i < family->n; i++) {
        const struct opt_member *m = &family->at[i];
        char option[OPTION_MAX];
        snprintf(option, sizeof option, "column-%s-%.*s-chars", what, SPAN_ARG(m->part[0]));
        struct column_rule *rule = add_rule(r, kind, e);
        if (rule == NULL || !compile_pattern(&rule->columns, m->value, option, e))
            return false;
        if (!count_of(m->part[0], &rule->n) || (kind == RULE_TRUNCATE && rule->n == 0))
            return err_set(e, STATUS_USAGE, "--%s: \"%.*s\" is no count of characters", option,
                           SPAN_ARG(m->part[0]));
    }
    return true;
}

static bool add_hashed(struct column_rules *r, bool serialised, const char *what,
                       const struct opt_family *family, struct err *e)
{
    for (size_t i = 0; i < family->n; i++) {
        const struct opt_member *m = &family->at[i];
        char option[OPTION_MAX], algorithm[64];
        snprintf(algorithm, sizeof algorithm, "%.*s", SPAN_ARG(m->part[0]));
        snprintf(option, sizeof option, "%s-%s-with-salt-…", what, algorithm);
        struct column_rule *rule = add_rule(r, RULE_HASH, e);
        if (rule == NULL || !compile_pattern(&rule->columns, m->value, option, e))
            return false;
        rule->serialised = serialised;
        rule->salt = m->part[1];
        rule->digest = EVP_MD_fetch(NULL, algorithm, NULL);
        rule->work = EVP_MD_CTX_new();
        if (rule->digest == NULL || rule->work == NULL) {
            err_set(e, STATUS_USAGE, "--%s: there is no hash \"%s\"", option, algorithm);
            return err_hint(e, "MD5, SHA-1, SHA-256, SHA-512, SHA3-256 are some");
        }
    }
    return true;
}

// One of a key's columns: a pattern for schema.table.column.
static bool add_key_column(struct column_rules *r, struct span table, struct span column, struct err *e)
{
    struct pattern_list *grown = realloc(r->key, (r->n_key + 1) * sizeof *grown);
    if (grown == NULL)
        return err_no_memory(e);
    r->key = grown;
    r->key[r->n_key++] = (struct pattern_list){0};
    char *text = malloc(table.n + column.n + 4);
    if (text == NULL)
        return err_no_memory(e);
    sprintf(text, "%.*s\\.%.*s", (int)table.n, table.p, (int)column.n, column.p);
    bool ok = compile_pattern(&r->key[r->n_key - 1], text, "message-key-columns", e);
    free(text);
    return ok;
}

static struct span trim(struct span s)
{
    while (s.n != 0 && s.p[0] == ' ')
        s.p++, s.n--;
    while (s.n != 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

// What stands before the separator, which is dropped too; the rest stays in *list.
static struct span take_until(struct span *list, char separator)
{
    const char *end = list->n != 0 ? memchr(list->p, separator, list->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - list->p) : list->n;
    struct span taken = {list->p, n};
    n += end != NULL;
    list->p += n, list->n -= n;
    return trim(taken);
}

// TABLE-REGEX:COLUMN,COLUMN;…
static bool add_keys(struct column_rules *r, const char *text, struct err *e)
{
    for (struct span list = span_of(text); list.n != 0;) {
        struct span columns = take_until(&list, ';');
        if (columns.n == 0)
            continue;
        struct span whole = columns, table = take_until(&columns, ':');
        if (table.n == 0 || columns.n == 0)
            return err_set(e, STATUS_USAGE,
                           "--message-key-columns takes TABLE-REGEX:COLUMN,COLUMN;…, not "
                           "\"%.*s\"",
                           SPAN_ARG(whole));
        while (columns.n != 0)
            if (!add_key_column(r, table, take_until(&columns, ','), e))
                return false;
    }
    return true;
}

bool column_rules_compile(struct column_rules *r, const struct shape_options *o, struct err *e)
{
    *r = (struct column_rules){0};
    return add_counted(r, RULE_TRUNCATE, "truncate-to", &o->truncate, e) &&
           add_counted(r, RULE_MASK, "mask-with", &o->mask, e) &&
           add_hashed(r, true, "column-mask-hash", &o->hash, e) &&
           add_hashed(r, false, "column-mask-hash-v2", &o->hash_v2, e) &&
           (o->key_columns == NULL || add_keys(r, o->key_columns, e));
}

void column_rules_release(struct column_rules *r)
{
    for (size_t i = 0; i < r->n; i++) {
        pattern_release(&r->at[i].columns);
        EVP_MD_free(r->at[i].digest);
        EVP_MD_CTX_free(r->at[i].work);
    }
    for (size_t i = 0; i < r->n_key; i++)
        pattern_release(&r->key[i]);
    free(r->at);
    free(r->key);
    *r = (struct column_rules){0};
}

const struct column_rule *column_rules_find(const struct column_rules *r, struct span column)
{
    for (size_t i = 0; i < r->n; i++)
        if (pattern_matches(&r->at[i].columns, column))
            return &r->at[i];
    return NULL;
}

// ---- writing

struct span text_cut(struct span text, size_t n)
{
    size_t at = 0;
    for (size_t units = 0; at < text.n; at++) {
        unsigned char c = (unsigned char)text.p[at];
        if ((c & 0xc0) == 0x80)
            continue; // within a character
        units += c >= 0xf0 ? 2 : 1;
        if (units > n)
            break;
    }
    return (struct span){text.p, at};
}

// A character of four bytes as Java's modified UTF-8 has it: its two surrogates, three bytes each.
static void as_surrogates(const unsigned char *p, unsigned char out[6])
{
    unsigned v = (p[0] & 7u) << 18 | (p[1] & 63u) << 12 | (p[2] & 63u) << 6 | (p[3] & 63u);
    unsigned unit[2] = {0xd800u + ((v - 0x10000u) >> 10 & 0x3ffu), 0xdc00u + (v & 0x3ffu)};
    for (size_t i = 0; i < 2; i++) {
        out[3 * i] = (unsigned char)(0xe0 | unit[i] >> 12);
        out[3 * i + 1] = (unsigned char)(0x80 | (unit[i] >> 6 & 63));
        out[3 * i + 2] = (unsigned char)(0x80 | (unit[i] & 63));
    }
}

static bool is_wide(struct span text, size_t i)
{
    return (unsigned char)text.p[i] >= 0xf0 && text.n - i >= 4;
}

// Java Object Serialization Specification, 6: the stream's magic and version, then TC_STRING and two bytes of
// length, or TC_LONGSTRING and eight, in front of modified UTF-8. PostgreSQL and MySQL text has no NUL that
// would need its special form.
static bool digest_serialised(EVP_MD_CTX *work, struct span text)
{
    uint64_t n = text.n;
    for (size_t i = 0; i < text.n; i++)
        n += is_wide(text, i) ? 2 : 0;
    unsigned char head[13] = {0xac, 0xed, 0, 5, n > 0xffff ? 0x7c : 0x74};
    size_t width = n > 0xffff ? 8 : 2;
    for (size_t i = 0; i < width; i++)
        head[5 + i] = (unsigned char)(n >> 8 * (width - 1 - i));
    bool ok = EVP_DigestUpdate(work, head, 5 + width) == 1;
    for (size_t i = 0; ok && i < text.n;) {
        size_t run = i;
        while (run < text.n && !is_wide(text, run))
            run++;
        ok = EVP_DigestUpdate(work, text.p + i, run - i) == 1;
        i = run;
        if (ok && i < text.n) {
            unsigned char pair[6];
            as_surrogates((const unsigned char *)text.p + i, pair);
            ok = EVP_DigestUpdate(work, pair, sizeof pair) == 1;
            i += 4;
        }
    }
    return ok;
}

static bool hash_write(const struct column_rule *rule, struct span text, size_t max_chars, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n;
    EVP_MD_CTX *work = rule->work;
    if (EVP_DigestInit_ex(work, rule->digest, NULL) != 1 ||
        EVP_DigestUpdate(work, rule->salt.p, rule->salt.n) != 1 ||
        !(rule->serialised ? digest_serialised(work, text) : EVP_DigestUpdate(work, text.p, text.n) == 1) ||
        EVP_DigestFinal_ex(work, hash, &n) != 1)
        return false;
    size_t chars = max_chars != 0 && max_chars < 2 * n ? max_chars : 2 * n;
    buf_char(out, '"');
    for (size_t i = 0; i < chars; i++)
        buf_char(out, digits[i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15]);
    buf_char(out, '"');
    return true;
}

bool column_rule_write(const struct column_rule *rule, struct span text, size_t max_chars, struct buf *out)
{
    switch (rule->kind) {
    case RULE_TRUNCATE:
        json_quote(out, text_cut(text, rule->n));
        return true;
    case RULE_MASK:
        buf_char(out, '"');
        if (buf_room(out, rule->n)) {
            memset(out->p + out->n, '*', rule->n);
            out->n += rule->n;
        }
        buf_char(out, '"');
        return true;
    case RULE_HASH:
        break;
    }
    return hash_write(rule, text, max_chars, out);
}
