#include "event/expr_eval.h"

#include "event/expr_regex.h"
#include "event/json.h"

#include <math.h>

// From here on not every integer is a double.
#define EXACT_MAX 9007199254740992.0

void expr_eval_init(struct expr_eval *v, const struct expr *x)
{
    *v = (struct expr_eval){.x = x};
}

void expr_eval_release(struct expr_eval *v)
{
    arena_release(&v->arena);
}

// ---- the line's places

// Whether a member's name, with its quotes, is this one. *broken: it cannot be told.
static bool is_named(struct expr_eval *v, struct span quoted, struct span name, bool *broken)
{
    struct span raw = {quoted.p + 1, quoted.n - 2};
    if (raw.n == name.n && (raw.n == 0 || memcmp(raw.p, name.p, raw.n) == 0))
        return memchr(raw.p, '\\', raw.n) == NULL;
    // An escaped name is longer than what it stands for.
    if (raw.n <= name.n || memchr(raw.p, '\\', raw.n) == NULL)
        return false;
    struct value text;
    if (!value_of(quoted, &v->arena, &text))
        *broken = true;
    return !*broken && span_eq(text.text, name);
}

static void forget(struct expr_eval *v, int path)
{
    v->found[path].n = 0;
    for (int i = v->x->paths[path].first_child; i != 0; i = v->x->paths[i].sibling)
        forget(v, i);
}

// Of two equal names the last counts, so the whole object is read.
static bool find_below(struct expr_eval *v, int path, struct span object)
{
    struct json_walk w;
    bool broken = false;
    for (json_walk_begin(&w, object); json_walk_next(&w);) {
        for (int i = v->x->paths[path].first_child; i != 0; i = v->x->paths[i].sibling) {
            if (!is_named(v, w.name, v->x->paths[i].name, &broken))
                continue;
            forget(v, i);
            v->found[i] = w.value;
            if (w.value.p[0] == '{' && v->x->paths[i].first_child != 0 && !find_below(v, i, w.value))
                return false;
            break;
        }
        if (broken)
            return false;
    }
    return !w.bad;
}

static enum expr_got place_value(struct expr_eval *v, int path, struct value *out)
{
    if (v->found[path].n != 0)
        return value_of(v->found[path], &v->arena, out) ? EXPR_VALUE : EXPR_ASK;
    // Not there: null below an object and below null, else an error.
    int parent = v->x->paths[path].parent;
    while (parent != 0 && v->found[parent].n == 0)
        parent = v->x->paths[parent].parent;
    *out = (struct value){.kind = VALUE_NULL};
    char first = v->found[parent].p[0];
    if (first == '{')
        return EXPR_VALUE;
    struct value above;
    if (!value_of(v->found[parent], &v->arena, &above))
        return EXPR_ASK;
    return above.kind == VALUE_NULL ? EXPR_VALUE : EXPR_ERROR;
}

// The same outside the line's places.
static enum expr_got member_value(struct expr_eval *v, const struct value *of, struct span name,
                                  struct value *out)
{
    struct span last = {NULL, 0};
    struct json_walk w;
    bool broken = false;
    *out = (struct value){.kind = VALUE_NULL};
    if (of->kind == VALUE_NULL)
        return EXPR_VALUE;
    if (of->kind != VALUE_OBJECT)
        return EXPR_ERROR;
    for (json_walk_begin(&w, of->text); json_walk_next(&w);)
        if (is_named(v, w.name, name, &broken))
            last = w.value;
    if (w.bad || broken)
        return EXPR_ASK;
    return last.n == 0 || value_of(last, &v->arena, out) ? EXPR_VALUE : EXPR_ASK;
}

static bool count_elements(const struct value *array, long *n)
{
    struct json_walk w;
    *n = 0;
    for (json_walk_begin(&w, array->text); json_walk_next(&w);)
        ++*n;
    return !w.bad;
}

static enum expr_got element_value(struct expr_eval *v, const struct value *of, long index, struct value *out)
{
    struct json_walk w;
    long n;
    *out = (struct value){.kind = VALUE_NULL};
    if (of->kind == VALUE_NULL)
        return EXPR_VALUE;
    if (of->kind != VALUE_ARRAY)
        return EXPR_ERROR;
    if (!count_elements(of, &n))
        return EXPR_ASK;
    if (index < 0)
        index += n;
    for (json_walk_begin(&w, of->text); json_walk_next(&w); index--)
        if (index == 0)
            return value_of(w.value, &v->arena, out) ? EXPR_VALUE : EXPR_ASK;
    return EXPR_VALUE;
}

// ---- operators

static struct value truth(bool is)
{
    return (struct value){.kind = is ? VALUE_TRUE : VALUE_FALSE};
}

static struct value computed(double number)
{
    return (struct value){.kind = VALUE_NUMBER, .number = number};
}

// Whether its digits may say more than the double.
static bool is_long(const struct value *v)
{
    return v->text.n > 15 || fabs(v->number) >= EXACT_MAX;
}

// jq before 1.7 compares doubles, 1.7 all digits: they differ only where the doubles are equal. And what a
// comparison with NaN gives depends on the version too.
static enum expr_got compare_numbers(const struct value *a, const struct value *b, int *order)
{
    *order = a->number < b->number ? -1 : a->number > b->number;
    if (*order != 0)
        return EXPR_VALUE;
    if (a->number != b->number)
        return EXPR_ASK;
    bool same = a->text.n != 0 && span_eq(a->text, b->text);
    return same || (!is_long(a) && !is_long(b)) ? EXPR_VALUE : EXPR_ASK;
}

static int compare_strings(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n != 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

static enum expr_got compare(const struct value *a, const struct value *b, int *order)
{
    *order = (int)a->kind - (int)b->kind;
    if (*order != 0)
        return EXPR_VALUE;
    switch (a->kind) {
    case VALUE_NUMBER:
        return compare_numbers(a, b, order);
    case VALUE_STRING:
        *order = compare_strings(a->text, b->text);
        return EXPR_VALUE;
    case VALUE_ARRAY:
    case VALUE_OBJECT:
        return EXPR_ASK;
    default:
        return EXPR_VALUE;
    }
}

static enum expr_got relate(enum expr_kind kind, const struct value *a, const struct value *b,
                            struct value *out)
{
    int order;
    if (compare(a, b, &order) != EXPR_VALUE)
        return EXPR_ASK;
    bool holds = false;
    switch (kind) {
    case EXPR_EQUAL:
        holds = order == 0;
        break;
    case EXPR_UNEQUAL:
        holds = order != 0;
        break;
    case EXPR_LESS:
        holds = order < 0;
        break;
    case EXPR_LESS_EQUAL:
        holds = order <= 0;
        break;
    case EXPR_GREATER:
        holds = order > 0;
        break;
    default:
        holds = order >= 0;
    }
    *out = truth(holds);
    return EXPR_VALUE;
}

static enum expr_got add(struct expr_eval *v, const struct value *a, const struct value *b, struct value *out)
{
    if (a->kind == VALUE_NULL || b->kind == VALUE_NULL) {
        *out = a->kind == VALUE_NULL ? *b : *a;
        return EXPR_VALUE;
    }
    if (a->kind == VALUE_NUMBER && b->kind == VALUE_NUMBER) {
        *out = computed(a->number + b->number);
        return EXPR_VALUE;
    }
    if (a->kind != b->kind)
        return EXPR_ERROR;
    if (a->kind != VALUE_STRING)
        return a->kind == VALUE_TRUE || a->kind == VALUE_FALSE ? EXPR_ERROR : EXPR_ASK;
    char *text = arena_take(&v->arena, a->text.n + b->text.n + 1);
    if (text == NULL)
        return EXPR_ASK;
    if (a->text.n != 0)
        memcpy(text, a->text.p, a->text.n);
    if (b->text.n != 0)
        memcpy(text + a->text.n, b->text.p, b->text.n);
    *out = (struct value){.kind = VALUE_STRING, .text = {text, a->text.n + b->text.n}};
    return EXPR_VALUE;
}

// On integers that are exact; the rest depends on the version.
static enum expr_got modulo(double a, double b, struct value *out)
{
    if (!(fabs(a) < EXACT_MAX) || !(fabs(b) < EXACT_MAX) || (int64_t)b == 0)
        return EXPR_ASK;
    *out = computed((double)((int64_t)a % (int64_t)b));
    return EXPR_VALUE;
}

static enum expr_got calculate(struct expr_eval *v, enum expr_kind kind, const struct value *a,
                               const struct value *b, struct value *out)
{
    if (kind == EXPR_ADD)
        return add(v, a, b, out);
    // Strings, arrays and objects know some of these too.
    if (a->kind != VALUE_NUMBER || b->kind != VALUE_NUMBER)
        return EXPR_ASK;
    switch (kind) {
    case EXPR_SUBTRACT:
        *out = computed(a->number - b->number);
        return EXPR_VALUE;
    case EXPR_MULTIPLY:
        *out = computed(a->number * b->number);
        return EXPR_VALUE;
    case EXPR_DIVIDE:
        *out = computed(a->number / b->number);
        return b->number != 0 ? EXPR_VALUE : EXPR_ERROR;
    default:
        return modulo(a->number, b->number, out);
    }
}

// ---- functions

static enum expr_got type_of(const struct value *a, struct value *out)
{
    static const char *const names[] = {"null", "boolean", "boolean", "number", "string", "array", "object"};
    *out = (struct value){.kind = VALUE_STRING, .text = span_of(names[a->kind])};
    return EXPR_VALUE;
}

static enum expr_got length_of(const struct value *a, struct value *out)
{
    long n = 0;
    switch (a->kind) {
    case VALUE_NULL:
        break;
    case VALUE_NUMBER:
        *out = computed(fabs(a->number));
        return EXPR_VALUE;
    case VALUE_STRING:
        for (size_t i = 0; i < a->text.n; i++)
            n += ((unsigned char)a->text.p[i] & 0xc0) != 0x80;
        break;
    case VALUE_ARRAY:
        if (!count_elements(a, &n))
            return EXPR_ASK;
        break;
    case VALUE_OBJECT: // equal names count once
        return EXPR_ASK;
    default:
        return EXPR_ERROR;
    }
    *out = computed((double)n);
    return EXPR_VALUE;
}

static enum expr_got has(struct expr_eval *v, const struct value *a, const struct value *key,
                         struct value *out)
{
    struct json_walk w;
    bool found = false, broken = false;
    if (a->kind != VALUE_OBJECT || key->kind != VALUE_STRING)
        return EXPR_ASK;
    for (json_walk_begin(&w, a->text); json_walk_next(&w);)
        found = is_named(v, w.name, key->text, &broken) || found;
    *out = truth(found);
    return w.bad || broken ? EXPR_ASK : EXPR_VALUE;
}

static enum expr_got affix(enum expr_kind kind, const struct value *a, const struct value *b,
                           struct value *out)
{
    if (a->kind != VALUE_STRING || b->kind != VALUE_STRING)
        return EXPR_ERROR;
    size_t n = b->text.n;
    if (n > a->text.n)
        *out = truth(false);
    else
        *out = truth(n == 0 || memcmp(kind == EXPR_STARTSWITH ? a->text.p : a->text.p + a->text.n - n,
                                      b->text.p, n) == 0);
    return EXPR_VALUE;
}

static enum expr_got test(const struct expr_node *n, const struct value *a, struct value *out)
{
    bool matches;
    if (a->kind != VALUE_STRING)
        return EXPR_ERROR;
    if (!expr_regex_search(n->regex, a->text, &matches))
        return EXPR_ASK;
    *out = truth(matches);
    return EXPR_VALUE;
}

// ---- the tree

static enum expr_got eval(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                          struct value *out);

// jq evaluates the right side first.
static enum expr_got eval_both(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                               struct value *out)
{
    struct value a, b;
    enum expr_got got = eval(v, n->b, in, &b);
    if (got == EXPR_VALUE)
        got = eval(v, n->a, in, &a);
    if (got != EXPR_VALUE)
        return got;
    if (n->kind == EXPR_HAS)
        return has(v, &a, &b, out);
    if (n->kind == EXPR_STARTSWITH || n->kind == EXPR_ENDSWITH)
        return affix(n->kind, &a, &b, out);
    if (n->kind >= EXPR_ADD)
        return calculate(v, n->kind, &a, &b, out);
    return relate(n->kind, &a, &b, out);
}

static enum expr_got eval_logic(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                                struct value *out)
{
    struct value a;
    enum expr_got got = eval(v, n->a, in, &a);
    if (got != EXPR_VALUE)
        return got;
    bool decided = value_is_true(&a) == (n->kind == EXPR_OR);
    if (!decided && (got = eval(v, n->b, in, &a)) != EXPR_VALUE)
        return got;
    *out = truth(value_is_true(&a));
    return EXPR_VALUE;
}

// Whether an error on the left counts as nothing depends on the version.
static enum expr_got eval_alternative(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                                      struct value *out)
{
    enum expr_got got = eval(v, n->a, in, out);
    if (got == EXPR_ASK || got == EXPR_ERROR)
        return EXPR_ASK;
    if (got == EXPR_VALUE && value_is_true(out)) {
        v->caught = true;
        return EXPR_VALUE;
    }
    return eval(v, n->b, in, out);
}

// `caught` is for jq 1.6 and before, where a ? goes on catching what is raised behind it.
static enum expr_got eval_try(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                              struct value *out)
{
    enum expr_got got = eval(v, n->a, in, out);
    if (got == EXPR_ERROR)
        return v->caught ? EXPR_ASK : EXPR_EMPTY;
    v->caught = v->caught || got == EXPR_VALUE;
    return got;
}

// What the step starts from is not tried.
static enum expr_got eval_try_step(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                                   struct value *out)
{
    const struct expr_node *step = n->a;
    enum expr_got got = step->kind == EXPR_PATH ? place_value(v, v->x->paths[step->path].parent, out)
                                                : eval(v, step->a, in, out);
    if (got != EXPR_VALUE)
        return got;
    got = eval(v, step, in, out);
    return got == EXPR_ERROR ? EXPR_EMPTY : got;
}

static enum expr_got eval_in(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                             struct value *out)
{
    struct value a, b;
    int order;
    enum expr_got got = eval(v, n->a, in, &a);
    if (got != EXPR_VALUE)
        return got;
    v->caught = true;
    *out = truth(false);
    for (const struct expr_node *arg = n->b; arg != NULL; arg = arg->next) {
        got = eval(v, arg, in, &b);
        if (got == EXPR_EMPTY)
            continue;
        if (got != EXPR_VALUE || compare(&a, &b, &order) != EXPR_VALUE)
            return EXPR_ASK;
        if (order == 0) {
            *out = truth(true);
            return EXPR_VALUE;
        }
    }
    return EXPR_VALUE;
}

// Those that look at the value of a alone.
static enum expr_got eval_of(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                             struct value *out)
{
    struct value a;
    enum expr_got got = eval(v, n->a, in, &a);
    if (got != EXPR_VALUE)
        return got;
    switch (n->kind) {
    case EXPR_FIELD:
        return member_value(v, &a, n->name, out);
    case EXPR_INDEX:
        return element_value(v, &a, n->index, out);
    case EXPR_NEGATE:
        *out = computed(-a.number);
        return a.kind == VALUE_NUMBER ? EXPR_VALUE : EXPR_ERROR;
    case EXPR_NOT:
        *out = truth(!value_is_true(&a));
        return EXPR_VALUE;
    case EXPR_TYPE:
        return type_of(&a, out);
    case EXPR_LENGTH:
        return length_of(&a, out);
    case EXPR_TEST:
        return test(n, &a, out);
    default:
        return EXPR_ASK;
    }
}

static enum expr_got eval(struct expr_eval *v, const struct expr_node *n, const struct value *in,
                          struct value *out)
{
    struct value a;
    enum expr_got got;
    switch (n->kind) {
    case EXPR_CONST:
        *out = n->constant;
        return EXPR_VALUE;
    case EXPR_INPUT:
        *out = *in;
        return EXPR_VALUE;
    case EXPR_PATH:
        return place_value(v, n->path, out);
    case EXPR_PIPE:
        got = eval(v, n->a, in, &a);
        return got == EXPR_VALUE ? eval(v, n->b, &a, out) : got;
    case EXPR_SELECT:
        got = eval(v, n->b, in, &a);
        if (got != EXPR_VALUE)
            return got;
        return value_is_true(&a) ? eval(v, n->a, in, out) : EXPR_EMPTY;
    case EXPR_ALTERNATIVE:
        return eval_alternative(v, n, in, out);
    case EXPR_OR:
    case EXPR_AND:
        return eval_logic(v, n, in, out);
    case EXPR_TRY:
        return eval_try(v, n, in, out);
    case EXPR_TRY_STEP:
        return eval_try_step(v, n, in, out);
    case EXPR_IN:
        return eval_in(v, n, in, out);
    case EXPR_FIELD:
    case EXPR_INDEX:
    case EXPR_NEGATE:
    case EXPR_NOT:
    case EXPR_TYPE:
    case EXPR_LENGTH:
    case EXPR_TEST:
        return eval_of(v, n, in, out);
    default:
        return eval_both(v, n, in, out);
    }
}

enum expr_got expr_eval(struct expr_eval *v, struct span line, struct value *out)
{
    arena_reset(&v->arena);
    memset(v->found, 0, (size_t)v->x->n_paths * sizeof v->found[0]);
    v->found[0] = line;
    v->caught = false;
    if (line.n == 0 || line.p[0] != '{' || (v->x->n_paths > 1 && !find_below(v, 0, line)))
        return EXPR_ASK;
    enum expr_got got = eval(v, v->x->root, NULL, out);
    return got == EXPR_ERROR ? EXPR_ASK : got;
}
