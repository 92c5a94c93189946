// Whatever text a GTID set has, it is refused, or written so that it reads the same.
#include "fuzz.h"

#include "mysql/gtid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gtid_set set = {0}, again = {0};
    struct buf text, encoded;
    struct err e;
    struct span input = {size != 0 ? (const char *)data : "", size};
    buf_init(&text, 1u << 20);
    buf_init(&encoded, 1u << 20);
    (void)gtid_list_check(input);
    if (gtid_set_parse(&set, input, &e)) {
        gtid_set_format(&set, &text);
        gtid_set_encode(&set, &encoded);
        must(text.bad || gtid_set_parse(&again, buf_view(&text), &e));
        must(text.bad || (gtid_set_is_subset(&set, &again) && gtid_set_is_subset(&again, &set)));
    }
    gtid_set_release(&set);
    gtid_set_release(&again);
    buf_release(&text);
    buf_release(&encoded);
    return 0;
}
