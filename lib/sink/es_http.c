#include "sink/es_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define ANSWER_MAX_BYTES (256u << 20)
#define URL_MAX_BYTES 65536
#define FDS_MAX 8

// ---- credentials

static bool read_login(struct es_http *h, struct err *e)
{
    const char *user = h->config->user != NULL ? h->config->user : getenv("ES_USER");
    char *password;
    if (user == NULL)
        return h->config->password_file == NULL ||
               err_set(e, STATUS_USAGE, "--password-file needs --user NAME");
    if (!http_read_secret(h->config->password_file, "ES_PASSWORD", &password, e))
        return false;
    if (password == NULL) {
        err_set(e, STATUS_USAGE, "there is no password for %s", user);
        return err_hint(e, "--password-file FILE, or ES_PASSWORD in the environment");
    }
    h->login = http_joined(user, ":", password);
    free(password);
    return h->login != NULL || err_no_memory(e);
}

static bool read_authorization(struct es_http *h, const char *scheme, const char *file, const char *variable,
                               struct err *e)
{
    char *secret;
    if (h->authorization != NULL)
        return true;
    if (!http_read_secret(file, variable, &secret, e))
        return false;
    if (secret == NULL)
        return true;
    h->authorization = http_joined("Authorization: ", scheme, secret);
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

static bool add_host(struct es_http *h, const char *url, struct err *e)
{
    struct es_host *host = &h->hosts[h->n_hosts++];
    return http_split_url(url, &host->url, &host->login) ||
           err_set(e, STATUS_USAGE, "URL %zu is none of http:// or https://", h->n_hosts);
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
    if (!http_start(e))
        return false;
    h->multi = curl_multi_init();
    h->hosts = calloc(config->n_urls, sizeof *h->hosts);
    if (h->multi == NULL || h->hosts == NULL)
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

void es_http_close(struct es_http *h)
{
    for (size_t i = 0; i < h->n_hosts; i++) {
        free(h->hosts[i].url);
        http_free_secret(h->hosts[i].login);
    }
    free(h->hosts);
    http_free_secret(h->login);
    http_free_secret(h->authorization);
    curl_slist_free_all(h->json);
    curl_slist_free_all(h->ndjson);
    curl_slist_free_all(h->gzipped);
    curl_multi_cleanup(h->multi);
    *h = (struct es_http){0};
}

// ---- calls

bool es_call_init(struct es_call *c, struct es_http *h, size_t host, struct err *e)
{
    *c = (struct es_call){.http = h, .host = host % h->n_hosts};
    buf_init(&c->answer, ANSWER_MAX_BYTES);
    buf_init(&c->url, URL_MAX_BYTES);
    buf_init(&c->packed, SIZE_MAX / 4);
    c->easy =
        http_handle(&h->config->tls, h->config->timeout_ms, "cdc-sink-es/" CDC_VERSION, &c->answer, c->why);
    if (c->easy == NULL)
        return err_no_memory(e);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
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
    return c->state == ES_CALL_LOST && http_is_hopeless(c->code);
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
