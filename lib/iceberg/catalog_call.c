#include "iceberg/catalog_call.h"

#include "event/json.h"

// A table's metadata with some thousand snapshots takes a few megabytes.
#define ANSWER_MAX_BYTES (256u << 20)
// Servers put whole stack traces into a message.
#define MESSAGE_BYTES 400

// Not 0 ends the transfer.
static int on_progress(void *call, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t f)
{
    struct ice_call *c = call;
    (void)a, (void)b, (void)d, (void)f;
    c->ticked_off = c->tick != NULL && !c->tick(c->context, c->tick_error);
    return c->ticked_off;
}

bool ice_call_open(struct ice_call *c, const struct http_tls *tls, int64_t timeout_ms, struct err *e)
{
    *c = (struct ice_call){0};
    buf_init(&c->answer, ANSWER_MAX_BYTES);
    c->easy = http_handle(tls, timeout_ms, "cdc-sink-iceberg/" CDC_VERSION, &c->answer, c->why);
    if (c->easy == NULL)
        return err_no_memory(e);
    curl_easy_setopt(c->easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, c);
    curl_easy_setopt(c->easy, CURLOPT_NOPROGRESS, 0L);
    return true;
}

void ice_call_close(struct ice_call *c)
{
    if (c->easy != NULL)
        curl_easy_cleanup(c->easy);
    buf_release(&c->answer);
    *c = (struct ice_call){0};
}

static bool add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*list, header);
    if (longer != NULL)
        *list = longer;
    return longer != NULL;
}

static bool set_headers(struct ice_call *c, struct curl_slist **list, const char *authorization,
                        const char *type)
{
    char content[64] = "Content-Type: ";
    bool ok = add_header(list, "Expect:") && add_header(list, "Accept: application/json") &&
              (authorization == NULL || add_header(list, authorization)) &&
              (type == NULL || add_header(list, strcat(content, type)));
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, *list);
    return ok;
}

static void set_request(struct ice_call *c, const char *method, const char *url, const char *type,
                        struct span body)
{
    buf_reset(&c->answer);
    c->why[0] = '\0', c->status = 0;
    c->method = method, c->url = url;
    curl_easy_setopt(c->easy, CURLOPT_URL, url);
    if (type != NULL) {
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body.p);
    } else
        curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
}

// libcurl sends a request again by itself where a connection that it had kept turns out to be closed. A
// commit that was carried out before that is then answered 409: so a conflict, too, is looked into before it
// is one.
enum ice_reply ice_call_ask(struct ice_call *c, const char *method, const char *url,
                            const char *authorization, const char *type, struct span body, struct err *e)
{
    struct curl_slist *headers = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    set_request(c, method, url, type, body);
    c->tick_error = e, c->ticked_off = false;
    if (set_headers(c, &headers, authorization, type))
        code = curl_easy_perform(c->easy);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (code == CURLE_OK) {
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->status);
        return ICE_REPLY_GOT;
    }
    if (c->ticked_off)
        return ICE_REPLY_FAIL;
    bool hopeless = http_is_hopeless(code);
    err_set(e, hopeless ? STATUS_USAGE : STATUS_PEER, "%s %s: %s", method, url,
            c->why[0] != '\0' ? c->why : curl_easy_strerror(code));
    return hopeless ? ICE_REPLY_FAIL : ICE_REPLY_LOST;
}

// ---- refusals

// A string's bytes as they stand, escapes included, so that no control character gets into a message.
static bool take_text(struct span object, const char *name, struct span *text)
{
    struct span value;
    if (!json_member(object, span_of(name), &value) || value.n < 2 || value.p[0] != '"')
        return false;
    *text = (struct span){value.p + 1, value.n - 2};
    if (text->n > MESSAGE_BYTES) {
        text->n = MESSAGE_BYTES;
        while (((unsigned char)text->p[text->n] & 0xC0) == 0x80)
            text->n--;
    }
    return true;
}

bool ice_call_words(struct span answer, struct span *type, struct span *message)
{
    struct span error;
    size_t bad_at;
    *type = *message = (struct span){NULL, 0};
    if (!json_check(answer, &bad_at) || !json_member(answer, span_of("error"), &error))
        return false;
    bool nested = error.p[0] == '{';
    bool typed = nested ? take_text(error, "type", type) : take_text(answer, "error", type);
    bool worded =
        nested ? take_text(error, "message", message) : take_text(answer, "error_description", message);
    return typed || worded;
}

// What a gateway or a busy server answers; 408 where it had not read the request to its end.
bool ice_call_may_try_again(long status)
{
    return status == 408 || status == 429 || (status >= 500 && status != 501);
}

bool ice_call_refused(const struct ice_call *c, struct err *e)
{
    struct span type, message;
    bool spoken = ice_call_words(buf_view(&c->answer), &type, &message);
    err_set(e, ice_call_may_try_again(c->status) ? STATUS_PEER : STATUS_USAGE,
            "%s %s: answered with status %ld%s%.*s%s%.*s", c->method, c->url, c->status,
            type.n != 0 ? ", " : "", SPAN_ARG(type), message.n != 0 ? ": " : "", SPAN_ARG(message));
    if (c->status == 401)
        return err_hint(e, "--token-file FILE or --credential-file FILE log in");
    if (c->status == 403)
        return err_hint(
            e, "the account needs to read, create and write tables in the namespace, and to create it");
    if (!spoken && c->status < 500)
        return err_hint(
            e, "this is no answer of an Iceberg REST catalog: its URL is what /v1/config stands behind");
    return false;
}
