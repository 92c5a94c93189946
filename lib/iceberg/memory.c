#include "iceberg/memory.h"

void *ice_take(struct arena *a, size_t n, size_t size, struct err *e)
{
    void *p = n <= SIZE_MAX / size ? arena_take(a, n * size) : NULL;
    if (p == NULL)
        err_no_memory(e);
    else
        memset(p, 0, n * size);
    return p;
}

bool ice_keep(struct arena *a, struct span *bytes, struct err *e)
{
    char *p = ice_take(a, bytes->n + 1, 1, e);
    if (p == NULL)
        return false;
    if (bytes->n != 0)
        memcpy(p, bytes->p, bytes->n);
    bytes->p = p;
    return true;
}
