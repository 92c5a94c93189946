#include "sink/batch.h"

struct entry {
    uint64_t number; // of the line; 0: refused
    size_t n;
};

void batch_init(struct batch *b, size_t max_bytes)
{
    *b = (struct batch){0};
    buf_init(&b->lines, max_bytes);
}

void batch_release(struct batch *b)
{
    buf_release(&b->lines);
}

bool batch_add(struct batch *b, uint64_t number, struct span text, struct err *e)
{
    struct entry entry = {number, text.n};
    buf_bytes(&b->lines, &entry, sizeof entry);
    buf_span(&b->lines, text);
    return buf_ok(&b->lines, "what one position holds", e);
}

void batch_complete(struct batch *b)
{
    b->complete = b->lines.n;
}

struct span batch_line(const struct batch *b, uint64_t seq, uint64_t *number)
{
    struct entry entry;
    memcpy(&entry, b->lines.p + seq, sizeof entry);
    *number = entry.number;
    return (struct span){b->lines.p + seq + sizeof entry, entry.n};
}

bool batch_next(struct batch *b, uint64_t *seq, uint64_t *number, struct span *text)
{
    for (*number = 0; b->sent != b->complete && *number == 0;) {
        *seq = b->sent;
        *text = batch_line(b, *seq, number);
        b->sent += sizeof(struct entry) + text->n;
    }
    b->records += *number != 0;
    return *number != 0;
}

void batch_refuse(struct batch *b, uint64_t seq)
{
    struct entry entry;
    memcpy(&entry, b->lines.p + seq, sizeof entry);
    entry.number = 0;
    memcpy(b->lines.p + seq, &entry, sizeof entry);
}

void batch_commit(struct batch *b)
{
    buf_shift(&b->lines, b->sent);
    b->complete -= b->sent;
    b->sent = b->records = 0;
}

void batch_rewind(struct batch *b)
{
    b->sent = b->records = 0;
}
