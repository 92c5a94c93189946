// What the fuzz targets share.
#ifndef CDC_TESTS_FUZZ_H
#define CDC_TESTS_FUZZ_H

#include "base/span.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool held)
{
    if (!held)
        abort();
}

#endif
