// Decodes table map events: how a table's rows are laid out in the log, and, with binlog_row_metadata=FULL,
// what its columns are called and what they mean.
//
// MySQL source documentation, "Table_map_event"; MariaDB Knowledge Base, "TABLE_MAP_EVENT":
//
//   table id 6 (4 in old logs)  flags 2
//   length 1, database, NUL  length 1, table, NUL
//   number of columns, packed  a type 1 each  packed length, metadata of the types
//   a bit each: may be NULL
//   fields of type 1, packed length, value: the optional metadata
#ifndef CDC_MYSQL_TABLE_MAP_H
#define CDC_MYSQL_TABLE_MAP_H

#include "base/buf.h"
#include "mysql/binlog.h"

// Both servers allow 4096 columns.
#define TABLE_MAX_COLUMNS 4096

// Column types as they stand in the log.
enum my_wire {
    MY_TINY = 1,
    MY_SHORT = 2,
    MY_LONG = 3,
    MY_FLOAT = 4,
    MY_DOUBLE = 5,
    MY_NULL = 6,
    MY_TIMESTAMP = 7,
    MY_LONGLONG = 8,
    MY_INT24 = 9,
    MY_DATE = 10,
    MY_TIME = 11,
    MY_DATETIME = 12,
    MY_YEAR = 13,
    MY_NEWDATE = 14,
    MY_VARCHAR = 15,
    MY_BIT = 16,
    MY_TIMESTAMP2 = 17,
    MY_DATETIME2 = 18,
    MY_TIME2 = 19,
    MY_BLOB_COMPRESSED = 140,    // MariaDB
    MY_VARCHAR_COMPRESSED = 141, // MariaDB
    MY_VECTOR = 242,
    MY_JSON = 245,
    MY_NEWDECIMAL = 246,
    MY_ENUM = 247,
    MY_SET = 248,
    MY_TINY_BLOB = 249,
    MY_MEDIUM_BLOB = 250,
    MY_LONG_BLOB = 251,
    MY_BLOB = 252,
    MY_VAR_STRING = 253,
    MY_STRING = 254,
    MY_GEOMETRY = 255,
};

struct table_column {
    uint8_t type;         // enum my_wire; CHAR, ENUM and SET told apart
    uint8_t length_bytes; // of a value's length in front of it; 0: the value has fixed_bytes
    uint16_t fixed_bytes;
    uint16_t meta; // CHAR, VARCHAR: most bytes; decimal: precision << 8 | scale; times: digits; bit: bits
    bool nullable, is_unsigned, invisible;
    uint32_t collation;  // of text and labels; 63: binary; 0: not told
    struct span name;    // empty: not told
    struct span labels;  // ENUM, SET: each behind its packed length
    uint32_t n_labels;   // 0: not told
    uint32_t geometry;   // type of a GEOMETRY column, 0: any
    uint32_t dimensions; // of a VECTOR
};

struct table_map {
    uint64_t id;
    struct span db, name;
    size_t n;
    struct table_column *column; // owned
    size_t n_key;
    uint16_t *key;    // owned; the primary key's columns in the key's order
    bool has_names;   // the log has FULL metadata
    size_t n_json;    // JSON columns
    struct buf body;  // owns what the spans point to
    struct buf added; // or, what the catalog told (catalog_map.h)
};

// The id alone, which says whether a known map came again; 0 where the event is too short.
uint64_t table_map_id(const struct binlog_format *f, const struct binlog_event *ev);

// *t need not be initialised. On failure it is released.
bool table_map_read(struct table_map *t, const struct binlog_format *f, const struct binlog_event *ev,
                    struct err *e) MUST_CHECK;
void table_map_release(struct table_map *t);

#endif
