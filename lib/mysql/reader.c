#include "mysql/reader.h"

#include "mysql/reader_rows.h"
#include "mysql/reader_statement.h"
#include "mysql/reader_transaction.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

bool my_reader_init(struct my_reader *r, const struct capture *capture, struct my_catalog *catalog,
                    struct buf *out, const char *connector, size_t max_event_bytes, struct err *e)
{
    *r = (struct my_reader){.capture = capture, .catalog = catalog, .out = out};
    r->mariadb = strcmp(connector, "mariadb") == 0;
    my_envelope_init(&r->envelope, capture->topic_prefix, connector);
    payload_init(&r->payload, max_event_bytes);
    buf_init(&r->inflated, max_event_bytes);
    buf_init(&r->gtid_text, 256);
    buf_init(&r->query, max_event_bytes);
    buf_init(&r->id, 1024);
    buf_init(&r->xid, 1024);
    transaction_init(&r->transaction);
    capture_topic(capture, capture->topic_prefix, capture->topic_transaction, &r->transaction.topic);
    r->images = calloc(2 * TABLE_MAX_COLUMNS, sizeof *r->images);
    return my_writing_init(&r->writing, max_event_bytes, e) && (r->images != NULL || err_no_memory(e));
}

void my_reader_release(struct my_reader *r)
{
    my_writing_release(&r->writing);
    my_relations_release(&r->relations);
    my_envelope_release(&r->envelope);
    payload_release(&r->payload);
    buf_release(&r->inflated);
    buf_release(&r->gtid_text);
    buf_release(&r->query);
    buf_release(&r->id);
    buf_release(&r->xid);
    transaction_release(&r->transaction);
    free(r->images);
    r->images = NULL;
}

bool binlog_file_number(struct span file, uint64_t *number)
{
    size_t digits = 0;
    while (digits < file.n && isdigit((unsigned char)file.p[file.n - 1 - digits]))
        digits++;
    *number = 0;
    for (size_t i = file.n - digits; i < file.n; i++)
        *number = *number * 10 + (uint64_t)(file.p[i] - '0');
    return digits != 0 && digits < 19 && digits < file.n && file.p[file.n - digits - 1] == '.';
}

static bool set_file(struct my_reader *r, struct span file, uint64_t pos, struct err *e)
{
    if (file.n > BINLOG_NAME_MAX || !binlog_file_number(file, &r->file_number))
        return err_set(e, STATUS_DATA, "\"%.*s\" is no name of a log file", SPAN_ARG(file));
    snprintf(r->file, sizeof r->file, "%.*s", (int)file.n, file.p);
    r->pos = r->done = pos;
    return true;
}

bool my_reader_begin(struct my_reader *r, struct span file, uint64_t pos, bool checksum, struct err *e)
{
    r->format = (struct binlog_format){.checksum = checksum};
    r->in_transaction = false;
    my_relations_release(&r->relations);
    r->file_number = 0;
    r->pos = r->done = pos;
    return file.n == 0 || set_file(r, file, pos, e);
}

// ---- the event

static bool on_incident(const struct binlog_event *ev, struct err *e)
{
    unsigned incident;
    struct span message;
    if (!binlog_incident_read(ev, &incident, &message, e))
        return false;
    err_set(e, STATUS_DATA,
            "the server notes an incident (%u): changes were made that its log does not have: %.*s", incident,
            SPAN_ARG(message));
    return err_hint(e, "a new snapshot is needed");
}

static bool on_inner(struct my_reader *r, const struct binlog_event *ev, uint64_t start,
                     const struct my_extent *x, struct err *e)
{
    switch (ev->type) {
    case BINLOG_TABLE_MAP:
        return my_reader_on_table_map(r, ev, e);
    case BINLOG_WRITE_V1:
    case BINLOG_UPDATE_V1:
    case BINLOG_DELETE_V1:
    case BINLOG_WRITE_V2:
    case BINLOG_UPDATE_V2:
    case BINLOG_DELETE_V2:
    case BINLOG_PARTIAL_UPDATE:
    case BINLOG_WRITE_COMPRESSED_V1:
    case BINLOG_UPDATE_COMPRESSED_V1:
    case BINLOG_DELETE_COMPRESSED_V1:
    case BINLOG_WRITE_COMPRESSED:
    case BINLOG_UPDATE_COMPRESSED:
    case BINLOG_DELETE_COMPRESSED:
        return my_reader_on_rows(r, ev, start, x, e);
    case BINLOG_QUERY:
    case BINLOG_QUERY_COMPRESSED:
        return my_reader_on_query(r, ev, start, e);
    case BINLOG_XID:
    case BINLOG_XA_PREPARE:
        my_reader_end_transaction(r);
        return true;
    case BINLOG_ROWS_QUERY:
    case BINLOG_ANNOTATE: {
        struct span sql;
        buf_reset(&r->query);
        if (!binlog_statement_read(ev, &sql, e))
            return false;
        if (r->include_query)
            buf_span(&r->query, sql);
        return true;
    }
    case BINLOG_INCIDENT:
        return on_incident(ev, e);
    case BINLOG_STOP:
    case BINLOG_INTVAR:
    case BINLOG_RAND:
    case BINLOG_USER_VAR:
    case BINLOG_BEGIN_LOAD:
    case BINLOG_EXECUTE_LOAD:
    case BINLOG_IGNORABLE:
    case BINLOG_PREVIOUS_GTIDS:
    case BINLOG_TRANSACTION_CONTEXT:
    case BINLOG_VIEW_CHANGE:
    case BINLOG_CHECKPOINT:
    case BINLOG_MARIA_GTID_LIST:
    case BINLOG_START_ENCRYPTION:
        return true;
    default:
        return (ev->flags & BINLOG_FLAG_IGNORABLE) != 0 ||
               err_set(e, STATUS_DATA, "an event of type %u is not known", (unsigned)ev->type);
    }
}

static bool on_payload(struct my_reader *r, const struct binlog_event *ev, uint64_t start, struct err *e)
{
    struct span bytes;
    uint64_t offset;
    struct binlog_event inner;
    struct binlog_format outer = r->format;
    enum payload_got got = PAYLOAD_FAIL;
    if (!payload_open(&r->payload, ev, e))
        return false;
    r->format.checksum = false;
    bool ok = true;
    while (ok && !r->ended && (got = payload_next(&r->payload, &bytes, &offset, e)) == PAYLOAD_GOT) {
        struct my_extent x = {start, ev->size, bytes.p, offset, r->payload.size};
        ok = binlog_event_read(&r->format, bytes, &inner, e) &&
             (inner.type != BINLOG_PAYLOAD || binlog_malformed(ev, e)) && on_inner(r, &inner, start, &x, e) &&
             (r->calls.pause == NULL || r->calls.pause(r->calls.context, e));
    }
    r->format.checksum = outer.checksum;
    return ok && got != PAYLOAD_FAIL;
}

static bool on_rotate(struct my_reader *r, const struct binlog_event *ev, struct err *e)
{
    struct binlog_rotate rotate;
    if (!binlog_rotate_read(ev, &rotate, e))
        return false;
    // In the middle of a transaction a file never ends; the connection that did is begun anew.
    r->in_transaction = false;
    r->made_s = 0;
    return set_file(r, rotate.file, rotate.pos, e);
}

static bool dispatch(struct my_reader *r, const struct binlog_event *ev, struct span bytes, uint64_t start,
                     struct err *e)
{
    struct my_extent x = {start, ev->size, bytes.p, 0, 0};
    switch (ev->type) {
    case BINLOG_FORMAT:
        r->made_s = ev->time_s;
        return binlog_format_read(&r->format, ev, e);
    case BINLOG_ROTATE:
        return on_rotate(r, ev, e);
    case BINLOG_HEARTBEAT:
    case BINLOG_HEARTBEAT_V2:
        return true;
    case BINLOG_GTID:
    case BINLOG_ANONYMOUS_GTID:
    case BINLOG_GTID_TAGGED:
    case BINLOG_MARIA_GTID:
        return my_reader_on_gtid(r, ev, start, e);
    case BINLOG_PAYLOAD:
        return on_payload(r, ev, start, e);
    default:
        return on_inner(r, ev, start, &x, e);
    }
}

// Where the event starts. The header has the low 32 bits of the place behind it; events that the server makes
// up stand nowhere.
static bool place_of(struct my_reader *r, const struct binlog_event *ev, uint64_t *start, struct err *e)
{
    *start = r->pos;
    if (ev->next_pos == 0 || (ev->flags & BINLOG_FLAG_ARTIFICIAL) != 0 || ev->type == BINLOG_HEARTBEAT ||
        ev->type == BINLOG_HEARTBEAT_V2)
        return true;
    uint32_t missing = ev->next_pos - (uint32_t)(r->pos + ev->size);
    // From a GTID on the server leaves out what came before it in the file, and the format description is the
    // file's first.
    if (ev->type == BINLOG_FORMAT)
        *start = ev->next_pos - ev->size;
    else if (missing <= INT32_MAX)
        *start = r->pos + missing;
    else
        return err_set(e, STATUS_DATA, "the log goes back from %llu to %u", (unsigned long long)r->pos,
                       (unsigned)(ev->next_pos - ev->size));
    r->pos = *start + ev->size;
    return true;
}

bool my_reader_event(struct my_reader *r, struct span bytes, struct err *e)
{
    struct binlog_event ev;
    uint64_t start = r->pos;
    if (binlog_event_read(&r->format, bytes, &ev, e) && place_of(r, &ev, &start, e) &&
        dispatch(r, &ev, bytes, start, e)) {
        if (!r->in_transaction && !r->ended)
            r->done = r->pos;
        return true;
    }
    return err_wrap(e, "%s, position %llu", r->file, (unsigned long long)start);
}
