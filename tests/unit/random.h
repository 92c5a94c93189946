// What a test at random draws: the same for the same seed on every machine.
#ifndef CDC_TESTS_UNIT_RANDOM_H
#define CDC_TESTS_UNIT_RANDOM_H

#include "test.h"

static uint32_t seed;

static uint32_t roll(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static const char *pick(const char *const *of, size_t n)
{
    return of[roll((uint32_t)n)];
}
#define PICK(of) pick(of, COUNT_OF(of))

#endif
