#include "event/heartbeat.h"

#include "base/clock.h"
#include "event/connect.h"
#include "event/json.h"

void heartbeat_write(const struct capture *c, const struct pos *at, bool describe, struct buf *out)
{
    struct buf topic;
    buf_init(&topic, 4096);
    capture_topic(c, c->heartbeat_prefix, c->topic_prefix, &topic);
    if (describe)
        connect_write_heartbeat(at, buf_view(&topic), out);
    buf_lit(out, "{\"cdc\":{\"pos\":\"");
    pos_format(out, at);
    buf_lit(out, "\",\"topic\":\"");
    buf_span(out, buf_view(&topic));
    buf_release(&topic);
    buf_lit(out, "\",\"key\":{\"serverName\":");
    json_quote(out, span_of(c->topic_prefix));
    buf_lit(out, "}},\"ts_ms\":");
    buf_i64(out, clock_wall_ns() / 1000000);
    buf_lit(out, "}\n");
}
