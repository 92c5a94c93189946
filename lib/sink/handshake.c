#include "sink/handshake.h"

enum handshake handshake(const struct sink_own *own, const struct pos *start, const struct line_start *line,
                         struct pos *own_pos, struct err *e)
{
    if (own->token.n == 0)
        return HANDSHAKE_FRESH;
    if (!pos_parse(buf_view(&own->token), own_pos, e)) {
        err_wrap(e, "the sink's own position");
        return HANDSHAKE_FAIL;
    }
    if (!span_eq(buf_view(&own->identity), line->identity)) {
        err_set(e, STATUS_USAGE, "the sink holds the position of source %.*s, the lines are of %.*s",
                SPAN_ARG(buf_view(&own->identity)), SPAN_ARG(line->identity));
        err_hint(e, "give each source a sink identity (transactional.id, --name) of its own");
        return HANDSHAKE_FAIL;
    }
    // An epoch that begins here is one that the operator asked for: what lies between is known to be missing.
    bool begins_anew = line->begins && own_pos->epoch < start->epoch;
    if (pos_compare(own_pos, start) < 0 && !begins_anew && !own->lower_bound) {
        err_set(e, STATUS_LOST, "the offset is ahead of this sink: its position is %.*s",
                SPAN_ARG(buf_view(&own->token)));
        err_hint(
            e,
            "set the offset folder back to it with cdc-offset set --force, if the source still has the log");
        return HANDSHAKE_FAIL;
    }
    // The rows to come, and what of the log is left out because they show it, are of views that this sink has
    // not seen: it must not take the one and skip the other.
    bool snapshot = line->snapshot || start->phase == POS_SNAPSHOT;
    return snapshot && pos_compare(own_pos, start) > 0 ? HANDSHAKE_REWIND : HANDSHAKE_SKIP;
}
