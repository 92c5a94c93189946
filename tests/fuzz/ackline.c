// Acknowledgements read the same however the bytes are cut: the first byte says where.
#include "state/ackline.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static bool take(struct acklines *a, struct span bytes, size_t piece)
{
    struct err e;
    for (size_t n; bytes.n != 0; bytes = (struct span){bytes.p + n, bytes.n - n}) {
        n = piece < bytes.n ? piece : bytes.n;
        if (!acklines_take(a, (struct span){bytes.p, n}, &e))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acklines a, b;
    if (size == 0)
        return 0;
    struct span bytes = {(const char *)data + 1, size - 1};
    acklines_init(&a);
    acklines_init(&b);
    must(take(&a, bytes, size) == take(&b, bytes, (size_t)data[0] + 1));
    must(span_eq(buf_view(&a.newest), buf_view(&b.newest)));
    must(a.ended == b.ended && a.status == b.status && a.lines == b.lines);
    acklines_release(&a);
    acklines_release(&b);
    return 0;
}
