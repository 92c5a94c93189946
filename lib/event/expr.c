#include "event/expr.h"

#include "event/expr_regex.h"
#include "event/json.h"
#include "event/json_scan.h"

#include <stdlib.h>

// Each level of parentheses goes through the parser's whole ladder.
#define DEPTH_MAX 50

// ---- words

// The parser answers NULL where it declines. `.` means the place `base` of the line, or, where that is
// DYNAMIC, what a pipe brings.
#define DYNAMIC (-1)

struct parser {
    struct expr *x;
    const char *p, *end;
    const struct expr_variable *variables;
    size_t n_variables;
    int depth;
};

static struct expr_node *parse_pipe(struct parser *s, int base);
static struct expr_node *parse_alternative(struct parser *s, int base);
static struct expr_node *parse_product(struct parser *s, int base);

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Blanks and comments. Where a backslash ends a comment's line, jq's versions differ: that is not passed.
static void skip_blank(struct parser *s)
{
    for (; s->p < s->end; s->p++) {
        if (*s->p == '#')
            while (s->p < s->end && *s->p != '\n' && *s->p != '\\')
                s->p++;
        if (s->p == s->end || (*s->p != ' ' && *s->p != '\t' && *s->p != '\n' && *s->p != '\r'))
            break;
    }
}

// A symbol that is not the beginning of a longer one.
static bool take_symbol(struct parser *s, const char *symbol)
{
    skip_blank(s);
    size_t n = strlen(symbol), left = (size_t)(s->end - s->p);
    if (left < n || memcmp(s->p, symbol, n) != 0)
        return false;
    char next = left > n ? s->p[n] : '\0';
    if (next == '=' && strchr("+-*/%|<>=!", symbol[n - 1]) != NULL && symbol[n - 1] != '=')
        return false;
    if ((next == '/' && symbol[0] == '/') || (next == '/' && symbol[0] == '?'))
        return false;
    s->p += n;
    return true;
}

static struct span peek_word(struct parser *s)
{
    skip_blank(s);
    const char *p = s->p;
    if (p < s->end && is_letter(*p))
        while (p < s->end && (is_letter(*p) || is_digit(*p)))
            p++;
    // A name of a module's, as a::b.
    bool whole = s->end - p < 2 || p[0] != ':' || p[1] != ':';
    return (struct span){s->p, whole ? (size_t)(p - s->p) : 0};
}

static bool take_word(struct parser *s, const char *word)
{
    struct span w = peek_word(s);
    if (!span_is(w, word))
        return false;
    s->p += w.n;
    return true;
}

// ---- nodes

static struct expr_node *node(struct parser *s, enum expr_kind kind, struct expr_node *a, struct expr_node *b)
{
    struct expr_node *n = arena_take(&s->x->arena, sizeof *n);
    if (n != NULL)
        *n = (struct expr_node){.kind = kind, .a = a, .b = b};
    return n;
}

static struct expr_node *unary(struct parser *s, enum expr_kind kind, struct expr_node *a)
{
    return a != NULL ? node(s, kind, a, NULL) : NULL;
}

static struct expr_node *binary(struct parser *s, enum expr_kind kind, struct expr_node *a,
                                struct expr_node *b)
{
    return a != NULL && b != NULL ? node(s, kind, a, b) : NULL;
}

static struct expr_node *place(struct parser *s, int path)
{
    struct expr_node *n = node(s, path == DYNAMIC ? EXPR_INPUT : EXPR_PATH, NULL, NULL);
    if (n != NULL)
        n->path = path;
    return n;
}

static struct expr_node *constant(struct parser *s, struct span json)
{
    struct expr_node *n = node(s, EXPR_CONST, NULL, NULL);
    return n != NULL && value_of(json, &s->x->arena, &n->constant) ? n : NULL;
}

static int child_path(struct expr *x, int parent, struct span name)
{
    int i = x->paths[parent].first_child;
    for (; i != 0; i = x->paths[i].sibling)
        if (span_eq(x->paths[i].name, name))
            return i;
    if (x->n_paths == EXPR_PATHS_MAX)
        return 0;
    x->paths[x->n_paths] =
        (struct expr_path){.name = name, .parent = parent, .sibling = x->paths[parent].first_child};
    x->paths[parent].first_child = x->n_paths;
    return x->n_paths++;
}

static struct expr_node *field(struct parser *s, struct expr_node *a, struct span name)
{
    if (a == NULL)
        return NULL;
    if (a->kind == EXPR_PATH) {
        int path = child_path(s->x, a->path, name);
        return path != 0 ? place(s, path) : NULL;
    }
    struct expr_node *n = unary(s, EXPR_FIELD, a);
    if (n != NULL)
        n->name = name;
    return n;
}

// ---- terms

// A string without interpolation, at its quote; jq's escapes are JSON's.
static bool take_string(struct parser *s, struct value *v)
{
    skip_blank(s);
    if (s->p == s->end || *s->p != '"')
        return false;
    const char *end = json_skip_string(s->p + 1, s->end);
    if (end == NULL)
        return false;
    struct span json = {s->p, (size_t)(end - s->p)};
    s->p = end;
    return value_of(json, &s->x->arena, v); // \( is no escape of JSON's
}

static bool take_number(struct parser *s, struct span *json)
{
    const char *p = s->p;
    while (p < s->end && is_digit(*p))
        p++;
    if (s->end - p >= 2 && *p == '.' && is_digit(p[1]))
        for (p++; p < s->end && is_digit(*p);)
            p++;
    *json = (struct span){s->p, (size_t)(p - s->p)};
    s->p = p;
    return json->n != 0 && (p == s->end || (!is_letter(*p) && *p != '.'));
}

// [N] or ["name"] behind a term.
static struct expr_node *parse_bracket(struct parser *s, struct expr_node *a)
{
    struct value v;
    struct span json;
    if (take_string(s, &v))
        return take_symbol(s, "]") ? field(s, a, v.text) : NULL;
    bool negative = take_symbol(s, "-");
    skip_blank(s);
    if (!take_number(s, &json) || json.n > 8 || memchr(json.p, '.', json.n) != NULL || !take_symbol(s, "]"))
        return NULL;
    struct expr_node *n = unary(s, EXPR_INDEX, a);
    if (n != NULL)
        n->index = (negative ? -1 : 1) * (int)strtol(json.p, NULL, 10);
    return n;
}

static struct expr_node *parse_variable(struct parser *s)
{
    struct span name = peek_word(s);
    s->p += name.n;
    for (size_t i = 0; i < s->n_variables; i++)
        if (name.n != 0 && span_eq(s->variables[i].name, name))
            return constant(s, s->variables[i].json);
    return NULL;
}

static struct expr_node *parse_test(struct parser *s, int base)
{
    struct value pattern, flags = {0};
    struct expr_node *n = unary(s, EXPR_TEST, place(s, base));
    struct expr_regex *r = arena_take(&s->x->arena, sizeof *r);
    if (n == NULL || r == NULL || !take_symbol(s, "(") || !take_string(s, &pattern))
        return NULL;
    if (take_symbol(s, ";") && !take_string(s, &flags))
        return NULL;
    if (!take_symbol(s, ")") || !expr_regex_compile(r, pattern.text, flags.text))
        return NULL;
    r->older = s->x->regexes;
    s->x->regexes = n->regex = r;
    return n;
}

// The arguments of IN, as jq's comma joins them.
static struct expr_node *parse_in(struct parser *s, int base)
{
    struct expr_node *in = unary(s, EXPR_IN, place(s, base)), **last = in != NULL ? &in->b : NULL;
    if (in == NULL || !take_symbol(s, "("))
        return NULL;
    do {
        *last = parse_alternative(s, base);
        if (*last == NULL)
            return NULL;
        last = &(*last)->next;
    } while (take_symbol(s, ","));
    return take_symbol(s, ")") ? in : NULL;
}

static struct expr_node *parse_argument(struct parser *s, enum expr_kind kind, int base)
{
    if (!take_symbol(s, "("))
        return NULL;
    struct expr_node *b = parse_pipe(s, base);
    return take_symbol(s, ")") ? binary(s, kind, place(s, base), b) : NULL;
}

static struct expr_node *parse_word(struct parser *s, int base)
{
    static const struct {
        const char *name;
        enum expr_kind kind;
        bool argument;
    } functions[] = {
        {"not", EXPR_NOT, false},
        {"type", EXPR_TYPE, false},
        {"length", EXPR_LENGTH, false},
        {"has", EXPR_HAS, true},
        {"startswith", EXPR_STARTSWITH, true},
        {"endswith", EXPR_ENDSWITH, true},
        {"select", EXPR_SELECT, true},
    };
    struct span w = peek_word(s);
    s->p += w.n;
    if (span_is(w, "true") || span_is(w, "false") || span_is(w, "null"))
        return constant(s, w);
    if (span_is(w, "test"))
        return parse_test(s, base);
    if (span_is(w, "IN"))
        return parse_in(s, base);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (span_is(w, functions[i].name))
            return functions[i].argument ? parse_argument(s, functions[i].kind, base)
                                         : unary(s, functions[i].kind, place(s, base));
    return NULL;
}

// A dot with what touches it: .name, ."name", .[…], or alone.
static struct expr_node *parse_dot(struct parser *s, struct expr_node *a, bool alone)
{
    struct value v;
    s->p++;
    if (s->p < s->end && is_letter(*s->p)) {
        struct span name = peek_word(s);
        s->p += name.n;
        return name.n != 0 ? field(s, a, name) : NULL;
    }
    if (s->p < s->end && *s->p == '"')
        return take_string(s, &v) ? field(s, a, v.text) : NULL;
    // `..` and `.5` are other things.
    bool other = s->p < s->end && (*s->p == '.' || is_digit(*s->p));
    return alone && !other ? a : NULL;
}

// *steps: the term ends with a step into a value, .name or […].
static struct expr_node *parse_head(struct parser *s, int base, bool *steps)
{
    struct span json;
    skip_blank(s);
    *steps = false;
    if (s->p == s->end)
        return NULL;
    switch (*s->p) {
    case '.':
        *steps = s->end - s->p > 1 && (is_letter(s->p[1]) || s->p[1] == '"');
        return parse_dot(s, place(s, base), true);
    case '"': {
        struct expr_node *n = node(s, EXPR_CONST, NULL, NULL);
        return n != NULL && take_string(s, &n->constant) ? n : NULL;
    }
    case '$':
        s->p++;
        return s->p < s->end && is_letter(*s->p) ? parse_variable(s) : NULL;
    case '(': {
        s->p++;
        struct expr_node *n = parse_pipe(s, base);
        return take_symbol(s, ")") ? n : NULL;
    }
    default:
        if (is_digit(*s->p))
            return take_number(s, &json) ? constant(s, json) : NULL;
        return parse_word(s, base);
    }
}

static struct expr_node *parse_term(struct parser *s, int base)
{
    bool steps, ends = false;
    struct expr_node *a = parse_head(s, base, &steps);
    while (a != NULL) {
        skip_blank(s);
        bool more = s->p < s->end && (*s->p == '.' || *s->p == '[');
        if (more && ends) // to jq before 1.7 this is no term any more
            return NULL;
        if (more && *s->p == '.') {
            a = parse_dot(s, a, false);
            steps = true;
        } else if (more) {
            s->p++;
            a = parse_bracket(s, a);
            steps = true;
        } else if (take_symbol(s, "?")) {
            a = unary(s, steps ? EXPR_TRY_STEP : EXPR_TRY, a);
            ends = !steps;
            steps = false;
        } else {
            break;
        }
    }
    return a;
}

// ---- operators, the tightest first

static struct expr_node *parse_unary(struct parser *s, int base)
{
    if (!take_symbol(s, "-"))
        return parse_term(s, base);
    // jq's rule for it stands among + and -: it takes a whole product.
    return unary(s, EXPR_NEGATE, parse_product(s, base));
}

static bool is_zero(const struct expr_node *n)
{
    return n != NULL && n->kind == EXPR_CONST && n->constant.kind == VALUE_NUMBER && n->constant.number == 0;
}

// Behind a - inside, all that follows belonged to it already.
static struct expr_node *parse_product(struct parser *s, int base)
{
    if (++s->depth > DEPTH_MAX)
        return NULL;
    struct expr_node *a = parse_unary(s, base);
    while (a != NULL) {
        enum expr_kind kind;
        if (take_symbol(s, "*"))
            kind = EXPR_MULTIPLY;
        else if (take_symbol(s, "/"))
            kind = EXPR_DIVIDE;
        else if (take_symbol(s, "%"))
            kind = EXPR_MODULO;
        else
            break;
        struct expr_node *b = parse_unary(s, base);
        // jq refuses a division by a zero that it sees.
        a = kind != EXPR_MULTIPLY && is_zero(b) ? NULL : binary(s, kind, a, b);
    }
    s->depth--;
    return a;
}

static struct expr_node *parse_sum(struct parser *s, int base)
{
    struct expr_node *a = parse_product(s, base);
    while (a != NULL) {
        enum expr_kind kind;
        if (take_symbol(s, "+"))
            kind = EXPR_ADD;
        else if (take_symbol(s, "-"))
            kind = EXPR_SUBTRACT;
        else
            break;
        a = binary(s, kind, a, parse_product(s, base));
    }
    return a;
}

static bool take_comparison(struct parser *s, enum expr_kind *kind)
{
    static const struct {
        const char *symbol;
        enum expr_kind kind;
    } all[] = {
        {"==", EXPR_EQUAL},         {"!=", EXPR_UNEQUAL}, {"<=", EXPR_LESS_EQUAL},
        {">=", EXPR_GREATER_EQUAL}, {"<", EXPR_LESS},     {">", EXPR_GREATER},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (take_symbol(s, all[i].symbol)) {
            *kind = all[i].kind;
            return true;
        }
    return false;
}

static struct expr_node *parse_comparison(struct parser *s, int base)
{
    enum expr_kind kind;
    struct expr_node *a = parse_sum(s, base);
    if (a == NULL || !take_comparison(s, &kind))
        return a;
    return binary(s, kind, a, parse_sum(s, base));
}

static struct expr_node *parse_and(struct parser *s, int base)
{
    struct expr_node *a = parse_comparison(s, base);
    while (a != NULL && take_word(s, "and"))
        a = binary(s, EXPR_AND, a, parse_comparison(s, base));
    return a;
}

static struct expr_node *parse_or(struct parser *s, int base)
{
    struct expr_node *a = parse_and(s, base);
    while (a != NULL && take_word(s, "or"))
        a = binary(s, EXPR_OR, a, parse_and(s, base));
    return a;
}

// From the right.
static struct expr_node *parse_alternative(struct parser *s, int base)
{
    if (++s->depth > DEPTH_MAX)
        return NULL;
    struct expr_node *a = parse_or(s, base);
    if (a != NULL && take_symbol(s, "//"))
        a = binary(s, EXPR_ALTERNATIVE, a, parse_alternative(s, base));
    s->depth--;
    return a;
}

static struct expr_node *parse_pipe(struct parser *s, int base)
{
    if (++s->depth > DEPTH_MAX)
        return NULL;
    struct expr_node *a = parse_alternative(s, base);
    if (a != NULL && take_symbol(s, "|"))
        a = binary(s, EXPR_PIPE, a, parse_pipe(s, a->kind == EXPR_PATH ? a->path : DYNAMIC));
    s->depth--;
    return a;
}

bool expr_parse(struct expr *x, struct span text, const struct expr_variable *variables, size_t n)
{
    *x = (struct expr){.n_paths = 1};
    struct parser s = {x, text.p, text.n != 0 ? text.p + text.n : text.p, variables, n, 0};
    x->root = parse_pipe(&s, 0);
    skip_blank(&s);
    return x->root != NULL && s.p == s.end;
}

void expr_release(struct expr *x)
{
    for (struct expr_regex *r = x->regexes; r != NULL; r = r->older)
        expr_regex_release(r);
    arena_release(&x->arena);
    *x = (struct expr){0};
}
