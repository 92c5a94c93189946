#include "mysql/gtids.h"

#include <stdlib.h>

void my_gtids_release(struct my_gtids *g)
{
    gtid_set_release(&g->set);
    free(g->last);
    *g = (struct my_gtids){.mariadb = g->mariadb};
}

static bool put_last(struct my_gtids *g, struct maria_gtid v)
{
    for (size_t i = 0; i < g->n; i++) {
        if (g->last[i].domain != v.domain)
            continue;
        g->last[i] = v;
        return true;
    }
    struct maria_gtid *grown = realloc(g->last, (g->n + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    g->last = grown;
    g->last[g->n++] = v;
    return true;
}

bool my_gtids_add(struct my_gtids *g, struct span text, struct err *e)
{
    struct maria_gtid v;
    if (!g->mariadb)
        return gtid_set_parse(&g->set, text, e);
    while (text.n != 0) {
        if (!maria_gtid_take(&text, &v))
            return err_set(e, STATUS_DATA, "a list of GTIDs is malformed");
        if (!put_last(g, v))
            return err_no_memory(e);
    }
    return true;
}

static void put_maria(struct buf *out, const struct maria_gtid *v)
{
    if (out->n != 0)
        buf_char(out, ',');
    buf_printf(out, "%llu-%llu-%llu", (unsigned long long)v->domain, (unsigned long long)v->server,
               (unsigned long long)v->n);
}

void my_gtids_format(const struct my_gtids *g, struct buf *out)
{
    if (!g->mariadb) {
        gtid_set_format(&g->set, out);
        return;
    }
    buf_reset(out);
    for (size_t i = 0; i < g->n; i++)
        put_maria(out, &g->last[i]);
}

bool my_gtids_touches(const struct my_gtids *g, struct span gtid)
{
    struct maria_gtid v;
    struct gtid_set one = {0};
    struct err ignored;
    if (g->mariadb) {
        bool found = false;
        if (!maria_gtid_take(&gtid, &v))
            return false;
        for (size_t i = 0; i < g->n; i++)
            found = found || g->last[i].domain == v.domain;
        return found;
    }
    bool has = gtid_set_parse(&one, gtid, &ignored) && gtid_set_is_subset(&one, &g->set);
    gtid_set_release(&one);
    return has;
}

static bool state_has(struct span state, const struct maria_gtid *wanted)
{
    struct maria_gtid v;
    while (maria_gtid_take(&state, &v))
        if (v.domain == wanted->domain && v.server == wanted->server && v.n >= wanted->n)
            return true;
    return false;
}

void my_gtids_missing(const struct my_gtids *g, struct span state, struct buf *out)
{
    for (size_t i = 0; i < g->n; i++)
        if (!state_has(state, &g->last[i]))
            put_maria(out, &g->last[i]);
}
