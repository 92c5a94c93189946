// Time: the wall clock for what is written down, the monotonic one for what is waited for.
#ifndef CDC_BASE_CLOCK_H
#define CDC_BASE_CLOCK_H

#include "base/span.h"

#include <stdint.h>

int64_t clock_wall_ns(void);
int64_t clock_mono_ms(void);

// At least so long, unless a signal comes.
void clock_nap_us(int64_t us);

// A moment in writing, 2025-11-24T04:02:11.250Z, from and to milliseconds of Unix time; years 0 to 9999.
#define CLOCK_TEXT_BYTES sizeof "2025-11-24T04:02:11.250Z"
void clock_format(int64_t unix_ms, char text[CLOCK_TEXT_BYTES]);
bool clock_parse(struct span text, int64_t *unix_ms);

// The same as a person writes it on a command line, to microseconds: T or a space between, Z or nothing
// behind; from 1970 on.
bool clock_parse_us(const char *text, int64_t *unix_us);

#endif
