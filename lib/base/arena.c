#include "base/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES 8192
#define ALIGN (sizeof(max_align_t))

struct arena_block {
    struct arena_block *older;
    size_t used, size;
    max_align_t bytes[];
};

static struct arena_block *block_new(struct arena_block *older, size_t n)
{
    size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
    struct arena_block *b = size <= (size_t)-1 - sizeof *b ? malloc(sizeof *b + size) : NULL;
    if (b != NULL)
        *b = (struct arena_block){.older = older, .size = size};
    return b;
}

void *arena_take(struct arena *a, size_t n)
{
    if (n > (size_t)-1 - ALIGN)
        return NULL;
    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (a->blocks == NULL || n > a->blocks->size - a->blocks->used) {
        struct arena_block *b = block_new(a->blocks, n);
        if (b == NULL)
            return NULL;
        a->blocks = b;
    }
    void *p = (char *)a->blocks->bytes + a->blocks->used;
    a->blocks->used += n;
    return p;
}

static void free_from(struct arena_block *b)
{
    while (b != NULL) {
        struct arena_block *older = b->older;
        free(b);
        b = older;
    }
}

void arena_reset(struct arena *a)
{
    if (a->blocks == NULL)
        return;
    // A large block was for one large record.
    struct arena_block *keep = a->blocks->size == BLOCK_BYTES ? a->blocks : NULL;
    free_from(keep != NULL ? keep->older : a->blocks);
    a->blocks = keep;
    if (keep != NULL)
        keep->used = 0, keep->older = NULL;
}

void arena_release(struct arena *a)
{
    free_from(a->blocks);
    a->blocks = NULL;
}
