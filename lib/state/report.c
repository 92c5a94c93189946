#include "state/report.h"

#include "base/clock.h"
#include "event/json.h"

// What is shown of `source`, in this order.
static const char *const source_members[] = {"identity", "epoch", "slot", "publication", "database"};
#define SOURCE_MEMBERS (sizeof source_members / sizeof source_members[0])

void report_duration(int64_t ms, struct buf *out)
{
    static const struct {
        long long seconds;
        char unit, rest;
    } steps[] = {{86400, 'd', 'h'}, {3600, 'h', 'm'}, {60, 'm', 's'}};
    long long s = ms / 1000;
    if (ms < 1000) {
        buf_printf(out, "%lldms", ms < 0 ? 0LL : (long long)ms);
        return;
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (s >= steps[i].seconds) {
            long long rest = i == 2 ? s % 60 : s % steps[i].seconds / steps[i + 1].seconds;
            buf_printf(out, "%lld%c%02lld%c", s / steps[i].seconds, steps[i].unit, rest, steps[i].rest);
            return;
        }
    buf_printf(out, "%llds", s);
}

void report_lsn(uint64_t lsn, struct buf *out)
{
    buf_printf(out, "%X/%X", (unsigned)(lsn >> 32), (unsigned)(lsn & UINT32_MAX));
}

// The commit's LSN, where the token is one of PostgreSQL's log.
static bool lsn_of(const struct position_sink *sink, uint64_t *lsn)
{
    struct pos p;
    struct err ignored;
    if (!pos_parse(buf_view(&sink->token), &p, &ignored) || p.source != POS_PG || p.phase != POS_LOG)
        return false;
    *lsn = p.n[0];
    return true;
}

static void text_sink(const struct position_sink *sink, int64_t now_ms, int width, struct buf *out)
{
    uint64_t lsn;
    buf_printf(out, "%-*s  ", width, sink->name);
    if (sink->token.n == 0) {
        buf_str(out, "the beginning: nothing is acknowledged\n");
        return;
    }
    buf_span(out, buf_view(&sink->token));
    if (lsn_of(sink, &lsn)) {
        buf_str(out, "  (LSN ");
        report_lsn(lsn, out);
        buf_char(out, ')');
    }
    buf_str(out, ", ");
    report_duration(now_ms - sink->time_ms, out);
    buf_str(out, " ago\n");
}

static void text_source(struct span source, int width, struct buf *out)
{
    struct span value;
    for (size_t i = 0; source.n != 0 && i < SOURCE_MEMBERS; i++)
        if (json_member(source, span_of(source_members[i]), &value)) {
            buf_printf(out, "%-*s  ", width, source_members[i]);
            if (!json_unquote(value, out))
                buf_span(out, value);
            buf_char(out, '\n');
        }
}

void report_text(const struct position *p, struct span source, int64_t now_ms, struct buf *out)
{
    int width = sizeof "publication" - 1;
    for (size_t i = 0; i < p->n; i++)
        if ((int)strlen(p->sinks[i].name) > width)
            width = (int)strlen(p->sinks[i].name);
    for (size_t i = 0; i < p->n; i++)
        text_sink(&p->sinks[i], now_ms, width, out);
    if (p->n == 0)
        buf_str(out, "no position yet\n");
    const struct position_sink *lowest = position_lowest(p);
    if (p->n > 1)
        buf_printf(out, "%-*s  %s\n", width, "resume from", lowest != NULL ? lowest->name : "the beginning");
    text_source(source, width, out);
}

static void json_sink(const struct position_sink *sink, int64_t now_ms, struct buf *out)
{
    uint64_t lsn;
    char time[CLOCK_TEXT_BYTES];
    json_quote(out, span_of(sink->name));
    if (sink->token.n == 0) {
        buf_str(out, ":{\"token\":null,\"time\":null,\"age_ms\":null}");
        return;
    }
    buf_str(out, ":{\"token\":");
    json_quote(out, buf_view(&sink->token));
    if (lsn_of(sink, &lsn)) {
        buf_str(out, ",\"lsn\":\"");
        report_lsn(lsn, out);
        buf_char(out, '"');
    }
    clock_format(sink->time_ms, time);
    buf_printf(out, ",\"time\":\"%s\",\"age_ms\":%lld}", time, (long long)(now_ms - sink->time_ms));
}

static void json_source(struct span source, struct buf *out)
{
    struct span value;
    const char *separator = "";
    if (source.n == 0) {
        buf_str(out, "null");
        return;
    }
    buf_char(out, '{');
    for (size_t i = 0; i < SOURCE_MEMBERS; i++)
        if (json_member(source, span_of(source_members[i]), &value)) {
            buf_printf(out, "%s\"%s\":", separator, source_members[i]);
            buf_span(out, value);
            separator = ",";
        }
    buf_char(out, '}');
}

void report_json(const struct position *p, struct span source, int64_t now_ms, struct buf *out)
{
    const struct position_sink *lowest = position_lowest(p);
    buf_str(out, "{\"sinks\":{");
    for (size_t i = 0; i < p->n; i++) {
        if (i != 0)
            buf_char(out, ',');
        json_sink(&p->sinks[i], now_ms, out);
    }
    buf_str(out, "},\"resume\":");
    if (lowest != NULL)
        json_quote(out, buf_view(&lowest->token));
    else
        buf_str(out, "null");
    buf_str(out, ",\"source\":");
    json_source(source, out);
    buf_str(out, "}\n");
}

static int64_t behind_ms(const struct position_sink *sink, const uint64_t *bytes, int64_t now_ms)
{
    return (bytes != NULL && *bytes == 0) || now_ms < sink->time_ms ? 0 : now_ms - sink->time_ms;
}

void report_behind_text(const struct position_sink *sink, bool asked, const uint64_t *bytes, int64_t now_ms,
                        struct buf *out)
{
    buf_printf(out, "%-11s  ", sink->name);
    if (sink->token.n == 0) {
        buf_str(out, "nothing is acknowledged\n");
        return;
    }
    if (bytes != NULL)
        buf_printf(out, "%llu bytes behind, ", (unsigned long long)*bytes);
    report_duration(behind_ms(sink, bytes, now_ms), out);
    buf_str(out, asked ? " behind\n" : " since the last acknowledgement\n");
}

void report_behind_json(const struct position_sink *sink, const uint64_t *bytes, int64_t now_ms,
                        struct buf *out)
{
    json_quote(out, span_of(sink->name));
    if (bytes != NULL)
        buf_printf(out, ":{\"behind_bytes\":%llu", (unsigned long long)*bytes);
    else
        buf_str(out, ":{\"behind_bytes\":null");
    if (sink->token.n != 0)
        buf_printf(out, ",\"behind_ms\":%lld}", (long long)behind_ms(sink, bytes, now_ms));
    else
        buf_str(out, ",\"behind_ms\":null}");
}
