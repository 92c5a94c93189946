// Whatever a position file holds, it is read or refused; what was read is written so that it reads the same.
#include "state/position.h"
#include "event/json.h"
#include "state/report.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct position p, again;
    struct buf text, report;
    struct err e;
    size_t bad_at;
    position_init(&p);
    position_init(&again);
    buf_init(&text, 8u << 20);
    buf_init(&report, 16u << 20);
    if (position_parse(&p, (struct span){size != 0 ? (const char *)data : "", size}, &e)) {
        position_format(&p, &text);
        must(json_check(buf_view(&text), &bad_at));
        must(position_parse(&again, buf_view(&text), &e) && again.n == p.n);
        for (size_t i = 0; i < p.n; i++)
            must(span_eq(buf_view(&p.sinks[i].token), buf_view(&again.sinks[i].token)));
        report_json(&p, buf_view(&text), 0, &report);
        must(json_check(buf_view(&report), &bad_at));
        report_text(&p, buf_view(&text), 0, &report);
    }
    position_release(&p);
    position_release(&again);
    buf_release(&text);
    buf_release(&report);
    return 0;
}
