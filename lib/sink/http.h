// What requests over libcurl share, whatever system they go to: secrets, URLs without them, TLS, a handle's
// settings.
//
// Secrets are in memory that is wiped, and in libcurl's handles: not in a URL that is shown, nor in a
// message.
#ifndef CDC_SINK_HTTP_H
#define CDC_SINK_HTTP_H

#include "base/buf.h"

#include <curl/curl.h>

struct http_tls {
    const char *ca_file, *certificate, *key;
    bool insecure; // the server's certificate is not checked
};

// Before anything else of libcurl.
bool http_start(struct err *e) MUST_CHECK;

// A secret of one line, of the file or else of the environment's variable; *secret is NULL where there is
// neither, else for http_free_secret().
bool http_read_secret(const char *file, const char *variable, char **secret, struct err *e) MUST_CHECK;
// Wipes it, so that no core file or later allocation shows it. NULL is none.
void http_free_secret(char *secret);

// Three texts as one, for free(); NULL without memory.
char *http_joined(const char *a, const char *between, const char *b);

// Splits http[s]://[user:password@]host[:port][/path]: *url is without them and without '/' at the end,
// *login is user:password or NULL; both for free(). False where it is no such URL.
bool http_split_url(const char *text, char **url, char **login) MUST_CHECK;

// A handle that checks the server's certificate and appends what is answered to *answer; why, of
// CURL_ERROR_SIZE bytes, says how a request was lost. NULL without memory.
CURL *http_handle(const struct http_tls *tls, int64_t timeout_ms, const char *agent, struct buf *answer,
                  char *why);

// A loss that no further try mends, as a certificate that is not trusted.
bool http_is_hopeless(CURLcode code);

#endif
