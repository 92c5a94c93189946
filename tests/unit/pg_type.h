// Columns' types by short names.
#ifndef CDC_TESTS_UNIT_PG_TYPE_H
#define CDC_TESTS_UNIT_PG_TYPE_H

#include "test.h"

#include "postgres/types.h"

// numeric(precision, scale)'s typmod.
static inline int32_t numeric(int precision, int scale)
{
    return 4 + (precision << 16 | (scale & 0x7ff));
}

// type: a built-in type's oid, or an extension type's name; "mood" is an enum; [] behind it: an array.
static inline struct pg_type resolve(const struct shape *shape, const char *type, int32_t typmod,
                                     const struct column_rule *rule)
{
    static char name[64];
    struct pg_type_info info = {.typmod = -1, .kind = 'b', .base = 20000, .name = name};
    snprintf(name, sizeof name, "%s", type);
    size_t n = strlen(name);
    info.is_array = n > 2 && strcmp(name + n - 2, "[]") == 0;
    if (info.is_array)
        name[n - 2] = '\0';
    if (name[0] >= '0' && name[0] <= '9')
        info.base = (uint32_t)atoi(name);
    if (strcmp(name, "mood") == 0)
        info.kind = 'e';
    return pg_type_resolve(&info, typmod, shape, rule);
}

#endif
