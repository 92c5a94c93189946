// Values in binary, as COPY … (FORMAT binary) has them, to what Debezium prints: the same bytes that
// pg_type_write() makes of the value's text, for less work on both sides.
//
// Every number is big-endian. What is sent is what the types' send functions write (PostgreSQL's
// src/backend/utils/adt):
//   integers     int2send, int4send, int8send, oidsend: 2, 4, 8, and 4 bytes without a sign
//   boolean      boolsend: a byte, 0 or 1
//   text         textsend, bpcharsend, varcharsend, namesend, enum_send, json_send: its characters
//   jsonb        jsonb_send: a byte, the version, 1; the text
//   uuid         uuid_send: 16 bytes
//   bytea        byteasend: the bytes
//   date         date_send: Int32 days since 2000-01-01; the extremes are the infinities
//   time         time_send: Int64 microseconds since midnight
//   timestamp    timestamp_send, timestamptz_send: Int64 microseconds since 2000-01-01 (UTC), as date
//   numeric      numeric_send: Int16 n, weight, sign, display scale; n digits to the base 10000, an Int16
//   each.
//                The first counts 10000^weight. sign: 0, 0x4000 negative, 0xC000 NaN, 0xD000 Infinity, 0xF000
//                -Infinity
//   arrays       array_send: Int32 dimensions, whether there are NULLs, the elements' type; of each dimension
//                its length and lower bound; of each element its length, or -1 for NULL, and its bytes
#ifndef CDC_POSTGRES_BINARY_H
#define CDC_POSTGRES_BINARY_H

#include "postgres/types.h"

// Whether pg_binary_write() knows the type's binary form. A query asks for any other type's text, as its
// output function prints it, and pg_type_write() writes that.
bool pg_binary_takes(const struct pg_type *t);

// Appends the value. STATUS_DATA where the bytes are not what the type sends.
bool pg_binary_write(const struct pg_type *t, struct span bytes, struct buf *out, struct err *e) MUST_CHECK;

#endif
