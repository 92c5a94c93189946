#include "sink/http.h"

#include "base/io.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 10000L
#define SECRET_MAX_BYTES 16384

bool http_start(struct err *e)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK || err_set(e, STATUS_IO, "libcurl cannot start");
}

// ---- secrets

bool http_read_secret(const char *file, const char *variable, char **secret, struct err *e)
{
    const char *value = file == NULL ? getenv(variable) : NULL;
    struct buf text;
    *secret = NULL;
    if (file == NULL && value == NULL)
        return true;
    buf_init(&text, SECRET_MAX_BYTES);
    bool ok = true;
    if (file == NULL)
        buf_str(&text, value);
    else if (!io_read_file(file, &text, e))
        ok = false;
    while (text.n != 0 && strchr("\r\n", text.p[text.n - 1]) != NULL)
        text.n--;
    if (ok && (text.n == 0 || memchr(text.p, '\n', text.n) != NULL))
        ok = err_set(e, STATUS_USAGE, "%s holds no secret of one line", file != NULL ? file : variable);
    if (ok && (*secret = strdup(buf_cstr(&text))) == NULL)
        ok = err_no_memory(e);
    if (!ok)
        e->status = STATUS_USAGE;
    buf_release(&text);
    return ok;
}

void http_free_secret(char *secret)
{
    for (volatile char *p = secret; p != NULL && *p != '\0'; p++)
        *p = '\0';
    free(secret);
}

char *http_joined(const char *a, const char *between, const char *b)
{
    size_t n = strlen(a) + strlen(between) + strlen(b) + 1;
    char *text = malloc(n);
    if (text != NULL)
        snprintf(text, n, "%s%s%s", a, between, b);
    return text;
}

// ---- URLs

// A part of a URL, for free(); NULL where it has none.
static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL, *copy = NULL;
    if (curl_url_get(url, part, &text, flags) == CURLUE_OK)
        copy = strdup(text);
    curl_free(text);
    return copy;
}

static bool split(CURLU *u, char **url, char **login)
{
    char *user = part_of(u, CURLUPART_USER, CURLU_URLDECODE);
    char *password = part_of(u, CURLUPART_PASSWORD, CURLU_URLDECODE);
    bool ok = curl_url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
              curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK;
    if (user != NULL)
        ok = ok && (*login = http_joined(user, ":", password != NULL ? password : "")) != NULL;
    *url = ok ? part_of(u, CURLUPART_URL, 0) : NULL;
    free(user);
    http_free_secret(password);
    for (size_t n = *url != NULL ? strlen(*url) : 0; n != 0 && (*url)[n - 1] == '/';)
        (*url)[--n] = '\0';
    return *url != NULL;
}

bool http_split_url(const char *text, char **url, char **login)
{
    CURLU *u = curl_url();
    char *scheme = NULL;
    *url = *login = NULL;
    bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, text, CURLU_GUESS_SCHEME) == CURLUE_OK &&
              (scheme = part_of(u, CURLUPART_SCHEME, 0)) != NULL &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) && split(u, url, login);
    free(scheme);
    curl_url_cleanup(u);
    return ok;
}

// ---- handles

static size_t take_answer(char *p, size_t size, size_t n, void *answer)
{
    struct buf *b = answer;
    buf_bytes(b, p, size * n);
    return b->bad ? 0 : size * n;
}

static void set_tls(CURL *easy, const struct http_tls *t)
{
    if (t->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, t->ca_file);
    if (t->certificate != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, t->certificate);
    if (t->key != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, t->key);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, t->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, t->insecure ? 0L : 2L);
}

CURL *http_handle(const struct http_tls *tls, int64_t timeout_ms, const char *agent, struct buf *answer,
                  char *why)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, agent);
    set_tls(easy, tls);
    return easy;
}

bool http_is_hopeless(CURLcode code)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return true;
    default:
        return false;
    }
}
