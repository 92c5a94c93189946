#include "event/libjq.h"

#include "event/json.h"
#include "event/json_scan.h"
#include "event/libjq_exact.h"

#include <math.h>
#include <stdlib.h>

#define EXACT_MAX 9007199254740992.0

static bool failed(struct libjq *l, const char *why)
{
    buf_reset(&l->message);
    buf_str(&l->message, why);
    return false;
}

// ---- JSON to values

// What libjq copies with a number and never looks at: its place in l->numbers, from 1. A number that libjq
// makes has 0 there.
static jv number_value(struct libjq *l, struct span text, bool of_line)
{
    struct value v;
    if (!value_of(text, &l->arena, &v))
        return jv_invalid(); // no memory
    jv n = jv_number(v.number);
    if (of_line) {
        l->has_long = l->has_long || fabs(v.number) >= EXACT_MAX;
        buf_bytes(&l->numbers, &text, sizeof text);
        n.size = (int)(l->numbers.n / sizeof text);
    }
    return n;
}

static jv string_value(struct libjq *l, struct span quoted)
{
    struct value v;
    if (!value_of(quoted, &l->arena, &v))
        return jv_invalid();
    return jv_string_sized(v.text.n != 0 ? v.text.p : "", (int)v.text.n);
}

// Reads text that json_check() has passed.
struct source {
    struct libjq *l;
    const char *p, *end;
    bool is_line;
};

static jv read_value(struct source *s);

static void pass_blank(struct source *s)
{
    while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
        s->p++;
}

static jv read_string(struct source *s)
{
    const char *start = s->p;
    s->p = json_skip_string(start + 1, s->end);
    return string_value(s->l, (struct span){start, (size_t)(s->p - start)});
}

static jv read_object(struct source *s)
{
    jv object = jv_object();
    for (pass_blank(s); *s->p != '}'; pass_blank(s)) {
        if (*s->p == ',')
            s->p++;
        pass_blank(s);
        jv name = read_string(s);
        pass_blank(s);
        s->p++; // the colon
        object = jv_object_set(object, name, read_value(s));
    }
    s->p++;
    return object;
}

static jv read_array(struct source *s)
{
    jv array = jv_array();
    for (pass_blank(s); *s->p != ']'; pass_blank(s)) {
        if (*s->p == ',')
            s->p++;
        array = jv_array_append(array, read_value(s));
    }
    s->p++;
    return array;
}

static jv read_number(struct source *s)
{
    const char *start = s->p;
    while (s->p < s->end && strchr("+-.0123456789Ee", *s->p) != NULL)
        s->p++;
    return number_value(s->l, (struct span){start, (size_t)(s->p - start)}, s->is_line);
}

static jv read_value(struct source *s)
{
    pass_blank(s);
    switch (*s->p) {
    case '{':
        s->p++;
        return read_object(s);
    case '[':
        s->p++;
        return read_array(s);
    case '"':
        return read_string(s);
    case 't':
        s->p += 4;
        return jv_true();
    case 'f':
        s->p += 5;
        return jv_false();
    case 'n':
        s->p += 4;
        return jv_null();
    default:
        return read_number(s);
    }
}

// ---- values to JSON

static bool put_number(struct libjq *l, jv value, struct buf *out)
{
    double number = jv_number_value(value);
    size_t place = (size_t)value.size;
    struct value literal;
    if (place - 1 < l->numbers.n / sizeof(struct span)) {
        struct span text = ((const struct span *)(const void *)l->numbers.p)[place - 1];
        if (value_of(text, &l->arena, &literal) && literal.number == number) {
            buf_span(out, text);
            return true;
        }
    }
    if (number != number || fabs(number) < 1e15) {
        if (number == (double)(int64_t)number && (number != 0 || !signbit(number))) {
            buf_i64(out, (int64_t)number);
            return true;
        }
    } else if (fabs(number) >= EXACT_MAX) {
        return failed(l, "the expression computed a number beyond 2^53, where jq's numbers are not exact");
    }
    jv text = jv_dump_string(jv_number(number), 0);
    buf_str(out, jv_string_value(text));
    jv_free(text);
    return true;
}

static void put_string(jv value, struct buf *out)
{
    json_quote(out, (struct span){jv_string_value(value), (size_t)jv_string_length_bytes(jv_copy(value))});
}

static bool put_array(struct libjq *l, jv value, struct buf *out)
{
    bool ok = true;
    int n = jv_array_length(jv_copy(value));
    buf_char(out, '[');
    for (int i = 0; ok && i < n; i++) {
        jv element = jv_array_get(jv_copy(value), i);
        if (i != 0)
            buf_char(out, ',');
        ok = libjq_write(l, element, out);
        jv_free(element);
    }
    buf_char(out, ']');
    return ok;
}

static bool put_object(struct libjq *l, jv value, struct buf *out)
{
    bool ok = true, first = true;
    buf_char(out, '{');
    for (int i = jv_object_iter(value); ok && jv_object_iter_valid(value, i);
         i = jv_object_iter_next(value, i), first = false) {
        jv name = jv_object_iter_key(value, i), member = jv_object_iter_value(value, i);
        if (!first)
            buf_char(out, ',');
        put_string(name, out);
        buf_char(out, ':');
        ok = libjq_write(l, member, out);
        jv_free(name);
        jv_free(member);
    }
    buf_char(out, '}');
    return ok;
}

bool libjq_write(struct libjq *l, jv value, struct buf *out)
{
    switch (jv_get_kind(value)) {
    case JV_KIND_FALSE:
        buf_lit(out, "false");
        return true;
    case JV_KIND_TRUE:
        buf_lit(out, "true");
        return true;
    case JV_KIND_NUMBER:
        return put_number(l, value, out);
    case JV_KIND_STRING:
        put_string(value, out);
        return true;
    case JV_KIND_ARRAY:
        return put_array(l, value, out);
    case JV_KIND_OBJECT:
        return put_object(l, value, out);
    default:
        buf_lit(out, "null");
        return true;
    }
}

bool libjq_is(struct libjq *l, jv value, struct span json)
{
    buf_reset(&l->scratch);
    return libjq_write(l, value, &l->scratch) && !l->scratch.bad && span_eq(buf_view(&l->scratch), json);
}

// ---- the expression

// jq tells a faulty expression on standard error, line by line; the first says what is wrong.
static void on_error(void *context, jv message)
{
    struct libjq *l = context;
    jv text = jq_format_error(message);
    if (jv_get_kind(text) == JV_KIND_STRING && l->message.n == 0)
        buf_str(&l->message, jv_string_value(text));
    jv_free(text);
}

// As jq gives them: of two that have one name the first; and all as $ARGS.named.
static jv named_values(struct libjq *l, const struct expr_variable *variables, size_t n)
{
    static const char args[] = "ARGS";
    jv all = jv_object();
    for (size_t i = 0; i < n; i++) {
        struct source s = {l, variables[i].json.p, variables[i].json.p + variables[i].json.n, false};
        jv name = jv_string_sized(variables[i].name.p, (int)variables[i].name.n);
        if (!jv_object_has(jv_copy(all), jv_copy(name)))
            all = jv_object_set(all, name, read_value(&s));
        else
            jv_free(name);
    }
    if (jv_object_has(jv_copy(all), jv_string(args)))
        return all;
    jv both = jv_object_set(jv_object(), jv_string("positional"), jv_array());
    both = jv_object_set(both, jv_string("named"), jv_copy(all));
    return jv_object_set(all, jv_string(args), both);
}

static bool compile(struct libjq *l, const char *text, const struct expr_variable *variables, size_t n)
{
    buf_reset(&l->message);
    return jq_compile_args(l->jq, text, named_values(l, variables, n));
}

static void on_debug(void *context, jv message)
{
    struct libjq *l = context;
    if (jv_get_kind(message) == JV_KIND_STRING && strcmp(jv_string_value(message), LIBJQ_EXACT_SAYS) == 0)
        l->mistakes = true;
    jv_free(message);
}

// A state that was halted within a path is of no use any more: jq 1.6 aborts when it is reset.
static const char no_halts[] = "def halt: error(\"the expression asked for a halt\"); "
                               "def halt_error: halt; def halt_error(f): halt; ";

// What jq's `builtins` tells of this version; no array where it tells nothing. The caller's.
static jv builtins_of(struct libjq *l)
{
    if (!compile(l, "builtins", NULL, 0))
        return jv_invalid();
    jq_start(l->jq, jv_null(), 0);
    return jq_next(l->jq);
}

// The newline ends a comment.
static bool compile_within(struct libjq *l, const char *front, const char *text, enum libjq_use use,
                           const struct expr_variable *variables, size_t n)
{
    struct buf whole;
    buf_init(&whole, SIZE_MAX / 4);
    buf_str(&whole, no_halts);
    buf_str(&whole, front);
    buf_str(&whole, use == LIBJQ_ALL ? "" : "first(");
    buf_str(&whole, text);
    buf_str(&whole, use == LIBJQ_ALL ? "" : "\n)");
    bool ok = !whole.bad && compile(l, buf_cstr(&whole), variables, n);
    buf_release(&whole);
    return ok;
}

static bool compile_exact(struct libjq *l, const char *text, enum libjq_use use,
                          const struct expr_variable *variables, size_t n)
{
    struct buf front;
    jv builtins = builtins_of(l);
    bool ok = jv_get_kind(builtins) == JV_KIND_ARRAY;
    buf_init(&front, SIZE_MAX / 4);
    if (ok)
        libjq_exact(builtins, text, &front);
    ok = ok && !front.bad && compile_within(l, buf_cstr(&front), text, use, variables, n);
    buf_release(&front);
    jv_free(builtins);
    return ok;
}

// An expression that imports modules takes nothing in front, so it gets no numbers that it could mistake.
static bool compile_for(struct libjq *l, const char *text, enum libjq_use use,
                        const struct expr_variable *variables, size_t n)
{
    if (use == LIBJQ_TRUTH ? compile_within(l, "", text, use, variables, n)
                           : compile_exact(l, text, use, variables, n))
        return true;
    l->no_long = use != LIBJQ_TRUTH;
    return compile(l, text, variables, n);
}

// Where modules are looked for: jq aborts at an import without that.
static void set_paths(struct libjq *l)
{
    jv paths = jv_array_append(jv_array(), jv_string("~/.jq"));
    jq_set_attr(l->jq, jv_string("JQ_LIBRARY_PATH"), jv_array_append(paths, jv_string(".")));
    jq_set_attr(l->jq, jv_string("PROGRAM_ORIGIN"), jv_string("."));
}

bool libjq_init(struct libjq *l, const char *text, enum libjq_use use, const struct expr_variable *variables,
                size_t n, struct err *e)
{
    *l = (struct libjq){.jq = jq_init()};
    buf_init(&l->numbers, SIZE_MAX / 4);
    buf_init(&l->scratch, SIZE_MAX / 4);
    buf_init(&l->message, 4096);
    if (l->jq == NULL)
        return err_no_memory(e);
    jq_set_error_cb(l->jq, on_error, l);
    jq_set_debug_cb(l->jq, on_debug, l);
    set_paths(l);
    if (!compile_for(l, text, use, variables, n)) {
        err_set(e, STATUS_USAGE, "%s",
                l->message.n != 0 ? buf_cstr(&l->message) : "jq refuses the expression");
        return err_wrap(e, "\"%.200s\"", text);
    }
    buf_reset(&l->message);
    return true;
}

void libjq_release(struct libjq *l)
{
    if (l->jq != NULL)
        jq_teardown(&l->jq);
    arena_release(&l->arena);
    buf_release(&l->numbers);
    buf_release(&l->scratch);
    buf_release(&l->message);
}

static jv next(struct libjq *l)
{
    jv output = jq_next(l->jq);
    l->runs = jv_is_valid(output);
    return output;
}

bool libjq_start(struct libjq *l, struct span line)
{
    size_t bad_at;
    if (!json_check(line, &bad_at)) {
        buf_reset(&l->message);
        buf_printf(&l->message, "byte %zu: this is no JSON", bad_at + 1);
        return false;
    }
    arena_reset(&l->arena);
    buf_reset(&l->numbers);
    l->has_long = false;
    struct source s = {l, line.p, line.p + line.n, true};
    // A run must come to its end: jq 1.6 aborts when it is reset within a path.
    while (l->runs)
        jv_free(next(l));
    l->mistakes = false;
    jv value = read_value(&s);
    if (l->no_long && l->has_long) {
        jv_free(value);
        return failed(l, "the line has a number beyond 2^53, which an expression that imports modules could "
                         "mistake");
    }
    jq_start(l->jq, value, 0);
    l->runs = true;
    return true;
}

static void keep_message(struct libjq *l, jv message)
{
    buf_reset(&l->message);
    if (jv_get_kind(message) == JV_KIND_STRING)
        buf_bytes(&l->message, jv_string_value(message), (size_t)jv_string_length_bytes(jv_copy(message)));
    else if (!libjq_write(l, message, &l->message))
        buf_reset(&l->message);
    if (l->message.n == 0)
        failed(l, "the expression failed without a message");
    jv_free(message);
}

enum libjq_got libjq_next(struct libjq *l, jv *output)
{
    *output = next(l);
    if (l->mistakes) {
        jv_free(*output);
        failed(l, LIBJQ_EXACT_SAYS);
        return LIBJQ_FAILED;
    }
    if (jv_is_valid(*output))
        return LIBJQ_OUTPUT;
    if (jv_invalid_has_msg(jv_copy(*output))) {
        keep_message(l, jv_invalid_get_msg(*output));
        return LIBJQ_FAILED;
    }
    jv_free(*output);
    if (!jq_halted(l->jq))
        return LIBJQ_END;
    failed(l, "the expression asked for a halt");
    return LIBJQ_FAILED;
}
