// A value of a type under options: byte 0 picks the type, byte 1 and 2 the modes, byte 3 the modifier, byte 4
// an array or a rule; the rest is what the server is said to have printed. What is taken is exactly one JSON
// value; what is refused says so as bad data. A type's zero, null and placeholder are JSON whatever the
// options.
#include "fuzz.h"

#include "event/json.h"
#include "postgres/types.h"

#include <stdio.h>

#define OUT_MAX (1u << 20)

static const char *const extensions[] = {"hstore",    "citext", "ltree",   "isbn",      "geometry",
                                         "geography", "vector", "halfvec", "sparsevec", "nobody's"};
static const uint32_t builtins[] = {16,   17,   18,   19,   20,   21,   23,   25,   26,   114,
                                    142,  600,  650,  700,  701,  774,  790,  829,  869,  1042,
                                    1043, 1082, 1083, 1114, 1184, 1186, 1266, 1560, 1562, 1700,
                                    2950, 3614, 3802, 3910, 603,  628,  0};
#define N_EXTENSIONS (sizeof extensions / sizeof extensions[0])
#define N_BUILTINS (sizeof builtins / sizeof builtins[0])

static struct pg_type_info pick_type(uint8_t which)
{
    static char name[64];
    struct pg_type_info info = {.base = 20000, .typmod = -1, .kind = 'b', .name = name};
    size_t i = which % (N_EXTENSIONS + N_BUILTINS);
    snprintf(name, sizeof name, "%s", i < N_EXTENSIONS ? extensions[i] : "");
    if (i >= N_EXTENSIONS)
        info.base = builtins[i - N_EXTENSIONS];
    if (which == 255)
        info.kind = 'e';
    return info;
}

static struct shape pick_shape(uint8_t a, uint8_t b)
{
    return (struct shape){
        .decimal = (enum shape_decimal)(a % 3),
        .time = (enum shape_time)(a / 3 % 6),
        .binary = (enum shape_binary)(b & 3),
        .interval_string = (b & 4) != 0,
        .hstore_map = (b & 8) != 0,
        .unknown = (b & 16) != 0,
        .money_scale = b >> 5,
        .placeholder = {"n/\"a", 4},
    };
}

static void must_be_json(const struct buf *out)
{
    size_t bad_at;
    must(out->bad || json_check(buf_view(out), &bad_at));
}

static bool is_utf8(struct span text)
{
    struct buf quoted;
    size_t bad_at;
    buf_init(&quoted, OUT_MAX);
    json_quote(&quoted, text);
    bool ok = json_check(buf_view(&quoted), &bad_at);
    buf_release(&quoted);
    return ok;
}

static void try_absent(const struct pg_type *t)
{
    struct buf out;
    struct err e;
    buf_init(&out, OUT_MAX);
    must(pg_type_write_zero(t, &out, &e));
    must_be_json(&out);
    buf_reset(&out);
    must(pg_type_write_null(t, &out, &e));
    must_be_json(&out);
    buf_reset(&out);
    if (pg_type_write_unavailable(t, &out, &e))
        must_be_json(&out);
    else
        must(e.status == STATUS_DATA);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct column_rule rules[] = {{.kind = RULE_MASK, .n = 3}, {.kind = RULE_TRUNCATE, .n = 2}};
    struct buf out;
    struct err e;
    if (size < 5)
        return 0;
    struct pg_type_info info = pick_type(data[0]);
    struct shape shape = pick_shape(data[1], data[2]);
    info.is_array = (data[4] & 1) != 0;
    const struct column_rule *rule = (data[4] & 2) != 0 ? &rules[data[4] >> 2 & 1] : NULL;
    // A small modifier for lengths and precisions; the others are numeric's.
    int32_t typmod = data[3] < 64 ? data[3] - 1 : 4 + (data[3] / 8 << 16 | (data[3] % 8 - 2 & 0x7ff));
    struct pg_type t = pg_type_resolve(&info, typmod, &shape, rule);
    struct span text = {(const char *)data + 5, size - 5};
    buf_init(&out, OUT_MAX);
    if (!pg_type_write(&t, text, &out, &e))
        must(e.status == STATUS_DATA);
    else if (is_utf8(text))
        must_be_json(&out);
    buf_release(&out);
    try_absent(&t);
    return 0;
}
