#include "event/envelope_op.h"

#include "event/json.h"

static bool back(struct span *s, const char *literal, size_t n)
{
    if (s->n < n || memcmp(s->p + s->n - n, literal, n) != 0)
        return false;
    s->n -= n;
    return true;
}
#define BACK(s, literal) back(s, literal, sizeof(literal) - 1)

static bool back_digits(struct span *s)
{
    size_t n = s->n;
    while (s->n != 0 && s->p[s->n - 1] >= '0' && s->p[s->n - 1] <= '9')
        s->n--;
    return s->n != n;
}

// Read from the end of a JSON object none of this can be within a string: each quote taken here has a comma
// before it or a colon behind it and no backslash, so it is a string's end or beginning.
static char op_at_end(struct span s)
{
    bool ok = BACK(&s, "}") && back_digits(&s) && BACK(&s, ",\"ts_ns\":") && back_digits(&s) &&
              BACK(&s, ",\"ts_us\":") && back_digits(&s) && BACK(&s, ",\"ts_ms\":") && BACK(&s, "\"");
    if (!ok || s.n == 0)
        return '\0';
    char op = s.p[--s.n];
    return op >= 'a' && op <= 'z' && BACK(&s, ",\"op\":\"") ? op : '\0';
}

char envelope_op(struct span line)
{
    static const struct span name = SPAN_LIT("\"op\"");
    char op = op_at_end(line);
    struct json_walk w;
    if (op != '\0')
        return op;
    for (json_walk_begin(&w, line); json_walk_next(&w);)
        if (span_eq(w.name, name))
            op = w.value.n == 3 && w.value.p[0] == '"' ? w.value.p[1] : '\0';
    return op;
}
