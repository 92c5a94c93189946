#include "iceberg/catalog_oauth.h"

#include "base/clock.h"
#include "event/json.h"

#include <stdlib.h>
#include <strings.h>

#define TOKEN_MAX_BYTES 65536
#define FORM_MAX_BYTES (4 * TOKEN_MAX_BYTES)
#define TOKEN_VARIABLE "ICEBERG_TOKEN"
#define CREDENTIAL_VARIABLE "ICEBERG_CREDENTIAL"
#define NEVER INT64_MAX

// ---- tokens

// Nothing in a token may end the header that it stands in.
static bool make_header(const char *token, char **header, struct err *e)
{
    for (const char *p = token; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return err_set(e, STATUS_USAGE, "the token has a character that no token has");
    *header = http_joined("Authorization: ", "Bearer ", token);
    return *header != NULL || err_no_memory(e);
}

static bool read_given(struct ice_login *l, struct err *e)
{
    char *token;
    if (!http_read_secret(l->options->token_file, TOKEN_VARIABLE, &token, e))
        return false;
    bool ok = token == NULL || make_header(token, &l->token, e);
    http_free_secret(token);
    return ok;
}

bool ice_login_read(struct span answer, char **header, int64_t *lasts_ms, struct err *e)
{
    struct span value, type;
    struct buf token;
    size_t bad_at;
    int64_t seconds;
    *header = NULL, *lasts_ms = NEVER;
    if (!json_check(answer, &bad_at) || !json_member(answer, span_of("access_token"), &value))
        return err_set(e, STATUS_DATA, "the answer has no access_token");
    if (json_member(answer, span_of("token_type"), &type) &&
        (type.n != 8 || strncasecmp(type.p, "\"bearer\"", 8) != 0))
        return err_set(e, STATUS_DATA, "the token is of the type %.*s, not Bearer", SPAN_ARG(type));
    if (json_member(answer, span_of("expires_in"), &value) && json_i64(value, &seconds) && seconds >= 0 &&
        seconds < 100000000)
        *lasts_ms = seconds * 1000;
    buf_init(&token, TOKEN_MAX_BYTES);
    bool ok = json_member(answer, span_of("access_token"), &value) && json_unquote(value, &token) &&
              token.n != 0 && memchr(token.p, '\0', token.n) == NULL;
    ok = ok ? make_header(buf_cstr(&token), header, e)
            : err_set(e, STATUS_DATA, "the access_token is no text");
    buf_release(&token);
    return ok;
}

// ---- fetching one

static void put_field(struct buf *form, const char *name, const char *value, size_t n)
{
    char *escaped = curl_easy_escape(NULL, value, (int)n);
    buf_str(form, name);
    if (escaped != NULL)
        buf_str(form, escaped);
    else
        form->bad = true;
    curl_free(escaped);
}

// The id goes up to the first colon; a credential without one is the secret alone, as Iceberg's clients have
// it.
static bool put_form(const struct ice_login *l, struct buf *form, struct err *e)
{
    const char *colon = strchr(l->credential, ':'), *secret = colon != NULL ? colon + 1 : l->credential;
    const char *scope = l->options->scope != NULL ? l->options->scope : "catalog";
    buf_lit(form, "grant_type=client_credentials");
    if (colon != NULL)
        put_field(form, "&client_id=", l->credential, (size_t)(colon - l->credential));
    put_field(form, "&client_secret=", secret, strlen(secret));
    put_field(form, "&scope=", scope, strlen(scope));
    return buf_ok(form, "the credentials", e);
}

static enum ice_reply take_token(struct ice_login *l, const struct ice_call *c, struct err *e)
{
    int64_t lasts_ms;
    if (c->status != 200) {
        ice_call_refused(c, e);
        return e->status == STATUS_PEER ? ICE_REPLY_LOST : ICE_REPLY_FAIL;
    }
    if (!ice_login_read(buf_view(&c->answer), &l->token, &lasts_ms, e)) {
        err_wrap(e, "%s %s", c->method, c->url);
        return ICE_REPLY_FAIL;
    }
    // It must still hold when a request that bears it arrives.
    l->due_ms = lasts_ms == NEVER ? NEVER : clock_mono_ms() + lasts_ms - lasts_ms / 10;
    return ICE_REPLY_GOT;
}

static enum ice_reply fetch(struct ice_login *l, struct ice_call *c, struct err *e)
{
    struct buf form;
    enum ice_reply reply = ICE_REPLY_FAIL;
    buf_init(&form, FORM_MAX_BYTES);
    if (put_form(l, &form, e))
        reply =
            ice_call_ask(c, "POST", l->url, NULL, "application/x-www-form-urlencoded", buf_view(&form), e);
    buf_release(&form);
    return reply == ICE_REPLY_GOT ? take_token(l, c, e) : reply;
}

static void forget(struct ice_login *l)
{
    http_free_secret(l->token);
    l->token = NULL;
}

enum ice_reply ice_login_get(struct ice_login *l, struct ice_call *c, struct err *e)
{
    if (l->credential == NULL || (l->token != NULL && clock_mono_ms() < l->due_ms))
        return ICE_REPLY_GOT;
    forget(l);
    return fetch(l, c, e);
}

bool ice_login_renew(struct ice_login *l)
{
    struct err ignored;
    char *old = l->token;
    if (old == NULL)
        return false;
    l->token = NULL;
    if (l->credential != NULL) {
        http_free_secret(old);
        return true;
    }
    // Whoever keeps a token's file puts new ones there.
    bool another = l->options->token_file != NULL && read_given(l, &ignored) && strcmp(l->token, old) != 0;
    if (l->token == NULL)
        l->token = old;
    else
        http_free_secret(old);
    return another;
}

// ---- life

bool ice_login_open(struct ice_login *l, const struct ice_login_options *o, const char *catalog,
                    struct err *e)
{
    *l = (struct ice_login){.options = o, .due_ms = NEVER};
    if (o->token_file != NULL && o->credential_file != NULL)
        return err_set(e, STATUS_USAGE, "one of --token-file and --credential-file can be given");
    // What the command line names goes before the environment.
    if (o->credential_file == NULL && !read_given(l, e))
        return false;
    if (l->token == NULL && !http_read_secret(o->credential_file, CREDENTIAL_VARIABLE, &l->credential, e))
        return false;
    l->url = o->url != NULL ? strdup(o->url) : http_joined(catalog, "/v1/", "oauth/tokens");
    return l->url != NULL || err_no_memory(e);
}

void ice_login_close(struct ice_login *l)
{
    forget(l);
    http_free_secret(l->credential);
    free(l->url);
}
