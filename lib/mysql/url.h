// mysql://[USER[:PASSWORD]@][HOST][:PORT][/DATABASE][?PARAMETER=VALUE&…], mariadb://… alike.
//
// Parameters: socket, ssl-mode, ssl-ca, ssl-cert, ssl-key, connect-timeout (seconds). What is special in a
// part is percent-encoded. A part that is missing comes from the option files. With a port it is TCP, for
// localhost too.
#ifndef CDC_MYSQL_URL_H
#define CDC_MYSQL_URL_H

#include "base/err.h"

#define MY_URL_PART_MAX 1024

enum my_ssl_mode {
    MY_SSL_DISABLED,
    MY_SSL_PREFERRED,
    MY_SSL_REQUIRED,
    MY_SSL_VERIFY_CA,
    MY_SSL_VERIFY_IDENTITY
};

struct my_url {
    // Empty where the URL has none.
    char user[MY_URL_PART_MAX], password[MY_URL_PART_MAX], host[MY_URL_PART_MAX], database[MY_URL_PART_MAX];
    char socket[MY_URL_PART_MAX], ssl_ca[MY_URL_PART_MAX], ssl_cert[MY_URL_PART_MAX],
        ssl_key[MY_URL_PART_MAX];
    bool has_password;
    unsigned port;              // 0: none
    unsigned connect_timeout_s; // 0: none
    enum my_ssl_mode ssl_mode;  // MY_SSL_PREFERRED where the URL has none
};

// STATUS_USAGE says what is wrong, without showing the password.
bool my_url_parse(const char *text, struct my_url *u, struct err *e) MUST_CHECK;

// disabled, preferred, required, verify_ca, verify_identity; case and '-' for '_' do not matter.
bool my_ssl_mode_parse(const char *text, enum my_ssl_mode *mode, struct err *e) MUST_CHECK;

#endif
