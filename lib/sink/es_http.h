// Requests to Elasticsearch over libcurl's multi interface: several at once, on several hosts, never waiting
// but where asked to.
//
// A call is one request and its answer. It is started, then es_http_pump() or es_http_wait() moves it on,
// until it is answered or has failed: then nobody knows whether the request was carried out.
//
// What es_call_host() shows is without secrets (http.h).
#ifndef CDC_SINK_ES_HTTP_H
#define CDC_SINK_ES_HTTP_H

#include "base/buf.h"
#include "base/opt.h"
#include "sink/http.h"

#include <poll.h>

struct es_http_config {
    char **urls; // http[s]://[user:password@]host[:port][/path]
    size_t n_urls;
    const char *user, *password_file, *api_key_file, *bearer_file;
    struct http_tls tls;
    bool gzip;
    int64_t timeout_ms;
};

struct es_host {
    char *url;   // without user and password
    char *login; // user:password, or NULL
};

struct es_http {
    const struct es_http_config *config;
    CURLM *multi;
    struct es_host *hosts;
    size_t n_hosts;
    char *login, *authorization; // for all hosts; or NULL
    struct curl_slist *json, *ndjson, *gzipped;
    size_t calls; // under way
};

enum es_call_state {
    ES_CALL_FREE,
    ES_CALL_BUSY,
    ES_CALL_ANSWERED, // status and answer are there
    ES_CALL_LOST,     // why says how
};

struct es_call {
    struct es_http *http;
    CURL *easy;
    enum es_call_state state;
    size_t host;
    CURLcode code;
    long status;
    struct buf answer, url, packed;
    char why[CURL_ERROR_SIZE];
};

bool es_http_open(struct es_http *h, const struct es_http_config *config, struct err *e) MUST_CHECK;
void es_http_close(struct es_http *h);

// host: the first it goes to, modulo their number; the next one after a loss.
bool es_call_init(struct es_call *c, struct es_http *h, size_t host, struct err *e) MUST_CHECK;
void es_call_release(struct es_call *c);

// The body must stay until the call is done. path begins with '/'; bulk: the body is newline-delimited.
bool es_call_start(struct es_call *c, const char *method, const char *path, struct span body, bool bulk,
                   struct err *e) MUST_CHECK;

// A loss that no further try mends, as a certificate that is not trusted.
bool es_call_is_hopeless(const struct es_call *c);

const char *es_call_host(const struct es_call *c);

bool es_http_pump(struct es_http *h, struct err *e) MUST_CHECK;

// Waits until a call has moved, one of fds is ready, or the time has passed, and pumps. revents are set.
bool es_http_wait(struct es_http *h, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e) MUST_CHECK;

#endif
