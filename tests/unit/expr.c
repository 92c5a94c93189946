// The native half of expressions against libjq: what it answers is what libjq answers, on expressions and
// lines made at random, and on those that were once answered wrongly.
#include "random.h"

#include "expr_same.h"

#include "event/expr_eval.h"
#include "event/json.h"
#include "event/libjq.h"

// ---- what is taken and what is declined

static void takes_its_own(void **state)
{
    static const char *const taken[] = {
        ".after.amount > 900 and .op == \"u\"",
        ".a.b.c",
        ".a[\"b\"][0].c?",
        ".\"a b\" == null",
        "(.a // .b) == 1",
        ".a | . > 1 and . < 5",
        "select(.op | IN(\"c\", \"u\"))",
        ".a | test(\"^x\"; \"i\") | not",
        "has(\"a\") and (.a | startswith(\"x\") or endswith(\"y\"))",
        "-.a + 1 == -1 * 2 % 3",
        ".a|type==\"string\"",
        "# a remark\n.a",
        "$name == .a",
        ".a.and",
    };
    static const struct expr_variable variables[] = {{SPAN_LIT("name"), SPAN_LIT("\"x\"")}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        struct expr x;
        if (!expr_parse(&x, span_of(taken[i]), variables, 1))
            fail_msg("declined: %s", taken[i]);
        expr_release(&x);
    }
}

static void declines_the_rest(void **state)
{
    static const char *const declined[] = {
        "",
        ".a >",
        ".a[]",
        "..",
        ".a, .b",
        "reduce .[] as $x (0; .)",
        ".a = 1",
        ".a |= 1",
        ".a += 1",
        ".a //= 1",
        "if . then 1 else 2 end",
        "\"\\(.a)\"",
        ".a == 1 == 2",
        ". a",
        ".a.",
        "and",
        "$missing",
        "a::b",
        ".[1.5]",
        ".[1:2]",
        "1 / 0",
        "test(.a)",
        "test(\"(\")",
        ".a ?// .b",
        "test(\"a\"; \"g\")",
        "def f: 1; f",
        "@base64",
        "{a: 1}",
        "[1]",
        "# a \\\n.a",
        "not not",
        "(.a",
        ".a)",
        "007",
        "1.",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(declined); i++) {
        struct expr x;
        if (expr_parse(&x, span_of(declined[i]), NULL, 0))
            fail_msg("taken: %s", declined[i]);
        expr_release(&x);
    }
}

static void survives_depth(void **state)
{
    (void)state;
    char text[4096];
    memset(text, '(', sizeof text);
    struct expr x;
    assert_false(expr_parse(&x, (struct span){text, sizeof text}, NULL, 0));
    expr_release(&x);
    memset(text, '-', sizeof text);
    assert_false(expr_parse(&x, (struct span){text, sizeof text}, NULL, 0));
    expr_release(&x);
}

// ---- at random

static const char *const names[] = {"a", "b", "c", "op", "d e", "\xc3\xa9"};
static const char *const written_names[] = {"a",       "b",       "c",        "op",        "d e",
                                            "\\u0061", "\\u00e9", "\xc3\xa9", "d\\u0020e", "o\\u0070"};
static const char *const numbers[] = {"0",
                                      "-0",
                                      "1",
                                      "2",
                                      "-1",
                                      "3",
                                      "1.5",
                                      "0.1",
                                      "0.30000000000000004",
                                      "100",
                                      "1e2",
                                      "1E-2",
                                      "1e400",
                                      "-1e400",
                                      "9007199254740992",
                                      "9007199254740993",
                                      "-9007199254740993",
                                      "1764000000005123457",
                                      "1764000000005123456",
                                      "123456789012345678901234567890",
                                      "0.1000000000000000055511151231257827",
                                      "999999999999999",
                                      "9999999999999999"};
static const char *const strings[] = {"\"\"",
                                      "\"a\"",
                                      "\"b\"",
                                      "\"ab\"",
                                      "\"abc\"",
                                      "\"A\"",
                                      "\"x\\ny\"",
                                      "\"\\u00e9\"",
                                      "\"\xc3\xa9t\xc3\xa9\"",
                                      "\"\\ud83d\\ude00\"",
                                      "\"\xf0\x9f\x98\x80\"",
                                      "\"\xef\xbf\xbf\"",
                                      "\"a\\\"b\\\\\"",
                                      "\"1\"",
                                      "\"\\u0000\"",
                                      "\"null\""};

static void put_value(struct buf *b, int depth);

static void put_object(struct buf *b, int depth)
{
    uint32_t n = roll(5);
    buf_char(b, '{');
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(b, "%s\"%s\"%s:%s", i != 0 ? "," : "", PICK(written_names), roll(4) ? "" : " ",
                   roll(4) ? "" : " ");
        put_value(b, depth - 1);
    }
    buf_char(b, '}');
}

static void put_value(struct buf *b, int depth)
{
    switch (roll(depth > 0 ? 8 : 5)) {
    case 0:
        buf_str(b, "null");
        break;
    case 1:
        buf_str(b, roll(2) ? "true" : "false");
        break;
    case 2:
        buf_str(b, PICK(numbers));
        break;
    case 3:
    case 4:
        buf_str(b, PICK(strings));
        break;
    case 5: {
        uint32_t n = roll(4);
        buf_char(b, '[');
        for (uint32_t i = 0; i < n; i++) {
            buf_str(b, i != 0 ? "," : "");
            put_value(b, depth - 1);
        }
        buf_char(b, ']');
        break;
    }
    default:
        put_object(b, depth);
    }
}

static void put_line(struct buf *b)
{
    buf_reset(b);
    put_object(b, 3);
}

static void put_path(struct buf *b)
{
    uint32_t n = 1 + roll(3);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = PICK(names);
        if (roll(6) == 0)
            buf_printf(b, "%s[%d]", i == 0 ? "." : "", (int)roll(5) - 2);
        else if (roll(4) == 0)
            buf_printf(b, "%s[\"%s\"]", i == 0 ? "." : "", name);
        else if (strlen(name) == 3 || strlen(name) == 2)
            buf_printf(b, ".\"%s\"", name);
        else
            buf_printf(b, ".%s", name);
        if (roll(6) == 0)
            buf_char(b, '?');
    }
}

static void put_expr(struct buf *b, int depth);

static void put_function(struct buf *b, int depth)
{
    static const char *const plain[] = {"not", "type", "length", "."};
    static const char *const patterns[] = {"a",     "^a",         "b$",       "", "[a-c]+",
                                           "\\\\d", "\\\\w\\\\W", "(?<n>a)b", "."};
    switch (roll(7)) {
    case 0:
        buf_printf(b, "test(\"%s\"%s)", PICK(patterns), roll(2) ? "" : "; \"i\"");
        break;
    case 1:
        buf_printf(b, "%s(%s)", roll(2) ? "startswith" : "endswith", PICK(strings));
        break;
    case 2:
        buf_printf(b, "has(\"%s\")", PICK(names));
        break;
    case 3:
        buf_str(b, "IN(");
        for (uint32_t i = roll(3);; i--) {
            put_expr(b, depth - 2);
            if (i == 0)
                break;
            buf_str(b, ", ");
        }
        buf_char(b, ')');
        break;
    case 4:
        buf_str(b, "select(");
        put_expr(b, depth - 1);
        buf_char(b, ')');
        break;
    default:
        buf_str(b, PICK(plain));
    }
}

static void put_expr(struct buf *b, int depth)
{
    static const char *const operators[] = {"==", "!=", "<", "<=", ">",   ">=", "+", "-",
                                            "*",  "/",  "%", "//", "and", "or", "|", "=="};
    static const char *const words[] = {"true", "false", "null", "."};
    if (depth <= 0 || roll(4) == 0) {
        switch (roll(6)) {
        case 0:
            buf_str(b, PICK(numbers));
            return;
        case 1:
            buf_str(b, PICK(strings));
            return;
        case 2:
            buf_str(b, PICK(words));
            return;
        default:
            put_path(b);
            return;
        }
    }
    switch (roll(9)) {
    case 0:
        buf_char(b, '(');
        put_expr(b, depth - 1);
        buf_str(b, roll(3) ? ")" : ")?");
        return;
    case 1:
        put_path(b);
        buf_str(b, " | ");
        put_function(b, depth - 1);
        return;
    case 2:
        put_function(b, depth - 1);
        return;
    case 3:
        buf_str(b, "- ");
        put_expr(b, depth - 1);
        return;
    default:
        put_expr(b, depth - 1);
        buf_printf(b, " %s ", PICK(operators));
        put_expr(b, depth - 1);
    }
}

// ---- both engines

struct tally {
    uint64_t values, empties, asked;
};

// number: the expression's in a program of many, which takes [number, line].
static void compare(struct libjq *jq, uint32_t number, const struct expr *x, const char *text,
                    struct span line, struct tally *tally)
{
    struct expr_eval v;
    struct value native;
    struct buf input;
    jv theirs;
    expr_eval_init(&v, x);
    buf_init(&input, 1 << 20);
    buf_printf(&input, "[%u,%.*s]", number, (int)line.n, line.p);
    enum expr_got got = expr_eval(&v, line, &native);
    tally->asked += got == EXPR_ASK;
    if (got != EXPR_ASK) {
        assert_true(libjq_start(jq, buf_view(&input)));
        enum libjq_got want = libjq_next(jq, &theirs);
        if (want == LIBJQ_FAILED)
            fail_msg("%s on %.*s: an answer, where jq says %s", text, SPAN_ARG(line), buf_cstr(&jq->message));
        if ((want == LIBJQ_END) != (got == EXPR_EMPTY))
            fail_msg("%s on %.*s: %s, not jq", text, SPAN_ARG(line),
                     got == EXPR_EMPTY ? "nothing" : "a value");
        if (got == EXPR_VALUE && !same_value(&native, theirs)) {
            jv dump = jv_dump_string(theirs, 0);
            fail_msg("%s on %.*s: another value than jq's %s", text, SPAN_ARG(line), jv_string_value(dump));
        }
        if (want == LIBJQ_OUTPUT)
            jv_free(theirs);
        tally->values += got == EXPR_VALUE;
        tally->empties += got == EXPR_EMPTY;
    }
    buf_release(&input);
    expr_eval_release(&v);
}

#define EXPRESSIONS 150
#define LINES 60

static void one_round(struct tally *tally)
{
    static struct expr all[EXPRESSIONS];
    static struct buf texts[EXPRESSIONS];
    struct buf program, line;
    struct libjq jq;
    struct err e;
    buf_init(&program, 1 << 20);
    buf_init(&line, 1 << 20);
    buf_str(&program, ".[0] as $number | .[1] | ");
    for (uint32_t i = 0; i < EXPRESSIONS; i++) {
        buf_init(&texts[i], 1 << 16);
        do {
            buf_reset(&texts[i]);
            expr_release(&all[i]);
            put_expr(&texts[i], 3);
        } while (!expr_parse(&all[i], span_of(buf_cstr(&texts[i])), NULL, 0));
        buf_printf(&program, "if $number == %u then (%s) else ", i, buf_cstr(&texts[i]));
    }
    buf_str(&program, "null");
    for (uint32_t i = 0; i < EXPRESSIONS; i++)
        buf_str(&program, " end");
    if (!libjq_init(&jq, buf_cstr(&program), LIBJQ_TRUTH, NULL, 0, &e))
        fail_msg("%s\nof %s", e.text, buf_cstr(&program));
    for (uint32_t j = 0; j < LINES; j++) {
        put_line(&line);
        for (uint32_t i = 0; i < EXPRESSIONS; i++)
            compare(&jq, i, &all[i], buf_cstr(&texts[i]), buf_view(&line), tally);
    }
    for (uint32_t i = 0; i < EXPRESSIONS; i++) {
        expr_release(&all[i]);
        buf_release(&texts[i]);
    }
    libjq_release(&jq);
    buf_release(&program);
    buf_release(&line);
}

static void answers_as_libjq(void **state)
{
    (void)state;
    struct tally tally = {0};
    const char *rounds = getenv("CDC_ROUNDS");
    for (uint32_t round = 1, n = rounds != NULL ? (uint32_t)atoi(rounds) : 12; round <= n; round++) {
        seed = round * 7919;
        one_round(&tally);
    }
    print_message("# %llu values, %llu empty, %llu left to libjq\n", (unsigned long long)tally.values,
                  (unsigned long long)tally.empties, (unsigned long long)tally.asked);
    // Most that it leaves are errors, of which lines at random are full.
    assert_true(2 * tally.values > tally.asked);
    assert_true(tally.empties > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_its_own),
        cmocka_unit_test(declines_the_rest),
        cmocka_unit_test(survives_depth),
        cmocka_unit_test(answers_as_libjq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
