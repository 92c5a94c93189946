// A type, the options, and a value in binary: it is refused, or what is written is JSON. The first byte picks
// the type, the second the options.
#include "fuzz.h"

#include "event/json.h"
#include "postgres/binary.h"

struct type {
    uint32_t oid;
    int32_t typmod;
    bool is_text; // whose bytes, which the server has checked, may be no UTF-8
};

static const struct type types[] = {
    {16, -1, false},
    {17, -1, false},
    {20, -1, false},
    {21, -1, false},
    {23, -1, false},
    {25, -1, true},
    {26, -1, false},
    {1043, 14, true},
    {1082, -1, false},
    {1083, -1, false},
    {1083, 3, false},
    {1114, -1, false},
    {1114, 2, false},
    {1184, -1, false},
    {1184, 0, false},
    {1700, -1, false},
    {2950, -1, false},
    {3802, -1, true},
    // numeric(10,2), numeric(38,37), numeric(4,-2): 4 + (precision << 16 | scale in 11 bits)
    {1700, 4 + (10 << 16 | 2), false},
    {1700, 4 + (38 << 16 | 37), false},
    {1700, 4 + (4 << 16 | 0x7fe), false},
};
#define TYPES (sizeof types / sizeof types[0])

static struct pg_type resolve(const uint8_t *data, struct shape *shape, const struct column_rule *cut)
{
    const struct type *type = &types[data[0] % TYPES];
    struct pg_type_info info = pg_type_builtin(type->oid);
    info.is_array = data[0] / TYPES % 2 != 0;
    shape->decimal = (enum shape_decimal)(data[1] % 3);
    shape->time = (enum shape_time)(data[1] % 6);
    shape->binary = (enum shape_binary)(data[1] % 4);
    return pg_type_resolve(&info, type->typmod, shape, data[1] >= 128 ? cut : NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shape shape = {0};
    const struct column_rule cut = {.kind = RULE_TRUNCATE, .n = 5};
    struct buf out;
    struct err e;
    size_t bad_at;
    if (size < 2)
        return 0;
    struct pg_type t = resolve(data, &shape, &cut);
    must(pg_binary_takes(&t));
    buf_init(&out, 1 << 20);
    if (!pg_binary_write(&t, (struct span){(const char *)data + 2, size - 2}, &out, &e))
        must(e.status == STATUS_DATA);
    else if (!types[data[0] % TYPES].is_text)
        must(out.bad || json_check(buf_view(&out), &bad_at));
    buf_release(&out);
    return 0;
}
