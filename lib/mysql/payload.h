// Unpacks a transaction payload event: a whole transaction's events, compressed.
//
// MySQL source documentation, "Transaction_payload_event": fields of a packed number, packed length, value:
// 1 the payload's bytes, 2 compression (0 zstd, 255 none), 3 bytes when inflated, 0 (without a length) the
// end; then the payload. The events in it have no checksum and no position.
//
// It is inflated as a stream: what is held is the largest event, whatever the transaction is.
#ifndef CDC_MYSQL_PAYLOAD_H
#define CDC_MYSQL_PAYLOAD_H

#include "base/buf.h"
#include "mysql/binlog.h"

enum payload_got { PAYLOAD_GOT, PAYLOAD_END, PAYLOAD_FAIL };

struct payload {
    void *stream; // zstd's
    struct span packed;
    size_t packed_at; // taken of packed
    bool plain;       // not compressed
    uint64_t size;    // of all events, inflated
    struct buf bytes; // inflated; the next event is at `at`
    size_t at;
    uint64_t given; // bytes of the events that were given
};

// max_event_bytes: a larger one is STATUS_DATA.
void payload_init(struct payload *p, size_t max_event_bytes);
void payload_release(struct payload *p);

// Begins an event; its bytes must stay while its events are read.
bool payload_open(struct payload *p, const struct binlog_event *ev, struct err *e) MUST_CHECK;

// The next event, valid until the next call. *offset: where it begins in the inflated bytes.
enum payload_got payload_next(struct payload *p, struct span *event, uint64_t *offset,
                              struct err *e) MUST_CHECK;

#endif
