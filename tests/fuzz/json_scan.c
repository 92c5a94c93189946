// The scanner as it is built and the portable one answer the same.
#include "fuzz.h"

#include "event/json_scan.h"

#undef CDC_EVENT_JSON_SCAN_H
#define CDC_PORTABLE
#define json_skip_string portable_skip_string
#define json_skip_container portable_skip_container
#define json_clean_end portable_clean_end
#define json_plain_end portable_plain_end
#include "event/json_scan.c"
#undef json_skip_string
#undef json_skip_container
#undef json_clean_end
#undef json_plain_end

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = p + size;
    must(json_skip_string(p, end) == portable_skip_string(p, end));
    must(json_skip_container(p, end) == portable_skip_container(p, end));
    must(json_clean_end(p, end) == portable_clean_end(p, end));
    must(json_plain_end(p, end) == portable_plain_end(p, end));
    return 0;
}
