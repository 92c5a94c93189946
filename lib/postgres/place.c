#include "postgres/place.h"

#include "base/calendar.h"
#include "postgres/slot.h"

#include <stdio.h>

static bool parse_time(const char *text, int64_t *us)
{
    int year, month, day, hour, minute, second, used = 0;
    char between;
    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &year, &month, &day, &between, &hour, &minute, &second,
               &used) != 7)
        return false;
    const char *rest = text + used;
    int64_t fraction = 0, unit = 100000;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            fraction += (*rest - '0') * unit;
    if (strcmp(rest, "Z") != 0 && rest[0] != '\0')
        return false;
    if ((between != 'T' && between != ' ') || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    *us = ((calendar_days(year, month, day) * 24 + hour) * 60 + minute) * 60 * 1000000 +
          (int64_t)second * 1000000 + fraction;
    return true;
}

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
    } else if (parse_time(text, &p->time_us)) {
        p->kind = PLACE_TIME;
    } else {
        err_set(e, STATUS_USAGE, "%s: \"%.100s\" is no place in the log", option, text);
        return err_hint(e,
                        "latest (now), earliest, initial, a token pg/…, an LSN such as 0/1949F10, or a time such as "
                        "2026-01-31T10:00:00Z");
    }
    return true;
}
