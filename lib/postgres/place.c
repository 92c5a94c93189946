#include "postgres/place.h"

#include "base/clock.h"
#include "postgres/slot.h"

bool place_parse(const char *text, const char *option, struct place *p, struct err *e)
{
    uint64_t lsn;
    *p = (struct place){0};
    if (strcmp(text, "latest") == 0 || strcmp(text, "now") == 0) {
        p->kind = PLACE_LATEST;
    } else if (strcmp(text, "earliest") == 0) {
        p->kind = PLACE_EARLIEST;
    } else if (strcmp(text, "initial") == 0) {
        p->kind = PLACE_INITIAL;
    } else if (strncmp(text, "pg/", 3) == 0) {
        p->kind = PLACE_TOKEN;
        if (!pos_parse(span_of(text), &p->pos, e)) {
            e->status = STATUS_USAGE;
            return err_wrap(e, "%s", option);
        }
    } else if (lsn_parse(text, &lsn)) {
        p->kind = PLACE_LSN;
        p->pos = pos_pg(1, lsn, 0, 0);
    } else if (clock_parse_us(text, &p->time_us)) {
        p->kind = PLACE_TIME;
    } else {
        err_set(e, STATUS_USAGE, "%s: \"%.100s\" is no place in the log", option, text);
        return err_hint(e,
                        "latest (now), earliest, initial, a token pg/…, an LSN such as 0/1949F10, or a time such as "
                        "2026-01-31T10:00:00Z");
    }
    return true;
}
