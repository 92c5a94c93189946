#include "base/lines.h"

#include <errno.h>
#include <unistd.h>

// What a pipe holds by default, four times.
#define READ_BYTES (256u << 10)

void lines_init(struct lines *l, int fd, size_t max_line_bytes)
{
    *l = (struct lines){.fd = fd, .max_line_bytes = max_line_bytes};
    buf_init(&l->bytes, max_line_bytes + READ_BYTES);
}

void lines_release(struct lines *l)
{
    buf_release(&l->bytes);
}

static enum lines_got too_long(const struct lines *l, struct err *e)
{
    err_set(e, STATUS_DATA, "line %llu is longer than %zu bytes", (unsigned long long)l->count + 1,
            l->max_line_bytes);
    err_hint(e, "--max-line allows longer ones");
    return LINES_FAIL;
}

enum lines_got lines_next(struct lines *l, struct span *line, struct err *e)
{
    char *start = l->bytes.p + l->at;
    size_t from = l->scanned > l->at ? l->scanned : l->at;
    char *end = l->bytes.n > from ? memchr(l->bytes.p + from, '\n', l->bytes.n - from) : NULL;
    if (end != NULL) {
        *line = (struct span){start, (size_t)(end - start)};
        if (line->n > l->max_line_bytes)
            return too_long(l, e);
        l->at = (size_t)(end + 1 - l->bytes.p);
        l->count++;
        return LINES_GOT;
    }
    l->scanned = l->bytes.n;
    if (l->ended)
        return LINES_END;
    return l->bytes.n - l->at > l->max_line_bytes ? too_long(l, e) : LINES_MORE;
}

bool lines_fill(struct lines *l, struct err *e)
{
    if (l->at != 0) {
        l->scanned = l->scanned > l->at ? l->scanned - l->at : 0;
        buf_shift(&l->bytes, l->at);
        l->at = 0;
    }
    if (!buf_room(&l->bytes, READ_BYTES))
        return err_no_memory(e);
    ssize_t n = read(l->fd, l->bytes.p + l->bytes.n, READ_BYTES);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return err_errno(e, STATUS_IO, "cannot read standard input");
    l->ended = n == 0;
    if (n > 0)
        l->bytes.n += (size_t)n;
    return true;
}
