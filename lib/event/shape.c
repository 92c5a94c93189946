#include "event/shape.h"

static const char *const decimals[] = {"precise", "string", "double"};
static const char *const times[] = {
    "adaptive", "adaptive_time_microseconds", "connect", "isostring", "microseconds", "nanoseconds"};
static const char *const binaries[] = {"bytes", "base64", "base64-url-safe", "hex"};
static const char *const intervals[] = {"numeric", "string"};
static const char *const hstores[] = {"json", "map"};

// fallback: what stands without the option.
static bool choose(const char *option, const char *text, const char *const *names, size_t n, int fallback,
                   int *choice, struct err *e)
{
    *choice = fallback;
    return text == NULL || opt_choice(option, text, names, n, choice, e);
}

bool shape_compile(struct shape *s, const struct shape_options *o, enum shape_time time, struct err *e)
{
    static const char *const presets[] = {"plain"};
    int preset, decimal, precision, binary, interval, hstore;
    if (!choose("preset", o->preset, presets, 1, -1, &preset, e))
        return false;
    bool plain = preset == 0;
    if (!choose("decimal-handling-mode", o->decimal, decimals, 3,
                plain ? SHAPE_DECIMAL_STRING : SHAPE_PRECISE, &decimal, e) ||
        !choose("time-precision-mode", o->time, times, 6, plain ? SHAPE_ISOSTRING : (int)time, &precision,
                e) ||
        !choose("binary-handling-mode", o->binary, binaries, 4, plain ? SHAPE_BASE64 : SHAPE_BYTES, &binary,
                e) ||
        !choose("interval-handling-mode", o->interval, intervals, 2, plain, &interval, e) ||
        !choose("hstore-handling-mode", o->hstore, hstores, 2, 0, &hstore, e))
        return false;
    if (o->money_digits > 18)
        return err_set(e, STATUS_USAGE, "--money-fraction-digits takes 0 to 18");
    *s = (struct shape){
        .decimal = (enum shape_decimal)decimal,
        .time = (enum shape_time)precision,
        .binary = (enum shape_binary)binary,
        .interval_string = interval == 1,
        .hstore_map = hstore == 1,
        .money_scale = (int)o->money_digits,
        .unknown = o->unknown,
        .placeholder = span_of(o->placeholder),
    };
    return true;
}
