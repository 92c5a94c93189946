#include "mysql/lag.h"

#include "event/json.h"
#include "state/report.h"

bool my_lag_read(struct my_lag *l, const char *url, const struct my_state *source, const char *dir,
                 struct err *e)
{
    struct my_login login = {.url = url, .read_timeout_ms = 60000};
    struct my_client *c;
    const struct my_epoch *newest = my_state_newest(source);
    *l = (struct my_lag){0};
    if (newest == NULL)
        return err_set(e, STATUS_USAGE, "%s has no source yet", dir);
    if (!my_connect(&login, &c, e))
        return false;
    bool ok = my_server_look(&l->server, c, e);
    my_close(c);
    l->epoch = newest->epoch;
    if (ok && strcmp(newest->server, l->server.identity) != 0)
        return err_set(e, STATUS_USAGE, "%s belongs to another server: %s, not %s", dir, newest->server,
                       l->server.identity);
    return ok;
}

void my_lag_release(struct my_lag *l)
{
    my_server_release(&l->server);
}

// A place in this server's log. A sink in a snapshot, or in the log of a server before, has none.
static bool place_of(const struct my_lag *l, const struct position_sink *sink, struct pos *p)
{
    struct err ignored;
    return pos_parse(buf_view(&sink->token), p, &ignored) && p->source == POS_MY && p->phase == POS_LOG &&
           p->epoch == l->epoch;
}

static bool behind_bytes(const struct my_lag *l, const struct position_sink *sink, uint64_t *bytes)
{
    const struct my_server *s = &l->server;
    struct pos p;
    *bytes = 0;
    if (!place_of(l, sink, &p) || my_server_file(s, p.n[0]) == NULL)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        uint64_t size = s->log[i].number == s->end.number ? s->end.size : s->log[i].size;
        uint64_t done = s->log[i].number == p.n[0] ? p.n[1] : 0;
        if (s->log[i].number >= p.n[0] && size > done)
            *bytes += size - done;
    }
    return true;
}

bool my_lag_is_lost(const struct my_lag *l, const struct position *p)
{
    struct pos at;
    for (size_t i = 0; i < p->n; i++)
        if (place_of(l, &p->sinks[i], &at) && my_server_file(&l->server, at.n[0]) == NULL)
            return true;
    return false;
}

static uint64_t log_bytes(const struct my_server *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->n; i++)
        bytes += s->log[i].size;
    return bytes;
}

static const char *first_file(const struct my_server *s)
{
    return s->n != 0 ? s->log[0].name : "";
}

void my_lag_text(const struct my_lag *l, const struct position *p, int64_t now_ms, struct buf *out)
{
    uint64_t bytes;
    for (size_t i = 0; i < p->n; i++) {
        bool known = behind_bytes(l, &p->sinks[i], &bytes);
        report_behind_text(&p->sinks[i], true, known ? &bytes : NULL, now_ms, out);
    }
    if (p->n == 0)
        buf_str(out, "no position yet\n");
    buf_printf(out, "%-11s  %s to %s, %llu bytes%s\n", "log", first_file(&l->server), l->server.end.name,
               (unsigned long long)log_bytes(&l->server),
               my_lag_is_lost(l, p) ? ": what a sink needs is not there any more" : "");
}

void my_lag_json(const struct my_lag *l, const struct position *p, int64_t now_ms, struct buf *out)
{
    uint64_t bytes;
    buf_str(out, "{\"sinks\":{");
    for (size_t i = 0; i < p->n; i++) {
        bool known = behind_bytes(l, &p->sinks[i], &bytes);
        buf_str(out, i == 0 ? "" : ",");
        report_behind_json(&p->sinks[i], known ? &bytes : NULL, now_ms, out);
    }
    buf_str(out, "},\"log\":{\"first_file\":");
    json_quote(out, span_of(first_file(&l->server)));
    buf_str(out, ",\"file\":");
    json_quote(out, span_of(l->server.end.name));
    buf_printf(out, ",\"position\":%llu,\"bytes\":%llu,\"lost\":%s}}\n",
               (unsigned long long)l->server.end.size, (unsigned long long)log_bytes(&l->server),
               my_lag_is_lost(l, p) ? "true" : "false");
}
