// Whatever a peer answers: spans stay within it, and a cut answer is never taken for a whole one.
#include "fuzz.h"

#include "sink/es_answer.h"
#include "sink/es_index.h"

#define MOST 16

static bool within(struct span part, struct span whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct es_item items[MOST], error;
    struct es_found docs[MOST];
    struct es_index_info info;
    struct span body = {(const char *)data, size};
    for (size_t n = 0; n < MOST; n++) {
        if (es_answer_items(body, items, n)) {
            for (size_t i = 0; i < n; i++)
                must(items[i].status >= 100 && items[i].status <= 599 && within(items[i].type, body) &&
                     within(items[i].reason, body));
            must(n == 0 || !es_answer_items((struct span){body.p, body.n - 1}, items, n) ||
                 body.p[body.n - 1] <= ' ');
        }
        if (es_answer_docs(body, docs, n))
            for (size_t i = 0; i < n; i++)
                must(docs[i].found || docs[i].source.n == 0);
    }
    error = es_answer_error(body);
    must(within(error.type, body) && within(error.reason, body));
    if (es_index_read(body, &info))
        must(within(info.source, body) && within(info.meta, body));
    return 0;
}
