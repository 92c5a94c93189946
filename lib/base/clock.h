// Time: the wall clock for what is written down, the monotonic one for what is waited for.
#ifndef CDC_BASE_CLOCK_H
#define CDC_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ns(void);
int64_t clock_mono_ms(void);

#endif
