// A connection's inside, for client.c and log_dump.c.
#ifndef CDC_MYSQL_CLIENT_CONN_H
#define CDC_MYSQL_CLIENT_CONN_H

#include "mysql/client.h"

#include <mysql.h>

struct my_client {
    MYSQL *conn;
    bool mariadb;
    unsigned version;
    struct dump_state *dump;
    MYSQL_RES *selected; // while its rows are read
};

int my_client_socket(const struct my_client *c);

// Sets the library's last error. Returns false.
bool my_client_fail(struct my_client *c, const char *what, struct err *e);

#endif
