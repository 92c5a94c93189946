#include "event/value.h"

#include "event/json.h"
#include "event/json_scan.h"

#include <stdlib.h>

static bool string_of(struct span json, struct arena *arena, struct value *v)
{
    const char *p = json.p + 1, *end = json.p + json.n;
    v->kind = VALUE_STRING;
    if (json.n >= 2 && json_plain_end(p, end) == end - 1 && end[-1] == '"') {
        v->text = (struct span){p, json.n - 2};
        return true;
    }
    // What an escape stands for is never longer than the escape.
    struct buf b = {.p = arena_take(arena, json.n + 1), .cap = json.n, .max_bytes = json.n};
    if (b.p == NULL || !json_unquote(json, &b) || b.bad)
        return false;
    v->text = buf_view(&b);
    return true;
}

// Exact where the digits are few: both parts are exact doubles, and one division rounds once.
static bool few_digits(struct span json, double *number)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *p = json.p, *end = p + json.n, *point = NULL;
    bool negative = *p == '-';
    uint64_t digits = 0;
    p += negative;
    if (json.n > 16 || p == end || *p < '0' || *p > '9' || (*p == '0' && end - p > 1 && p[1] != '.'))
        return false;
    for (; p < end; p++) {
        if (*p >= '0' && *p <= '9')
            digits = digits * 10 + (uint64_t)(*p - '0');
        else if (*p == '.' && point == NULL && p + 1 < end)
            point = p;
        else
            return false;
    }
    if (digits > UINT64_C(1) << 53)
        return false;
    double magnitude = (double)digits / powers[point != NULL ? end - 1 - point : 0];
    *number = negative ? -magnitude : magnitude;
    return true;
}

static bool number_of(struct span json, struct arena *arena, struct value *v)
{
    char few[64], *text = few;
    size_t bad_at;
    v->kind = VALUE_NUMBER;
    v->text = json;
    if (few_digits(json, &v->number))
        return true;
    if (!json_check(json, &bad_at) ||
        (json.n >= sizeof few && (text = arena_take(arena, json.n + 1)) == NULL))
        return false;
    memcpy(text, json.p, json.n);
    text[json.n] = '\0';
    v->number = strtod(text, NULL);
    return true;
}

static bool word_of(struct span json, const char *word, enum value_kind kind, struct value *v)
{
    v->kind = kind;
    return span_is(json, word);
}

bool value_of(struct span json, struct arena *arena, struct value *v)
{
    *v = (struct value){.text = json};
    if (json.n == 0)
        return false;
    switch (json.p[0]) {
    case '{':
        v->kind = VALUE_OBJECT;
        return true;
    case '[':
        v->kind = VALUE_ARRAY;
        return true;
    case '"':
        return string_of(json, arena, v);
    case 'n':
        return word_of(json, "null", VALUE_NULL, v);
    case 't':
        return word_of(json, "true", VALUE_TRUE, v);
    case 'f':
        return word_of(json, "false", VALUE_FALSE, v);
    default:
        return (json.p[0] == '-' || (json.p[0] >= '0' && json.p[0] <= '9')) && number_of(json, arena, v);
    }
}
