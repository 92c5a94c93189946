#include "sink/es_http.h"

#include "base/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define CONNECT_MS 10000L
#define ANSWER_MAX_BYTES (256u << 20)
#define SECRET_MAX_BYTES 16384
#define URL_MAX_BYTES 65536
#define FDS_MAX 8

// ---- credentials

// A secret of the file, or of the environment's variable; *secret is NULL where there is neither.
static bool read_secret(const char *file, const char *variable, char **secret, struct err *e)
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

static char *joined(const char *a, const char *between, const char *b)
{
    size_t n = strlen(a) + strlen(between) + strlen(b) + 1;
    char *text = malloc(n);
    if (text != NULL)
        snprintf(text, n, "%s%s%s", a, between, b);
    return text;
}

static bool read_login(struct es_http *h, struct err *e)
{
    const char *user = h->config->user != NULL ? h->config->user : getenv("ES_USER");
    char *password;
    if (user == NULL)
        return h->config->password_file == NULL ||
               err_set(e, STATUS_USAGE, "--password-file needs --user NAME");
    if (!read_secret(h->config->password_file, "ES_PASSWORD", &password, e))
        return false;
    if (password == NULL) {
        err_set(e, STATUS_USAGE, "there is no password for %s", user);
        return err_hint(e, "--password-file FILE, or ES_PASSWORD in the environment");
    }
    h->login = joined(user, ":", password);
    free(password);
    return h->login != NULL || err_no_memory(e);
}

static bool read_authorization(struct es_http *h, const char *scheme, const char *file, const char *variable,
                               struct err *e)
{
    char *secret;
    if (h->authorization != NULL)
        return true;
    if (!read_secret(file, variable, &secret, e))
        return false;
    if (secret == NULL)
        return true;
    h->authorization = joined("Authorization: ", scheme, secret);
    free(secret);
    return h->authorization != NULL || err_no_memory(e);
}

static bool read_credentials(struct es_http *h, struct err *e)
{
    const struct es_http_config *c = h->config;
    int given = (c->user != NULL) + (c->api_key_file != NULL) + (c->bearer_file != NULL);
    if (given > 1)
        return err_set(e, STATUS_USAGE, "one of --user, --api-key-file and --bearer-file can be given");
    // What the command line names goes before the environment.
    if (c->user != NULL)
        return read_login(h, e);
    if (c->bearer_file != NULL)
        return read_authorization(h, "Bearer ", c->bearer_file, "", e);
    return read_authorization(h, "ApiKey ", c->api_key_file, "ES_API_KEY", e) &&
           read_authorization(h, "Bearer ", NULL, "ES_BEARER_TOKEN", e) &&
           (h->authorization != NULL || read_login(h, e));
}

// ---- hosts

// A part of a URL, for free(); NULL where it has none.
static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL, *copy = NULL;
    if (curl_url_get(url, part, &text, flags) == CURLUE_OK)
        copy = strdup(text);
    curl_free(text);
    return copy;
}

static bool split_url(CURLU *u, struct es_host *host)
{
    char *user = part_of(u, CURLUPART_USER, CURLU_URLDECODE);
    char *password = part_of(u, CURLUPART_PASSWORD, CURLU_URLDECODE);
    bool ok = curl_url_set(u, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
              curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK;
    if (user != NULL)
        ok = ok && (host->login = joined(user, ":", password != NULL ? password : "")) != NULL;
    host->url = ok ? part_of(u, CURLUPART_URL, 0) : NULL;
    free(user);
    free(password);
    for (size_t n = host->url != NULL ? strlen(host->url) : 0; n != 0 && host->url[n - 1] == '/';)
        host->url[--n] = '\0';
    return host->url != NULL;
}

static bool add_host(struct es_http *h, const char *url, struct err *e)
{
    CURLU *u = curl_url();
    char *scheme = NULL;
    bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, url, CURLU_GUESS_SCHEME) == CURLUE_OK &&
              (scheme = part_of(u, CURLUPART_SCHEME, 0)) != NULL &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
              split_url(u, &h->hosts[h->n_hosts]);
    h->n_hosts += ok;
    free(scheme);
    curl_url_cleanup(u);
    return ok || err_set(e, STATUS_USAGE, "URL %zu is none of http:// or https://", h->n_hosts + 1);
}

static bool set_headers(struct es_http *h, struct curl_slist **list, const char *type, bool gzipped)
{
    const char *lines[] = {type, "Expect:", h->authorization, gzipped ? "Content-Encoding: gzip" : NULL};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct curl_slist *longer = lines[i] != NULL ? curl_slist_append(*list, lines[i]) : *list;
        if (longer == NULL)
            return false;
        *list = longer;
    }
    return true;
}

bool es_http_open(struct es_http *h, const struct es_http_config *config, struct err *e)
{
    *h = (struct es_http){.config = config};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (h->multi = curl_multi_init()) == NULL)
        return err_set(e, STATUS_IO, "libcurl cannot start");
    h->hosts = calloc(config->n_urls, sizeof *h->hosts);
    if (h->hosts == NULL)
        return err_no_memory(e);
    for (size_t i = 0; i < config->n_urls; i++)
        if (!add_host(h, config->urls[i], e))
            return false;
    if (!read_credentials(h, e))
        return false;
    static const char json[] = "Content-Type: application/json";
    static const char ndjson[] = "Content-Type: application/x-ndjson";
    return (set_headers(h, &h->json, json, false) && set_headers(h, &h->ndjson, ndjson, false) &&
            set_headers(h, &h->gzipped, ndjson, true)) ||
           err_no_memory(e);
}

// So that no core file or later allocation shows it.
static void free_secret(char *secret)
{
    for (volatile char *p = secret; p != NULL && *p != '\0'; p++)
        *p = '\0';
    free(secret);
}

void es_http_close(struct es_http *h)
{
    for (size_t i = 0; i < h->n_hosts; i++) {
        free(h->hosts[i].url);
        free_secret(h->hosts[i].login);
    }
    free(h->hosts);
    free_secret(h->login);
    free_secret(h->authorization);
    curl_slist_free_all(h->json);
    curl_slist_free_all(h->ndjson);
    curl_slist_free_all(h->gzipped);
    curl_multi_cleanup(h->multi);
    *h = (struct es_http){0};
}

// ---- calls

static size_t take_answer(char *p, size_t size, size_t n, void *call)
{
    struct es_call *c = call;
    buf_bytes(&c->answer, p, size * n);
    return c->answer.bad ? 0 : size * n;
}

static void set_tls(CURL *easy, const struct es_http_config *c)
{
    if (c->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
    if (c->certificate != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, c->certificate);
    if (c->key != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, c->key);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, c->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, c->insecure ? 0L : 2L);
}

bool es_call_init(struct es_call *c, struct es_http *h, size_t host, struct err *e)
{
    *c = (struct es_call){.http = h, .host = host % h->n_hosts, .easy = curl_easy_init()};
    buf_init(&c->answer, ANSWER_MAX_BYTES);
    buf_init(&c->url, URL_MAX_BYTES);
    buf_init(&c->packed, SIZE_MAX / 4);
    if (c->easy == NULL)
        return err_no_memory(e);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)h->config->timeout_ms);
    curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "cdc-sink-es/" CDC_VERSION);
    set_tls(c->easy, h->config);
    return true;
}

void es_call_release(struct es_call *c)
{
    if (c->state == ES_CALL_BUSY)
        curl_multi_remove_handle(c->http->multi, c->easy);
    if (c->easy != NULL)
        curl_easy_cleanup(c->easy);
    buf_release(&c->answer);
    buf_release(&c->url);
    buf_release(&c->packed);
    *c = (struct es_call){0};
}

static bool pack(struct span body, struct buf *out)
{
    z_stream z = {0};
    buf_reset(out);
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t bound = deflateBound(&z, (uLong)body.n);
    bool ok = body.n <= UINT32_MAX && buf_room(out, bound);
    if (ok) {
        z.next_in = (unsigned char *)(uintptr_t)body.p, z.avail_in = (uInt)body.n;
        z.next_out = (unsigned char *)out->p, z.avail_out = (uInt)bound;
        ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
        out->n = z.total_out;
    }
    deflateEnd(&z);
    return ok;
}

bool es_call_start(struct es_call *c, const char *method, const char *path, struct span body, bool bulk,
                   struct err *e)
{
    struct es_http *h = c->http;
    const struct es_host *host = &h->hosts[c->host];
    const char *login = host->login != NULL ? host->login : h->login;
    bool packed = bulk && h->config->gzip;
    if (packed && !pack(body, &c->packed))
        return err_no_memory(e);
    struct span sent = packed ? buf_view(&c->packed) : body;
    buf_reset(&c->answer);
    buf_reset(&c->url);
    buf_printf(&c->url, "%s%s", host->url, path);
    curl_easy_setopt(c->easy, CURLOPT_URL, buf_cstr(&c->url));
    if (login != NULL)
        curl_easy_setopt(c->easy, CURLOPT_USERPWD, login);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, packed ? h->gzipped : bulk ? h->ndjson : h->json);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sent.n);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, sent.n != 0 ? sent.p : "");
    if (sent.n == 0 && strcmp(method, "GET") == 0)
        curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
    c->why[0] = '\0';
    if (curl_multi_add_handle(h->multi, c->easy) != CURLM_OK)
        return err_set(e, STATUS_IO, "libcurl cannot take a request");
    c->state = ES_CALL_BUSY;
    h->calls++;
    return true;
}

const char *es_call_host(const struct es_call *c)
{
    return c->http->hosts[c->host].url;
}

bool es_call_is_hopeless(const struct es_call *c)
{
    switch (c->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return c->state == ES_CALL_LOST;
    default:
        return false;
    }
}

static void finish(struct es_call *c, CURLcode code)
{
    curl_multi_remove_handle(c->http->multi, c->easy);
    c->http->calls--;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->status);
    c->code = code;
    c->state = code == CURLE_OK ? ES_CALL_ANSWERED : ES_CALL_LOST;
    if (code == CURLE_OK)
        return;
    if (c->why[0] == '\0')
        snprintf(c->why, sizeof c->why, "%s", curl_easy_strerror(code));
}

bool es_http_pump(struct es_http *h, struct err *e)
{
    int running, left;
    CURLMsg *m;
    if (curl_multi_perform(h->multi, &running) != CURLM_OK)
        return err_set(e, STATUS_IO, "libcurl cannot go on");
    while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
        char *call;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
        finish((struct es_call *)(void *)call, code);
    }
    return true;
}

bool es_http_wait(struct es_http *h, struct pollfd *fds, nfds_t n, int timeout_ms, struct err *e)
{
    struct curl_waitfd waits[FDS_MAX];
    if (n > FDS_MAX)
        return err_set(e, STATUS_IO, "too many descriptors to wait for");
    for (nfds_t i = 0; i < n; i++) {
        waits[i] = (struct curl_waitfd){
            .fd = fds[i].fd,
            .events = (short)((fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                              (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0)),
        };
    }
    if (curl_multi_poll(h->multi, waits, (unsigned)n, timeout_ms, NULL) != CURLM_OK)
        return err_set(e, STATUS_IO, "libcurl cannot wait");
    for (nfds_t i = 0; i < n; i++)
        fds[i].revents = waits[i].revents != 0 ? fds[i].events : 0;
    return es_http_pump(h, e);
}
