#include "postgres/client.h"

#include "base/stop.h"

#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>

struct pg_client {
    PGconn *conn;
    char *message; // what pg_stream_read() gave last
    int64_t patience_ms;
    int stops; // stop signals before the connection was made: one for cleaning up works on
};

struct pg_rows {
    PGresult *result;
};

// libpq's messages end in newlines and may have several lines; ours have one.
static bool fail(enum status status, const char *what, const char *libpq, struct err *e)
{
    err_set(e, status, "%s: %s", what, libpq);
    size_t n = strlen(e->text);
    while (n > 0 && e->text[n - 1] == '\n')
        e->text[--n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (e->text[i] == '\n')
            e->text[i] = ' ';
    return false;
}

// Every value prints in one form, whatever the role's, the database's or PGOPTIONS' settings; and no name is
// looked up in a schema that a user can write to.
static const char session[] =
    "SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; "
    "SET extra_float_digits = 3; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = "
    "pg_catalog; "
    "SET statement_timeout = 0; SET lock_timeout = 0";

// user:pass/word@host: libpq takes what stands before the '/' for host and port, and quotes it in its
// message.
static bool has_raw_password(const char *url)
{
    const char *authority = strstr(url, "://");
    if (authority == NULL)
        return false;
    authority += 3;
    size_t n = strcspn(authority, "/?#@");
    const char *colon = memchr(authority, ':', n);
    if (authority[n] == '@' || authority[0] == '[' || colon == NULL || strchr(authority + n, '@') == NULL)
        return false;
    return strspn(colon + 1, "0123456789,") < (size_t)(authority + n - colon - 1);
}

static bool check_url(const char *url, struct err *e)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &why);
    bool ok = options != NULL && !has_raw_password(url);
    PQconninfoFree(options);
    PQfreemem(why); // not shown: it may quote a part of the password
    if (ok)
        return true;
    err_set(e, STATUS_USAGE, "the URL is not one that libpq understands");
    return err_hint(e, "postgres://USER@HOST:PORT/DATABASE?sslmode=…, special characters percent-encoded");
}

// libpq would print the server's notices on standard error.
static void drop_notice(void *context, const PGresult *notice)
{
    (void)context, (void)notice;
}

// A peer that vanished must not hold a connection, or an attempt at one, for hours. The URL's own settings
// count more, for they come later.
static const char *connect_timeout_s(void)
{
    const char *set = getenv("PGCONNECT_TIMEOUT");
    return set != NULL ? set : "10";
}

#define SESSION_PATIENCE_MS 60000

bool pg_connect(const char *url, enum pg_mode mode, const char *application, struct pg_client **c,
                struct err *e)
{
    if (!check_url(url, e))
        return false;
    const char *keys[] = {"connect_timeout",     "keepalives_idle",
                          "keepalives_interval", "keepalives_count",
                          "tcp_user_timeout",    "dbname",
                          "client_encoding",     "fallback_application_name",
                          "replication",         NULL};
    const char *values[] = {connect_timeout_s(), "30",       "10", "3", "60000", url, "UTF8",
                            application,         "database", NULL};
    if (mode == PG_SQL)
        keys[8] = NULL;
    *c = calloc(1, sizeof **c);
    if (*c == NULL)
        return err_no_memory(e);
    (*c)->stops = stop_count();
    (*c)->patience_ms = SESSION_PATIENCE_MS;
    (*c)->conn = PQconnectdbParams(keys, values, 1);
    PQsetNoticeReceiver((*c)->conn, drop_notice, NULL);
    if (PQstatus((*c)->conn) != CONNECTION_OK) {
        fail(STATUS_PEER, "cannot connect", PQerrorMessage((*c)->conn), e);
    } else if (pg_query(*c, session, 0, NULL, NULL, NULL, e)) {
        (*c)->patience_ms = 0;
        return true;
    }
    pg_close(*c);
    *c = NULL;
    return false;
}

bool pg_takes_connections(const char *url)
{
    return PQping(url) == PQPING_OK;
}

void pg_patience(struct pg_client *c, int64_t ms)
{
    c->patience_ms = ms;
}

void pg_close(struct pg_client *c)
{
    if (c == NULL)
        return;
    PQfreemem(c->message);
    PQfinish(c->conn);
    free(c);
}

bool pg_is_connected(const struct pg_client *c)
{
    return c != NULL && PQstatus(c->conn) == CONNECTION_OK;
}

int pg_server_version(const struct pg_client *c)
{
    return PQserverVersion(c->conn);
}

// The server is going, or is not there yet: the connection will be lost, if it was not.
static bool is_shutdown(const char *sqlstate)
{
    return sqlstate != NULL && (strcmp(sqlstate, "57P01") == 0 || strcmp(sqlstate, "57P02") == 0 ||
                                strcmp(sqlstate, "57P03") == 0);
}

static bool query_failed(struct pg_client *c, PGresult *r, char sqlstate[6], struct err *e)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE),
               *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate != NULL)
        snprintf(sqlstate, 6, "%s", state != NULL ? state : "");
    bool gone = PQstatus(c->conn) != CONNECTION_OK || is_shutdown(state);
    // Of a lock that was not to be had it may be asked again, too.
    bool again = gone || (state != NULL && strcmp(state, "55P03") == 0);
    fail(again ? STATUS_PEER : STATUS_USAGE, gone ? "the connection was lost" : "the server refused",
         text != NULL ? text : PQerrorMessage(c->conn), e);
    const char *hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
    if (hint != NULL)
        err_hint(e, "%s", hint);
    PQclear(r);
    return false;
}

static bool stopped(struct pg_client *c, struct err *e)
{
    char ignored[256];
    PGcancel *cancel = PQgetCancel(c->conn);
    if (cancel != NULL)
        PQcancel(cancel, ignored, sizeof ignored);
    PQfreeCancel(cancel);
    return err_set(e, STATUS_PEER, "stopped while the server was working");
}

// Waits for the whole answer or the stop signal: making a slot waits for every transaction that is open.
static bool wait_for_answer(struct pg_client *c, struct err *e)
{
    while (PQisBusy(c->conn)) {
        struct pollfd fds[] = {{.fd = PQsocket(c->conn), .events = POLLIN},
                               {.fd = stop_fd(), .events = POLLIN}};
        if (stop_count() > c->stops)
            return stopped(c, e);
        int ready =
            poll(fds, c->stops == 0 ? 2 : 1, c->patience_ms == 0 ? -1 : (int)(c->patience_ms % INT_MAX));
        if (ready < 0 && errno != EINTR)
            return err_errno(e, STATUS_IO, "cannot wait for the server");
        if (ready == 0)
            return err_set(e, STATUS_PEER, "the server did not answer for %lld s",
                           (long long)(c->patience_ms / 1000));
        if (fds[0].revents != 0 && PQconsumeInput(c->conn) != 1)
            return fail(STATUS_PEER, "the connection was lost", PQerrorMessage(c->conn), e);
    }
    return true;
}

static bool is_answer(const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_BOTH ||
           status == PGRES_COPY_OUT;
}

// The last statement's result, or the first that failed; the stream's begins with PGRES_COPY_BOTH and goes
// on, a COPY's with PGRES_COPY_OUT.
static bool take_result(struct pg_client *c, PGresult **result, struct err *e)
{
    *result = NULL;
    for (;;) {
        if (!wait_for_answer(c, e)) {
            PQclear(*result);
            return false;
        }
        PGresult *next = PQgetResult(c->conn);
        if (next == NULL)
            return *result != NULL ||
                   fail(STATUS_PEER, "the server did not answer", PQerrorMessage(c->conn), e);
        if (*result != NULL && !is_answer(*result)) {
            PQclear(next);
            continue;
        }
        PQclear(*result);
        *result = next;
        if (PQresultStatus(next) == PGRES_COPY_BOTH || PQresultStatus(next) == PGRES_COPY_OUT)
            return true;
    }
}

static bool answer(struct pg_client *c, int sent, struct pg_rows **rows, char sqlstate[6], struct err *e)
{
    PGresult *r;
    if (sent != 1)
        return fail(STATUS_PEER, "the connection was lost", PQerrorMessage(c->conn), e);
    if (!take_result(c, &r, e))
        return false;
    if (!is_answer(r))
        return query_failed(c, r, sqlstate, e);
    if (rows == NULL) {
        PQclear(r);
        return true;
    }
    *rows = malloc(sizeof **rows);
    if (*rows == NULL) {
        PQclear(r);
        return err_no_memory(e);
    }
    (*rows)->result = r;
    return true;
}

bool pg_query(struct pg_client *c, const char *sql, int n_params, const char *const *params,
              struct pg_rows **rows, char sqlstate[6], struct err *e)
{
    int sent = n_params == 0 ? PQsendQuery(c->conn, sql)
                             : PQsendQueryParams(c->conn, sql, n_params, NULL, params, NULL, NULL, 0);
    return answer(c, sent, rows, sqlstate, e);
}

bool pg_prepare(struct pg_client *c, const char *name, const char *sql, struct err *e)
{
    return answer(c, PQsendPrepare(c->conn, name, sql, 0, NULL), NULL, NULL, e);
}

bool pg_run(struct pg_client *c, const char *name, int n_params, const char *const *params,
            struct pg_rows **rows, char sqlstate[6], struct err *e)
{
    return answer(c, PQsendQueryPrepared(c->conn, name, n_params, params, NULL, NULL, 0), rows, sqlstate, e);
}

bool pg_describe(struct pg_client *c, const char *name, struct pg_rows **shape, struct err *e)
{
    return answer(c, PQsendDescribePrepared(c->conn, name), shape, NULL, e);
}

bool pg_same_types(const struct pg_rows *a, const struct pg_rows *b)
{
    int n = PQnfields(a->result);
    bool same = PQnfields(b->result) == n;
    for (int i = 0; same && i < n; i++)
        same = PQftype(a->result, i) == PQftype(b->result, i) && PQfmod(a->result, i) == PQfmod(b->result, i);
    return same;
}

int pg_row_count(const struct pg_rows *r)
{
    return PQntuples(r->result);
}

const char *pg_cell(const struct pg_rows *r, int row, int column)
{
    return PQgetisnull(r->result, row, column) ? NULL : PQgetvalue(r->result, row, column);
}

void pg_rows_free(struct pg_rows *r)
{
    if (r == NULL)
        return;
    PQclear(r->result);
    free(r);
}

static bool take_quoted(struct pg_client *c, char *quoted, struct buf *out, struct err *e)
{
    if (quoted == NULL)
        return fail(STATUS_USAGE, "cannot quote a name", PQerrorMessage(c->conn), e);
    buf_str(out, quoted);
    PQfreemem(quoted);
    return true;
}

bool pg_quote_literal(struct pg_client *c, const char *text, struct buf *out, struct err *e)
{
    return take_quoted(c, PQescapeLiteral(c->conn, text, strlen(text)), out, e);
}

bool pg_quote_name(struct pg_client *c, const char *text, struct buf *out, struct err *e)
{
    return take_quoted(c, PQescapeIdentifier(c->conn, text, strlen(text)), out, e);
}

// ---- COPY

bool pg_copy_start(struct pg_client *c, const char *command, struct err *e)
{
    return pg_query(c, command, 0, NULL, NULL, NULL, e);
}

static enum pg_read copy_ended(struct pg_client *c, struct err *e)
{
    PGresult *r = PQgetResult(c->conn);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        query_failed(c, r, NULL, e);
        return PG_FAIL;
    }
    PQclear(r);
    PQclear(PQgetResult(c->conn)); // NULL: the statement is over
    return PG_END;
}

// How long a COPY that brings nothing is waited for before somebody is asked whether it still matters.
#define COPY_ASK_MS 200

enum pg_read pg_copy_read(struct pg_client *c, bool (*is_over)(void *), void *context, struct span *message,
                          struct err *e)
{
    int n;
    PQfreemem(c->message);
    c->message = NULL;
    while ((n = PQgetCopyData(c->conn, &c->message, 1)) == 0) {
        struct pollfd fd = {.fd = PQsocket(c->conn), .events = POLLIN};
        int ready = poll(&fd, 1, COPY_ASK_MS);
        if (ready == 0 && is_over(context)) {
            err_set(e, STATUS_PEER, "stopped while the server was working");
            return PG_FAIL;
        }
        if (ready > 0 && PQconsumeInput(c->conn) != 1)
            break;
    }
    if (n > 0) {
        *message = (struct span){c->message, (size_t)n};
        return PG_GOT;
    }
    if (n == -1)
        return copy_ended(c, e);
    fail(STATUS_PEER, "cannot read from the server", PQerrorMessage(c->conn), e);
    return PG_FAIL;
}

void pg_copy_cancel(struct pg_client *c)
{
    char ignored[256];
    PGcancel *cancel = PQgetCancel(c->conn);
    if (cancel != NULL)
        PQcancel(cancel, ignored, sizeof ignored);
    PQfreeCancel(cancel);
    while (PQgetCopyData(c->conn, &c->message, 0) > 0) {
        PQfreemem(c->message);
        c->message = NULL;
    }
    for (PGresult *r; (r = PQgetResult(c->conn)) != NULL;)
        PQclear(r);
}

// ---- the stream

bool pg_stream_start(struct pg_client *c, const char *command, struct err *e)
{
    return pg_query(c, command, 0, NULL, NULL, NULL, e);
}

// The stream has ended: by the server's wish, or by an error that only PQgetResult() tells.
static enum pg_read stream_ended(struct pg_client *c, struct err *e)
{
    PGresult *r = PQgetResult(c->conn);
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_COMMAND_OK || status == PGRES_COPY_IN) {
        PQclear(r);
        return PG_END;
    }
    query_failed(c, r, NULL, e);
    e->status = STATUS_PEER;
    return PG_FAIL;
}

enum pg_read pg_stream_read(struct pg_client *c, struct span *message, struct err *e)
{
    PQfreemem(c->message);
    c->message = NULL;
    int n = PQgetCopyData(c->conn, &c->message, 1);
    // Without a look into the connection before each wait, bytes that TLS has taken in already would lie
    // there.
    if (n == 0 && PQconsumeInput(c->conn) == 1)
        n = PQgetCopyData(c->conn, &c->message, 1);
    if (n > 0) {
        *message = (struct span){c->message, (size_t)n};
        return PG_GOT;
    }
    if (n == -1)
        return stream_ended(c, e);
    if (n == 0)
        return PG_NOTHING;
    fail(STATUS_PEER, "cannot read the stream", PQerrorMessage(c->conn), e);
    return PG_FAIL;
}

bool pg_stream_take(struct pg_client *c, struct err *e)
{
    return PQconsumeInput(c->conn) == 1 ||
           fail(STATUS_PEER, "cannot read the stream", PQerrorMessage(c->conn), e);
}

bool pg_stream_wait(struct pg_client *c, int timeout_ms, struct err *e)
{
    struct pollfd fds[] = {{.fd = PQsocket(c->conn), .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};
    return poll(fds, 2, timeout_ms) >= 0 || errno == EINTR ||
           err_errno(e, STATUS_IO, "cannot wait for the server");
}

bool pg_stream_send(struct pg_client *c, struct span message, struct err *e)
{
    // The connection is a blocking one: a message of some 40 bytes fits into the socket's buffer, or the
    // server has not read for long, and then waiting is right.
    if (PQputCopyData(c->conn, message.p, (int)message.n) == 1 && PQflush(c->conn) == 0)
        return true;
    return fail(STATUS_PEER, "cannot send to the server", PQerrorMessage(c->conn), e);
}
