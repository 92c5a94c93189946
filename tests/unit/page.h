// Text at the edge of memory that nothing may touch: a read one byte too far ends the test.
#ifndef CDC_TESTS_UNIT_PAGE_H
#define CDC_TESTS_UNIT_PAGE_H

#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES_BYTES (64u << 10)

struct pages {
    char *begin, *end; // PAGES_BYTES
};

static inline struct pages pages_map(void)
{
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    int zero = open("/dev/zero", O_RDWR);
    char *p = mmap(NULL, PAGES_BYTES + 2 * guard, PROT_NONE, MAP_PRIVATE, zero, 0);
    assert_true(p != MAP_FAILED && mprotect(p + guard, PAGES_BYTES, PROT_READ | PROT_WRITE) == 0);
    close(zero);
    return (struct pages){p + guard, p + guard + PAGES_BYTES};
}

static inline void pages_unmap(struct pages g)
{
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    munmap(g.begin - guard, PAGES_BYTES + 2 * guard);
}

static inline struct span pages_at_end(struct pages g, const char *text, size_t n)
{
    memcpy(g.end - n, text, n);
    return (struct span){g.end - n, n};
}

static inline struct span pages_at_begin(struct pages g, const char *text, size_t n)
{
    memcpy(g.begin, text, n);
    return (struct span){g.begin, n};
}

#endif
