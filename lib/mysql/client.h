// A connection to MySQL or MariaDB: plain SQL; log_dump.h reads the log from it. These two alone use mysql.h,
// over libmysqlclient or libmariadb, whichever they were built with.
//
// After an error only my_close() is left.
#ifndef CDC_MYSQL_CLIENT_H
#define CDC_MYSQL_CLIENT_H

#include "base/buf.h"
#include "mysql/url.h"

#include <stdint.h>

struct my_client;
struct my_rows;

// How to log in, beside the URL. NULL: not given.
struct my_login {
    const char *url;
    const char *password_file; // its first line
    const char *defaults_file; // instead of the option files; groups client and cdc
    const char *ssl_mode;      // before the URL's
    int64_t read_timeout_ms;   // how long a read may take; 0: for ever
};

// The session speaks utf8mb4 and UTC. STATUS_USAGE where the login is malformed or refused, STATUS_PEER where
// the server cannot be had. No message ever contains the password.
bool my_connect(const struct my_login *login, struct my_client **c, struct err *e) MUST_CHECK;
void my_close(struct my_client *c); // NULL is fine

// Another thread's call ends with an error, for good. The client must not be closed meanwhile.
void my_interrupt(struct my_client *c);
bool my_is_connected(const struct my_client *c); // false once an error has shown that it was lost
void my_thread_end(void);                        // what a thread that used connections does last

bool my_is_mariadb(const struct my_client *c);
unsigned my_server_version(const struct my_client *c); // 101119 is 10.11.19

// Runs one statement. rows may be NULL where none are wanted; else the caller frees them. On failure *code
// (if not NULL) holds the server's error number. A lost connection is STATUS_PEER, a statement that the
// server refuses STATUS_USAGE.
bool my_query(struct my_client *c, const char *sql, struct my_rows **rows, unsigned *code,
              struct err *e) MUST_CHECK;
size_t my_row_count(const struct my_rows *r); // NULL: 0
// NULL for SQL's NULL, and for a column that is not there; valid until my_rows_free().
const char *my_cell(const struct my_rows *r, size_t row, unsigned column);
// By the column's name, case ignored: what SHOW gives differs from server to server.
const char *my_named_cell(const struct my_rows *r, size_t row, const char *name);
void my_rows_free(struct my_rows *r); // NULL is fine

// Appends text as an SQL literal.
bool my_quote_literal(struct my_client *c, const char *text, struct buf *out, struct err *e) MUST_CHECK;

// The rows of a SELECT as they come: the server sends them while they are read, so nothing else can be asked
// of the connection before my_fetch() has answered MY_END. Text comes in its own character set where the
// session says so.
bool my_select(struct my_client *c, const char *sql, unsigned *code, struct err *e) MUST_CHECK;
unsigned my_selected_collation(const struct my_client *c, unsigned column); // after my_select()
// Appends what tells of the columns, so that two results of one statement differ where a definition does.
void my_selected_shape(const struct my_client *c, struct buf *shape);
unsigned my_last_error(const struct my_client *c); // the server's number of what failed last

enum my_read { MY_GOT, MY_NOTHING, MY_END, MY_FAIL };

// The next row's n columns, valid until the next call; p is NULL for SQL's NULL.
enum my_read my_fetch(struct my_client *c, struct span *cell, size_t n, struct err *e) MUST_CHECK;

#endif
