// Whatever a transaction payload has, its events are given, each within its bytes, or it is refused.
#include "fuzz.h"

#include "mysql/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct payload p;
    struct err e;
    struct span event;
    uint64_t offset, last = 0;
    struct binlog_event ev = {.type = BINLOG_PAYLOAD, .body = {size != 0 ? (const char *)data : "", size}};
    payload_init(&p, 1u << 18);
    if (payload_open(&p, &ev, &e))
        for (int i = 0; i < 10000 && payload_next(&p, &event, &offset, &e) == PAYLOAD_GOT; i++) {
            must(event.n >= BINLOG_HEADER_BYTES && offset >= last);
            last = offset + event.n;
        }
    payload_release(&p);
    return 0;
}
