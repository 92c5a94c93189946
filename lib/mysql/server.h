// What a server says of itself and its log.
#ifndef CDC_MYSQL_SERVER_H
#define CDC_MYSQL_SERVER_H

#include "mysql/client.h"
#include "mysql/state.h"

struct my_log_entry {
    char name[MY_BASE_MAX];
    uint64_t number, size;
};

struct my_server {
    char identity[MY_SERVER_MAX]; // MySQL: server_uuid; MariaDB: server_id, decimal
    char base[MY_BASE_MAX];       // of the log's files
    struct my_log_entry *log;     // owned; the oldest file first
    size_t n;
    struct my_log_entry end; // the newest file, and where it ends now
};

// Its files and their sizes, of a server that has a log. To be released after a failure too.
bool my_server_look(struct my_server *s, struct my_client *c, struct err *e) MUST_CHECK;
void my_server_release(struct my_server *s);

// A file's entry by its name, and a place in it, as the server prints them; either may be NULL.
bool my_log_entry_set(struct my_log_entry *entry, const char *name, const char *pos,
                      struct err *e) MUST_CHECK;

// Where the log ends now.
bool my_server_end(struct my_client *c, struct my_log_entry *end, struct err *e) MUST_CHECK;

// NULL where the server does not have the file, or not any more.
const struct my_log_entry *my_server_file(const struct my_server *s, uint64_t number);

// A system variable's value, "" where the server has none of that name.
bool my_server_variable(struct my_client *c, const char *name, char *value, size_t size,
                        struct err *e) MUST_CHECK;

#endif
