// Whatever bytes a binary JSON value and a difference to it have, the text is JSON or they are refused. The
// input: length of the value 2, value, difference.
#include "fuzz.h"

#include "event/json.h"
#include "mysql/jsonb.h"

#define MAX_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf document, changed;
    struct err e;
    if (size < 2)
        return 0;
    size_t n = (size_t)(data[0] | data[1] << 8);
    struct span rest = {(const char *)data + 2, size - 2};
    struct span value = {rest.p, n < rest.n ? n : rest.n};
    struct span difference = {rest.p + value.n, rest.n - value.n};
    buf_init(&document, MAX_BYTES);
    buf_init(&changed, MAX_BYTES);
    if (jsonb_write(value, &document, &e) && !document.bad) {
        bool ok = jsonb_apply(buf_view(&document), difference, &changed, &e);
        must(!ok || !changed.bad);
    }
    buf_release(&document);
    buf_release(&changed);
    return 0;
}
