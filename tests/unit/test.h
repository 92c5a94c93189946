// cmocka with the headers it wants in front of it, and the comparisons the unit tests share.
#ifndef CDC_TESTS_UNIT_TEST_H
#define CDC_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static inline void assert_span(struct span got, const char *want)
{
    if (!span_is(got, want))
        fail_msg("got \"%.*s\", wanted \"%s\"", SPAN_ARG(got), want);
}

#endif
