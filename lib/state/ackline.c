#include "state/ackline.h"

#define END_WORD "end "

void acklines_init(struct acklines *a)
{
    *a = (struct acklines){0};
    buf_init(&a->newest, POS_MAX_BYTES);
    buf_init(&a->part, POS_MAX_BYTES);
}

void acklines_release(struct acklines *a)
{
    buf_release(&a->newest);
    buf_release(&a->part);
}

static bool take_end(struct acklines *a, struct span number, struct err *e)
{
    int status = 0;
    for (size_t i = 0; i < number.n; i++) {
        if (number.p[i] < '0' || number.p[i] > '9' || i == 3)
            return err_set(e, STATUS_DATA, "\"%.*s\" is no exit status", SPAN_ARG(number));
        status = status * 10 + (number.p[i] - '0');
    }
    if (number.n == 0 || status > 255)
        return err_set(e, STATUS_DATA, "\"%.*s\" is no exit status", SPAN_ARG(number));
    a->ended = true;
    a->status = status_worst(a->status, status);
    return true;
}

static bool take_token(struct acklines *a, struct span token, struct err *e)
{
    struct pos at;
    if (!pos_parse(token, &at, e))
        return false;
    if (a->newest.n != 0 && at.source != a->at.source)
        return err_set(e, STATUS_DATA, "%.*s is of another kind of source than the tokens before",
                       SPAN_ARG(token));
    if (a->newest.n != 0 && pos_compare(&at, &a->at) < 0)
        return err_set(e, STATUS_DATA, "%.*s is below %.*s, the token before", SPAN_ARG(token),
                       SPAN_ARG(buf_view(&a->newest)));
    buf_reset(&a->newest);
    buf_span(&a->newest, token);
    at.table = at.key = (struct span){"", 0};
    a->at = at;
    a->ended = false;
    return !a->newest.bad || err_no_memory(e);
}

static bool take_line(struct acklines *a, struct span line, struct err *e)
{
    a->lines++;
    if (span_is(line, "exact")) {
        a->exact = true;
        return true;
    }
    bool ok =
        span_starts(line, END_WORD)
            ? take_end(a, (struct span){line.p + sizeof END_WORD - 1, line.n - (sizeof END_WORD - 1)}, e)
            : take_token(a, line, e);
    return ok || err_wrap(e, "acknowledgement, line %llu", (unsigned long long)a->lines);
}

static bool keep_part(struct acklines *a, struct span bytes, struct err *e)
{
    buf_span(&a->part, bytes);
    return !a->part.bad ||
           err_set(e, STATUS_DATA, "acknowledgement, line %llu: it is longer than any position",
                   (unsigned long long)a->lines + 1);
}

bool acklines_take(struct acklines *a, struct span bytes, struct err *e)
{
    while (bytes.n != 0) {
        const char *newline = memchr(bytes.p, '\n', bytes.n);
        if (newline == NULL)
            return keep_part(a, bytes, e);
        struct span line = {bytes.p, (size_t)(newline - bytes.p)};
        bytes = (struct span){newline + 1, bytes.n - line.n - 1};
        if (a->part.n != 0) {
            if (!keep_part(a, line, e))
                return false;
            line = buf_view(&a->part);
        }
        if (!take_line(a, line, e))
            return false;
        buf_reset(&a->part);
    }
    return true;
}
