#include "mysql/place.h"

#include "base/clock.h"
#include "mysql/gtid.h"
#include "mysql/reader.h"

#include <stdlib.h>

// FILE.NUMBER:POSITION.
static bool parse_file(const char *text, struct my_place_in_log *p)
{
    const char *colon = strrchr(text, ':');
    char *rest;
    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return false;
    p->pos = (struct pos){.source = POS_MY, .phase = POS_LOG, .epoch = 1};
    p->pos.n[1] = strtoull(colon + 1, &rest, 10);
    p->text = text;
    return *rest == '\0' && binlog_file_number((struct span){text, (size_t)(colon - text)}, &p->pos.n[0]);
}

static bool is_gtid_set(const char *text)
{
    struct gtid_set set = {0};
    struct err e;
    bool ok = gtid_list_check(span_of(text)) || gtid_set_parse(&set, span_of(text), &e);
    gtid_set_release(&set);
    return ok;
}

bool my_place_parse(const char *text, const char *option, struct my_place_in_log *p, struct err *e)
{
    *p = (struct my_place_in_log){0};
    if (strcmp(text, "latest") == 0 || strcmp(text, "now") == 0) {
        p->kind = MY_PLACE_LATEST;
    } else if (strcmp(text, "earliest") == 0) {
        p->kind = MY_PLACE_EARLIEST;
    } else if (strcmp(text, "initial") == 0 && strcmp(option, "--start") == 0) {
        p->kind = MY_PLACE_INITIAL;
    } else if (strncmp(text, "my/", 3) == 0) {
        p->kind = MY_PLACE_TOKEN;
        if (!pos_parse(span_of(text), &p->pos, e)) {
            e->status = STATUS_USAGE;
            return err_wrap(e, "%s", option);
        }
    } else if (clock_parse_us(text, &p->time_us)) {
        p->kind = MY_PLACE_TIME;
    } else if (parse_file(text, p)) {
        p->kind = MY_PLACE_FILE;
    } else if (strcmp(option, "--start") == 0 && is_gtid_set(text)) {
        p->kind = MY_PLACE_GTID;
        p->text = text;
    } else {
        err_set(e, STATUS_USAGE, "%s: \"%.100s\" is no place in the log", option, text);
        return err_hint(
            e, "latest (now), earliest, a token my/…, FILE:POSITION such as binlog.000003:1234, a time such "
               "as 2026-01-31T10:00:00Z, and to start at a GTID set");
    }
    return true;
}
