#include "mysql/client.h"

#include "base/io.h"
#include "base/stop.h"
#include "mysql/client_conn.h"
#include "mysql/log_dump.h"

#include <errmsg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

struct my_rows {
    MYSQL_RES *result;
    MYSQL_ROW *row; // owned
    size_t n;
    unsigned columns;
};

#define CONNECT_TIMEOUT_S 10

// ---- what the two libraries do differently

#ifdef MARIADB_PACKAGE_VERSION

int my_client_socket(const struct my_client *c)
{
    return (int)mysql_get_socket(c->conn);
}

static void set_ssl(MYSQL *m, enum my_ssl_mode mode)
{
    my_bool enforce = mode != MY_SSL_DISABLED, verify = mode >= MY_SSL_VERIFY_CA;
    mysql_optionsv(m, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

#else

int my_client_socket(const struct my_client *c)
{
    return c->conn->net.fd;
}

static void set_ssl(MYSQL *m, enum my_ssl_mode mode)
{
    static const unsigned modes[] = {SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED,
                                     SSL_MODE_VERIFY_CA, SSL_MODE_VERIFY_IDENTITY};
    bool public_key = true;
    mysql_options(m, MYSQL_OPT_SSL_MODE, &modes[mode]);
    // Without TLS caching_sha2_password encrypts the password with it.
    mysql_options(m, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &public_key);
}

#endif

// ---- errors

static bool is_lost(unsigned code)
{
    return code == CR_SERVER_GONE_ERROR || code == CR_SERVER_LOST || code == CR_CONNECTION_ERROR ||
           code == CR_CONN_HOST_ERROR || code == CR_UNKNOWN_HOST || code == CR_SERVER_LOST_EXTENDED;
}

static enum status status_of(unsigned code)
{
    enum {
        TOO_MANY_CONNECTIONS = 1040,
        SHUTDOWN = 1053,
        CONNECTION_KILLED = 1927,
        SESSION_KILLED = 3169,
        DEFINITION_CHANGED = 1412, // since the transaction began: it needs a new one
    };
    return is_lost(code) || code == TOO_MANY_CONNECTIONS || code == SHUTDOWN || code == CONNECTION_KILLED ||
                   code == SESSION_KILLED || code == DEFINITION_CHANGED
               ? STATUS_PEER
               : STATUS_USAGE;
}

bool my_client_fail(struct my_client *c, const char *what, struct err *e)
{
    return err_set(e, status_of(mysql_errno(c->conn)), "%s: %s", what, mysql_error(c->conn));
}

// ---- connecting

static bool read_password(const char *file, char *password, struct err *e)
{
    struct buf text;
    buf_init(&text, 65536);
    bool ok = io_read_file(file, &text, e) && buf_ok(&text, "the password file", e);
    size_t n = strcspn(buf_cstr(&text), "\r\n");
    if (ok && n >= MY_URL_PART_MAX)
        ok = err_set(e, STATUS_USAGE, "the password is too long");
    if (ok)
        snprintf(password, MY_URL_PART_MAX, "%.*s", (int)n, buf_cstr(&text));
    else
        e->status = STATUS_USAGE;
    buf_release(&text);
    return ok || err_wrap(e, "--password-file");
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

// The password of --password-file, else the URL's, else MYSQL_PWD, else that of the option files.
static bool find_password(const struct my_login *login, struct my_url *u, const char **password,
                          struct err *e)
{
    *password = u->has_password ? u->password : getenv("MYSQL_PWD");
    if (login->password_file == NULL)
        return true;
    *password = u->password;
    return read_password(login->password_file, u->password, e);
}

// With any of them libmariadb takes TLS, whatever else is set.
static void set_certificates(MYSQL *m, const struct my_url *u)
{
    if (u->ssl_ca[0] != '\0')
        mysql_options(m, MYSQL_OPT_SSL_CA, u->ssl_ca);
    if (u->ssl_cert[0] != '\0')
        mysql_options(m, MYSQL_OPT_SSL_CERT, u->ssl_cert);
    if (u->ssl_key[0] != '\0')
        mysql_options(m, MYSQL_OPT_SSL_KEY, u->ssl_key);
}

static void set_options(MYSQL *m, const struct my_login *login, const struct my_url *u)
{
    // As Oracle's programs do: what is only preferred is not for a socket, which nobody listens to.
    bool by_socket = strcmp(u->host, "localhost") == 0 && (u->port == 0 || u->socket[0] != '\0');
    unsigned connect_s = u->connect_timeout_s != 0 ? u->connect_timeout_s : CONNECT_TIMEOUT_S;
    unsigned read_s = (unsigned)((login->read_timeout_ms + 999) / 1000);
    mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    // The libraries take localhost for the socket, even where a port was given.
    unsigned tcp = MYSQL_PROTOCOL_TCP;
    if (u->port != 0 && u->socket[0] == '\0')
        mysql_options(m, MYSQL_OPT_PROTOCOL, &tcp);
    if (read_s != 0)
        mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &read_s);
    mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (login->defaults_file != NULL)
        mysql_options(m, MYSQL_READ_DEFAULT_FILE, login->defaults_file);
    mysql_options(m, MYSQL_READ_DEFAULT_GROUP, "cdc");
    if (u->ssl_mode != MY_SSL_DISABLED)
        set_certificates(m, u);
    set_ssl(m, by_socket && u->ssl_mode == MY_SSL_PREFERRED ? MY_SSL_DISABLED : u->ssl_mode);
}

// A library may fall back to a connection in the clear where the server has no TLS.
static bool check_ssl(struct my_client *c, const struct my_url *u, struct err *e)
{
    if (u->ssl_mode < MY_SSL_REQUIRED || mysql_get_ssl_cipher(c->conn) != NULL)
        return true;
    err_set(e, STATUS_USAGE, "the connection is not encrypted, and ssl-mode asks for that");
    return err_hint(e, "set the server up for TLS, or --ssl-mode preferred");
}

// mysql_get_server_version() of libmysqlclient takes 5.5.5-10.11.19-MariaDB by its first number.
static void look_at_version(struct my_client *c)
{
    const char *text = mysql_get_server_info(c->conn);
    c->mariadb = strstr(text, "MariaDB") != NULL;
    if (strncmp(text, "5.5.5-", 6) == 0)
        text += 6;
    char *rest;
    unsigned long major = strtoul(text, &rest, 10);
    unsigned long minor = *rest == '.' ? strtoul(rest + 1, &rest, 10) : 0;
    unsigned long patch = *rest == '.' ? strtoul(rest + 1, &rest, 10) : 0;
    c->version = (unsigned)(major * 10000 + minor * 100 + patch);
}

static bool begin_session(struct my_client *c, const struct my_url *u, struct err *e)
{
    look_at_version(c);
    return check_ssl(c, u, e) &&
           my_query(c, "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = ''", NULL, NULL, e);
}

static bool log_in(struct my_client *c, const struct my_login *login, struct my_url *u, struct err *e)
{
    const char *password;
    if (!find_password(login, u, &password, e))
        return false;
    c->conn = mysql_init(NULL);
    if (c->conn == NULL)
        return err_no_memory(e);
    set_options(c->conn, login, u);
    if (mysql_real_connect(c->conn, or_null(u->host), or_null(u->user), password, or_null(u->database),
                           u->port, or_null(u->socket), 0) == NULL) {
        enum { ACCESS_DENIED = 1045, NO_SUCH_DATABASE = 1049, DATABASE_DENIED = 1044 };
        unsigned code = mysql_errno(c->conn);
        my_client_fail(c, "cannot connect", e);
        // A certificate that is not trusted stays so.
        if (code != ACCESS_DENIED && code != NO_SUCH_DATABASE && code != DATABASE_DENIED &&
            code != CR_SSL_CONNECTION_ERROR)
            e->status = STATUS_PEER;
        return false;
    }
    return begin_session(c, u, e);
}

bool my_connect(const struct my_login *login, struct my_client **c, struct err *e)
{
    struct my_url *u = malloc(sizeof *u);
    *c = calloc(1, sizeof **c);
    bool ok = u != NULL && *c != NULL;
    if (!ok)
        err_no_memory(e);
    ok = ok && my_url_parse(login->url, u, e) &&
         (login->ssl_mode == NULL || my_ssl_mode_parse(login->ssl_mode, &u->ssl_mode, e)) &&
         log_in(*c, login, u, e);
    free(u);
    if (!ok) {
        my_close(*c);
        *c = NULL;
    }
    return ok;
}

// The server is to learn of it at once, also where it waits for room to write: what is read behind a shutdown
// opens no window, and its query would go on, with its locks, for as long as TCP remembers the connection.
static void reset_at_close(struct my_client *c)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(my_client_socket(c), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

void my_interrupt(struct my_client *c)
{
    reset_at_close(c);
    shutdown(my_client_socket(c), SHUT_RDWR);
}

bool my_is_connected(const struct my_client *c)
{
    return !is_lost(mysql_errno(c->conn));
}

void my_thread_end(void)
{
    mysql_thread_end();
}

// The rest of the rows is not worth its time: the socket is shut, and the library finds the end.
static void stop_reading(struct my_client *c)
{
    my_interrupt(c);
    mysql_free_result(c->selected);
    c->selected = NULL;
}

void my_close(struct my_client *c)
{
    if (c == NULL)
        return;
    // With a result whose rows were not all read the library would read them first.
    if (c->selected != NULL)
        stop_reading(c);
    if (c->conn != NULL)
        mysql_close(c->conn);
    my_dump_end(c);
    free(c);
}

bool my_is_mariadb(const struct my_client *c)
{
    return c->mariadb;
}

unsigned my_server_version(const struct my_client *c)
{
    return c->version;
}

// ---- SQL

static bool store(struct my_client *c, struct my_rows **rows, struct err *e)
{
    MYSQL_RES *result = mysql_store_result(c->conn);
    if (result == NULL && mysql_field_count(c->conn) != 0)
        return my_client_fail(c, "cannot read the server's answer", e);
    if (rows == NULL || result == NULL) {
        mysql_free_result(result);
        return rows == NULL || err_set(e, STATUS_PEER, "the server answered without rows");
    }
    size_t n = (size_t)mysql_num_rows(result);
    struct my_rows *r = malloc(sizeof *r);
    MYSQL_ROW *row = calloc(n + 1, sizeof *row);
    if (r == NULL || row == NULL) {
        free(r);
        free(row);
        mysql_free_result(result);
        return err_no_memory(e);
    }
    for (size_t i = 0; i < n; i++)
        row[i] = mysql_fetch_row(result);
    *r = (struct my_rows){result, row, n, mysql_num_fields(result)};
    *rows = r;
    return true;
}

bool my_query(struct my_client *c, const char *sql, struct my_rows **rows, unsigned *code, struct err *e)
{
    if (code != NULL)
        *code = 0;
    bool ok = mysql_real_query(c->conn, sql, (unsigned long)strlen(sql)) == 0
                  ? store(c, rows, e)
                  : my_client_fail(c, "the server refuses", e);
    if (!ok && code != NULL)
        *code = mysql_errno(c->conn);
    return ok;
}

bool my_select(struct my_client *c, const char *sql, unsigned *code, struct err *e)
{
    if (code != NULL)
        *code = 0;
    if (mysql_real_query(c->conn, sql, (unsigned long)strlen(sql)) == 0) {
        c->selected = mysql_use_result(c->conn);
        if (c->selected != NULL)
            return true;
    }
    if (code != NULL)
        *code = mysql_errno(c->conn);
    return my_client_fail(c, "the server refuses", e);
}

unsigned my_selected_collation(const struct my_client *c, unsigned column)
{
    return column < mysql_num_fields(c->selected) ? mysql_fetch_field_direct(c->selected, column)->charsetnr
                                                  : 0;
}

void my_selected_shape(const struct my_client *c, struct buf *shape)
{
    const MYSQL_FIELD *field = mysql_fetch_fields(c->selected);
    for (unsigned i = 0; i < mysql_num_fields(c->selected); i++, field++)
        buf_printf(shape, "%d %u %lu %u %u;", (int)field->type, field->charsetnr, field->length,
                   field->decimals, field->flags & (UNSIGNED_FLAG | ZEROFILL_FLAG | BINARY_FLAG));
}

unsigned my_last_error(const struct my_client *c)
{
    return mysql_errno(c->conn);
}

static enum my_read end_of_rows(struct my_client *c, struct err *e)
{
    bool ok = mysql_errno(c->conn) == 0;
    if (!ok)
        my_client_fail(c, "cannot read the rows", e);
    mysql_free_result(c->selected);
    c->selected = NULL;
    return ok ? MY_END : MY_FAIL;
}

enum my_read my_fetch(struct my_client *c, struct span *cell, size_t n, struct err *e)
{
    MYSQL_ROW row = mysql_fetch_row(c->selected);
    if (row == NULL)
        return end_of_rows(c, e);
    const unsigned long *length = mysql_fetch_lengths(c->selected);
    for (size_t i = 0; i < n && i < mysql_num_fields(c->selected); i++)
        cell[i] = (struct span){row[i], length[i]};
    return MY_GOT;
}

size_t my_row_count(const struct my_rows *r)
{
    return r != NULL ? r->n : 0;
}

const char *my_cell(const struct my_rows *r, size_t row, unsigned column)
{
    return r != NULL && row < r->n && column < r->columns ? r->row[row][column] : NULL;
}

const char *my_named_cell(const struct my_rows *r, size_t row, const char *name)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(r->result);
    for (unsigned i = 0; i < r->columns; i++)
        if (strcasecmp(fields[i].name, name) == 0)
            return my_cell(r, row, i);
    return NULL;
}

void my_rows_free(struct my_rows *r)
{
    if (r == NULL)
        return;
    mysql_free_result(r->result);
    free(r->row);
    free(r);
}

bool my_quote_literal(struct my_client *c, const char *text, struct buf *out, struct err *e)
{
    size_t n = strlen(text);
    if (!buf_room(out, 2 * n + 3))
        return err_no_memory(e);
    buf_char(out, '\'');
    out->n += mysql_real_escape_string(c->conn, out->p + out->n, text, (unsigned long)n);
    buf_char(out, '\'');
    return true;
}
