// Expressions at random on lines with integers beyond 2^53, some of which are one double: what comes out is
// what comes out where each of them is a small number instead, in the same order; or it is an error.
#include "random.h"

#include "event/libjq.h"

// The same place in both is the same number. Of the long ones the first three and the next two are one
// double.
#define LONGS 6
static const char *const longs[LONGS] = {"9007199254740992",    "9007199254740993",    "-9007199254740993",
                                         "1764000000005123456", "1764000000005123457", "9007199254740996"};
static const char *const shorts[LONGS] = {"70001", "70002", "-70001", "70004", "70005", "70003"};

// #N in a text stands for the N-th number.
static void put(struct buf *b, const char *text, const char *const numbers[LONGS])
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '#')
            buf_str(b, numbers[*++p - '0']);
        else
            buf_char(b, *p);
    }
}

static const char *const lines[] = {
    "{\"a\":#0,\"b\":#1,\"c\":[#0,#1,#1,3],\"d\":{\"x\":#1,\"y\":\"s\"},\"n\":3,\"s\":\"t\"}",
    "{\"a\":#3,\"b\":#4,\"c\":[{\"x\":#3,\"y\":1},{\"x\":#4,\"y\":0}],\"d\":{\"x\":#4},\"n\":1,\"s\":\"\"}",
    "{\"a\":#2,\"b\":#2,\"c\":[[#0,2],[#1,1]],\"d\":{\"x\":#2,\"k\":#5},\"n\":0,\"s\":\"a\"}",
    "{\"a\":#0,\"b\":#5,\"c\":[1,2,1],\"d\":{\"x\":2},\"n\":-1,\"s\":\"b\"}",
    "{\"a\":1,\"b\":2,\"c\":[#4],\"d\":null,\"n\":2.5,\"s\":\"x\"}",
};

static void put_expr(struct buf *b, int depth)
{
    static const char *const places[] = {".",
                                         ".a",
                                         ".b",
                                         ".c",
                                         ".d",
                                         ".n",
                                         ".s",
                                         ".c[0]",
                                         ".c[1]",
                                         ".d.x",
                                         "([#0] | .[0])",
                                         "([#1] | .[0])",
                                         "([#3] | .[0])",
                                         "1",
                                         "null",
                                         "\"t\"",
                                         "[.a, .b]",
                                         ".c[]?",
                                         "$x",
                                         "{a, b}",
                                         "[.c[0], .n]"};
    static const char *const operators[] = {"==", "!=", "<",  "<=",  ">",  ">=", "+", "-", "/",
                                            "%",  "*",  "//", "and", "or", "|",  ",", "=="};
    static const char *const plain[] = {
        "sort",     "unique", "min",     "max",          "add",   "tostring",  "tojson",   "length",
        "type",     "keys",   "reverse", "to_entries",   "floor", "not",       "first",    "flatten",
        "tonumber", "any",    "all",     "from_entries", "@text", "\"\\(.)\"", "tostream", "values",
        "numbers",  "isnan",  "map(.)",  "del(.[0]?)",   "paths", "sqrt",      "todate"};
    static const char *const taking[] = {"index",        "contains",
                                         "inside",       "IN",
                                         "bsearch",      "sort_by",
                                         "group_by",     "unique_by",
                                         "min_by",       "max_by",
                                         "select",       "map",
                                         "any",          "all",
                                         "INDEX",        "has",
                                         "indices",      "map_values",
                                         "with_entries", "rindex",
                                         "range",        "recurse_down; empty",
                                         "first",        "isvalid",
                                         "add"};
    if (depth <= 0 || roll(5) == 0) {
        buf_str(b, PICK(places));
        return;
    }
    const char *name;
    switch (roll(9)) {
    case 0:
    case 1:
        buf_str(b, "((");
        put_expr(b, depth - 1);
        buf_printf(b, " | %s)%s)", PICK(plain), roll(4) ? "" : "?");
        break;
    case 2:
    case 3:
        name = PICK(taking);
        name = strchr(name, ';') != NULL || strcmp(name, "add") == 0 || strcmp(name, "isvalid") == 0 ? "map"
                                                                                                     : name;
        buf_char(b, '(');
        put_expr(b, depth - 1);
        buf_printf(b, " | %s(", name);
        put_expr(b, depth - 2);
        buf_str(b, "))");
        break;
    case 4:
        buf_str(b, "(try ");
        put_expr(b, depth - 1);
        buf_str(b, " catch 0)");
        break;
    case 5:
        buf_str(b, "(");
        put_expr(b, depth - 1);
        buf_str(b, " as $x | if ");
        put_expr(b, depth - 1);
        buf_str(b, " then ");
        put_expr(b, depth - 1);
        buf_str(b, " else $x end)");
        break;
    default:
        buf_char(b, '(');
        put_expr(b, depth - 1);
        buf_printf(b, " %s ", PICK(operators));
        put_expr(b, depth - 1);
        buf_char(b, ')');
    }
}

#define EXPRESSIONS 60

// A program of many, which takes [number, line].
static void compile(struct libjq *jq, const struct buf *texts, enum libjq_use use,
                    const char *const numbers[LONGS])
{
    struct buf program;
    struct err e;
    buf_init(&program, 1 << 22);
    buf_str(&program, ".[0] as $number | 7 as $x | .[1] | [");
    for (uint32_t i = 0; i < EXPRESSIONS; i++) {
        buf_printf(&program, "if $number == %u then ", i);
        put(&program, texts[i].p, numbers);
        buf_str(&program, " else ");
    }
    buf_str(&program, "null");
    for (uint32_t i = 0; i < EXPRESSIONS; i++)
        buf_str(&program, " end");
    buf_char(&program, ']');
    if (!libjq_init(jq, buf_cstr(&program), use, NULL, 0, &e))
        fail_msg("%s", e.text);
    assert_false(jq->no_long);
    buf_release(&program);
}

// Its outputs, as an array; false where there is an error.
static bool run(struct libjq *jq, uint32_t number, const char *line, const char *const numbers[LONGS],
                struct buf *out)
{
    struct buf input;
    jv output;
    buf_init(&input, 1 << 20);
    buf_printf(&input, "[%u,", number);
    put(&input, line, numbers);
    buf_char(&input, ']');
    buf_reset(out);
    bool ok = libjq_start(jq, buf_view(&input)) && libjq_next(jq, &output) == LIBJQ_OUTPUT;
    if (ok) {
        ok = libjq_write(jq, output, out);
        jv_free(output);
    }
    buf_release(&input);
    return ok;
}

// The long numbers as the short ones.
static void shorten(const struct buf *from, struct buf *to)
{
    buf_reset(to);
    for (size_t at = 0; at < from->n;) {
        size_t i = 0;
        while (i < LONGS &&
               (from->n - at < strlen(longs[i]) || memcmp(from->p + at, longs[i], strlen(longs[i])) != 0))
            i++;
        buf_str(to, i < LONGS ? shorts[i] : "");
        if (i == LONGS)
            buf_char(to, from->p[at]);
        at += i < LONGS ? strlen(longs[i]) : 1;
    }
}

static void mistakes_no_number(void **state)
{
    (void)state;
    static struct buf texts[EXPRESSIONS];
    const char *rounds = getenv("CDC_ROUNDS");
    uint64_t compared = 0, refused = 0, of_long = 0;
    struct buf ours, theirs, same;
    buf_init(&ours, 1 << 24);
    buf_init(&theirs, 1 << 24);
    buf_init(&same, 1 << 24);
    for (uint32_t round = 1, n = rounds != NULL ? (uint32_t)atoi(rounds) : 12; round <= n; round++) {
        struct libjq exact, plain;
        seed = round * 104729;
        for (uint32_t i = 0; i < EXPRESSIONS; i++) {
            buf_init(&texts[i], 1 << 20);
            put_expr(&texts[i], 4);
            (void)buf_cstr(&texts[i]);
        }
        compile(&exact, texts, LIBJQ_ALL, longs);
        compile(&plain, texts, LIBJQ_TRUTH, shorts);
        for (uint32_t i = 0; i < EXPRESSIONS; i++)
            for (size_t j = 0; j < COUNT_OF(lines); j++) {
                if (!run(&exact, i, lines[j], longs, &ours)) {
                    refused++;
                    continue;
                }
                compared++;
                shorten(&ours, &same);
                of_long += same.n != ours.n;
                if (!run(&plain, i, lines[j], shorts, &theirs) ||
                    !span_eq(buf_view(&same), buf_view(&theirs)))
                    fail_msg("%s on %s gives\n%swhere it should be\n%s", buf_cstr(&texts[i]), lines[j],
                             buf_cstr(&ours), buf_cstr(&theirs));
            }
        libjq_release(&exact);
        libjq_release(&plain);
        for (uint32_t i = 0; i < EXPRESSIONS; i++)
            buf_release(&texts[i]);
    }
    print_message("# %llu compared, %llu with long numbers, %llu errors\n", (unsigned long long)compared,
                  (unsigned long long)of_long, (unsigned long long)refused);
    assert_true(compared > refused / 4 && of_long > compared / 10);
    buf_release(&ours);
    buf_release(&theirs);
    buf_release(&same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mistakes_no_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
