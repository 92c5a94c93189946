// A connection to PostgreSQL: plain SQL, or SQL and then the replication stream. The only user of libpq-fe.h.
//
// Call order of a stream: pg_connect(PG_STREAM), any pg_query(), pg_stream_start(), then pg_stream_read()
// and, when that says PG_NOTHING,
// pg_stream_take(), and pg_stream_wait() if there is still nothing. After an error only pg_close() is left.
#ifndef CDC_POSTGRES_CLIENT_H
#define CDC_POSTGRES_CLIENT_H

#include "base/buf.h"

#include <stdint.h>

enum pg_mode { PG_SQL, PG_STREAM };
enum pg_read { PG_GOT, PG_NOTHING, PG_END, PG_FAIL };

struct pg_client;
struct pg_rows;

// url: a libpq URI; TLS, .pgpass, PG* variables and service files work as libpq does them. The session prints
// values in ISO form, UTC and UTF-8. STATUS_USAGE where the URL is none, STATUS_PEER where the server cannot
// be had. No message ever contains the URL's password.
bool pg_connect(const char *url, enum pg_mode mode, const char *application, struct pg_client **c,
                struct err *e) MUST_CHECK;

// Whether a server is there and takes connections, if not this one: after a failed pg_connect() it is about
// the URL then, a password, a database's name, and no matter of time.
bool pg_takes_connections(const char *url);

void pg_close(struct pg_client *c); // NULL is fine

// How long the server may be silent while a statement runs, before that is STATUS_PEER; 0, as a new
// connection has it: for ever.
void pg_patience(struct pg_client *c, int64_t ms);

// Whether the connection stands, as far as is known.
bool pg_is_connected(const struct pg_client *c);

int pg_server_version(const struct pg_client *c); // 150003 is 15.3

// Runs one statement, until it is done or a stop signal comes (STATUS_PEER); params are text, NULL for SQL's
// NULL. rows may be NULL where none are wanted; else the caller frees them. On failure *sqlstate (if not
// NULL) holds the five characters, or "". A lost connection is STATUS_PEER, a statement that the server
// refuses STATUS_USAGE. A PG_STREAM connection takes no params: PostgreSQL's walsender has no extended
// protocol.
bool pg_query(struct pg_client *c, const char *sql, int n_params, const char *const *params,
              struct pg_rows **rows, char sqlstate[6], struct err *e) MUST_CHECK;
// A statement that runs often, once for a connection, and its runs: else as pg_query().
bool pg_prepare(struct pg_client *c, const char *name, const char *sql, struct err *e) MUST_CHECK;
bool pg_run(struct pg_client *c, const char *name, int n_params, const char *const *params,
            struct pg_rows **rows, char sqlstate[6], struct err *e) MUST_CHECK;
// What a prepared statement's rows will be: a result without any.
bool pg_describe(struct pg_client *c, const char *name, struct pg_rows **shape, struct err *e) MUST_CHECK;
// Whether both have the same number of columns, each of the same type.
bool pg_same_types(const struct pg_rows *a, const struct pg_rows *b);
int pg_row_count(const struct pg_rows *r);
// NULL for SQL's NULL; valid until pg_rows_free().
const char *pg_cell(const struct pg_rows *r, int row, int column);
void pg_rows_free(struct pg_rows *r); // NULL is fine

// text as an SQL literal or identifier, quoted.
bool pg_quote_literal(struct pg_client *c, const char *text, struct buf *out, struct err *e) MUST_CHECK;
bool pg_quote_name(struct pg_client *c, const char *text, struct buf *out, struct err *e) MUST_CHECK;

// Starts COPY … TO STDOUT.
bool pg_copy_start(struct pg_client *c, const char *command, struct err *e) MUST_CHECK;

// The next message of the COPY; waits for it, and gives up (PG_FAIL, STATUS_PEER) once is_over(context) says
// so. The span is valid until the next call.
enum pg_read pg_copy_read(struct pg_client *c, bool (*is_over)(void *context), void *context,
                          struct span *message, struct err *e) MUST_CHECK;

// Ends a COPY before its end. The transaction it ran in has failed then.
void pg_copy_cancel(struct pg_client *c);

// command: START_REPLICATION …
bool pg_stream_start(struct pg_client *c, const char *command, struct err *e) MUST_CHECK;

// The next message, if it has come; takes in what has, and never waits. The span is valid until the next
// call.
enum pg_read pg_stream_read(struct pg_client *c, struct span *message, struct err *e) MUST_CHECK;

// Takes in what has come, without waiting. To be called before each wait, or bytes that TLS has read already
// would lie there.
bool pg_stream_take(struct pg_client *c, struct err *e) MUST_CHECK;

// Waits until something comes from the server, at most timeout_ms, or until the stop signal.
bool pg_stream_wait(struct pg_client *c, int timeout_ms, struct err *e) MUST_CHECK;

bool pg_stream_send(struct pg_client *c, struct span message, struct err *e) MUST_CHECK;

#endif
