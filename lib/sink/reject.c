#include "sink/reject.h"

#include "base/base64.h"
#include "base/io.h"
#include "event/json.h"

#include <fcntl.h>
#include <unistd.h>

// A line with its names, each byte of a text escaped.
#define ENTRY_MAX (SIZE_MAX / 4)

bool reject_open(struct reject *r, const char *path, struct err *e)
{
    *r = (struct reject){.fd = -1, .path = path};
    if (path == NULL)
        return true;
    r->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return r->fd >= 0 || err_errno(e, STATUS_IO, "cannot open %s", path);
}

void reject_close(struct reject *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

static void begin(struct buf *b, const char *reason, uint64_t line)
{
    buf_init(b, ENTRY_MAX);
    buf_lit(b, "{\"reason\":");
    json_quote(b, span_of(reason));
    buf_lit(b, ",\"line\":");
    buf_u64(b, line);
}

static bool end(struct reject *r, struct buf *b, struct err *e)
{
    buf_lit(b, "}\n");
    bool ok = !b->bad || err_no_memory(e);
    ok = ok && io_write_all(r->fd, buf_view(b), r->path, e) &&
         (fsync(r->fd) == 0 || err_errno(e, STATUS_IO, "cannot sync %s", r->path));
    r->count += ok;
    buf_release(b);
    return ok;
}

static void member(struct buf *b, const char *name, struct span json)
{
    if (json.n == 0)
        return;
    buf_printf(b, ",\"%s\":", name);
    buf_span(b, json);
}

static void text_member(struct buf *b, const char *name, struct span text)
{
    if (text.n == 0)
        return;
    buf_printf(b, ",\"%s\":", name);
    json_quote(b, text);
}

bool reject_record(struct reject *r, const struct record *record, const char *reason, struct err *e)
{
    struct buf b;
    begin(&b, reason, record->line);
    text_member(&b, "pos", record->token);
    text_member(&b, "topic", record->topic);
    member(&b, "key", record->key);
    member(&b, "headers", record->headers);
    member(&b, "value", record->value);
    return end(r, &b, e);
}

bool reject_text(struct reject *r, uint64_t line, struct span pos, struct span text, const char *reason,
                 struct err *e)
{
    struct buf b;
    size_t bad_at;
    begin(&b, reason, line);
    text_member(&b, "pos", pos);
    size_t before = b.n;
    buf_lit(&b, ",\"text\":");
    size_t quoted = b.n;
    json_quote(&b, text);
    if (!b.bad && !json_check((struct span){b.p + quoted, b.n - quoted}, &bad_at)) {
        b.n = before;
        buf_lit(&b, ",\"base64\":\"");
        base64_write(&b, (const unsigned char *)text.p, text.n);
        buf_char(&b, '"');
    }
    return end(r, &b, e);
}
