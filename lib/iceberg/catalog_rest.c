#include "iceberg/catalog_rest.h"

#include "event/json.h"
#include "iceberg/catalog_config.h"

#include <stdlib.h>

#define URL_MAX_BYTES 16384
#define BODY_MAX_BYTES (256u << 20)

struct rest_catalog {
    struct ice_catalog base;
    const struct ice_rest_options *options;
    struct ice_login login;
    struct ice_call call;
    char *server; // its URL
    bool configured;
    struct buf config, prefix; // the server's, once it was asked
    struct buf url, body;      // of the request
};

// ---- requests

// The rest of the URL, behind /v1, stands in c->url.
static enum ice_reply ask(struct rest_catalog *c, const char *method, struct span body, struct err *e)
{
    if (!buf_ok(&c->url, "a URL", e) || (body.p != NULL && !buf_ok(&c->body, "a request", e)))
        return ICE_REPLY_FAIL;
    const char *type = body.p != NULL ? "application/json" : NULL;
    c->call.tick = c->base.tick, c->call.context = c->base.context;
    for (bool again = false;; again = true) {
        enum ice_reply reply = ice_login_get(&c->login, &c->call, e);
        if (reply == ICE_REPLY_GOT)
            reply = ice_call_ask(&c->call, method, buf_cstr(&c->url), c->login.token, type, body, e);
        // 419 is the protocol's own for a login that has expired.
        bool refused = reply == ICE_REPLY_GOT && (c->call.status == 401 || c->call.status == 419);
        if (!refused || again || !ice_login_renew(&c->login))
            return reply;
    }
}

// A 404 without the protocol's words comes from somebody else, and tells nothing.
static bool says_missing(const struct rest_catalog *c)
{
    struct span type, message;
    return c->call.status == 404 && ice_call_words(buf_view(&c->call.answer), &type, &message);
}

static enum ice_outcome outcome_of(struct rest_catalog *c, enum ice_reply reply, struct err *e)
{
    if (reply == ICE_REPLY_GOT && c->call.status >= 200 && c->call.status < 300)
        return ICE_DONE;
    if (reply == ICE_REPLY_GOT)
        ice_call_refused(&c->call, e);
    if (reply == ICE_REPLY_GOT && c->call.status == 409)
        return ICE_CONFLICT;
    return reply != ICE_REPLY_FAIL && e->status == STATUS_PEER ? ICE_UNCERTAIN : ICE_FAIL;
}

static void begin_url(struct rest_catalog *c)
{
    buf_reset(&c->url);
    buf_printf(&c->url, "%s/v1", c->server);
    buf_span(&c->url, buf_view(&c->prefix));
    buf_lit(&c->url, "/namespaces");
}

static void put_escaped(struct buf *url, struct span text)
{
    char *escaped = text.n != 0 ? curl_easy_escape(NULL, text.p, (int)text.n) : NULL;
    if (escaped != NULL)
        buf_str(url, escaped);
    else
        url->bad = true;
    curl_free(escaped);
}

// The next of a namespace's levels; false behind the last.
static bool next_level(struct span *rest, struct span *level)
{
    if (rest->n == 0)
        return false;
    const char *dot = memchr(rest->p, '.', rest->n);
    *level = (struct span){rest->p, dot != NULL ? (size_t)(dot - rest->p) : rest->n};
    rest->p += level->n + (dot != NULL), rest->n -= level->n + (dot != NULL);
    return true;
}

static bool check_space(struct span space, struct err *e)
{
    struct span rest = space, level;
    bool ok = space.n != 0 && space.p[space.n - 1] != '.';
    while (next_level(&rest, &level))
        ok = ok && level.n != 0;
    return ok || err_set(e, STATUS_USAGE, "'%.*s' is no namespace of a REST catalog: names, dots between",
                         SPAN_ARG(space));
}

static bool check_name(const struct ice_name *name, struct err *e)
{
    return check_space(name->space, e) &&
           (name->table.n != 0 || err_set(e, STATUS_USAGE, "a table has no name"));
}

// A namespace's levels are joined by the unit separator, 0x1F.
static void put_tables(struct rest_catalog *c, struct span space)
{
    struct span level;
    const char *before = "/";
    begin_url(c);
    for (; next_level(&space, &level); before = "%1F") {
        buf_str(&c->url, before);
        put_escaped(&c->url, level);
    }
    buf_lit(&c->url, "/tables");
}

static void put_table(struct rest_catalog *c, const struct ice_name *name)
{
    put_tables(c, name->space);
    buf_char(&c->url, '/');
    put_escaped(&c->url, name->table);
}

static void put_levels(struct buf *body, struct span space)
{
    struct span level;
    const char *before = "[";
    for (; next_level(&space, &level); before = ",") {
        buf_str(body, before);
        json_quote(body, level);
    }
    buf_char(body, ']');
}

// ---- the server's settings

// Requests, and what they bear, may move to another server, but not from TLS to none.
static bool take_server(struct rest_catalog *c, struct err *e)
{
    struct buf text;
    char *url = NULL, *login = NULL;
    buf_init(&text, URL_MAX_BYTES);
    bool ok = true;
    if (ice_config_get(buf_view(&c->config), "uri", &text)) {
        ok = http_split_url(buf_cstr(&text), &url, &login) && login == NULL &&
             (strncmp(c->server, "https:", 6) != 0 || strncmp(url, "https:", 6) == 0);
        if (!ok)
            err_set(e, STATUS_DATA, "the server's setting uri cannot be followed: %.200s", buf_cstr(&text));
    }
    if (ok && url != NULL) {
        free(c->server);
        c->server = url, url = NULL;
    }
    free(url);
    http_free_secret(login);
    buf_release(&text);
    return ok;
}

static bool take_config(struct rest_catalog *c, struct err *e)
{
    struct span answer = buf_view(&c->call.answer), part;
    size_t bad_at;
    if (!json_check(answer, &bad_at) || (!json_member(answer, span_of("defaults"), &part) &&
                                         !json_member(answer, span_of("overrides"), &part))) {
        err_set(e, STATUS_USAGE, "%s %s: this is no answer of an Iceberg REST catalog", c->call.method,
                c->call.url);
        return err_hint(e, "its URL is what /v1/config stands behind");
    }
    buf_reset(&c->config);
    buf_span(&c->config, answer);
    c->configured = buf_ok(&c->config, "the server's settings", e) && take_server(c, e) &&
                    ice_config_prefix(buf_view(&c->config), &c->prefix, e);
    return c->configured;
}

// Every operation begins with it: the server is asked once it answers.
static enum ice_outcome configure(struct rest_catalog *c, struct err *e)
{
    if (c->configured)
        return ICE_DONE;
    buf_reset(&c->url);
    buf_printf(&c->url, "%s/v1/config", c->server);
    if (c->options->warehouse != NULL) {
        buf_lit(&c->url, "?warehouse=");
        put_escaped(&c->url, span_of(c->options->warehouse));
    }
    enum ice_outcome outcome = outcome_of(c, ask(c, "GET", (struct span){NULL, 0}, e), e);
    return outcome == ICE_DONE && !take_config(c, e) ? ICE_FAIL : outcome;
}

// ---- tables

// The answer to load, create and commit alike.
static bool take_table(struct rest_catalog *c, struct ice_table *t, struct err *e)
{
    struct span answer = buf_view(&c->call.answer), metadata, file;
    size_t bad_at;
    if (!json_check(answer, &bad_at) || !json_member(answer, span_of("metadata"), &metadata))
        return err_set(e, STATUS_DATA, "%s %s: the answer has no metadata", c->call.method, c->call.url);
    buf_reset(&t->text), buf_reset(&t->file);
    buf_span(&t->text, metadata);
    if (json_member(answer, span_of("metadata-location"), &file) && !json_unquote(file, &t->file))
        return err_set(e, STATUS_DATA, "%s %s: the metadata-location is no text", c->call.method,
                       c->call.url);
    return (buf_ok(&t->text, "the table's metadata", e) && buf_ok(&t->file, "a location", e) &&
            ice_table_read(t, e)) ||
           err_wrap(e, "%s %s", c->call.method, c->call.url);
}

static enum ice_found load(struct ice_catalog *self, const struct ice_name *name, struct ice_table *t,
                           struct err *e)
{
    struct rest_catalog *c = (struct rest_catalog *)self;
    if (!check_name(name, e) || configure(c, e) != ICE_DONE)
        return ICE_FOUND_FAIL;
    put_table(c, name);
    enum ice_outcome outcome = outcome_of(c, ask(c, "GET", (struct span){NULL, 0}, e), e);
    if (says_missing(c))
        return ICE_MISSING;
    return outcome == ICE_DONE && take_table(c, t, e) ? ICE_FOUND : ICE_FOUND_FAIL;
}

// Makes a namespace; where the server wants those above it to be there first, them too.
static enum ice_outcome make_space(struct rest_catalog *c, struct span space, struct err *e)
{
    for (bool again = false;; again = true) {
        begin_url(c);
        buf_reset(&c->body);
        buf_lit(&c->body, "{\"namespace\":");
        put_levels(&c->body, space);
        buf_lit(&c->body, ",\"properties\":{}}");
        enum ice_outcome outcome = outcome_of(c, ask(c, "POST", buf_view(&c->body), e), e);
        if (outcome == ICE_CONFLICT)
            return ICE_DONE;
        size_t above = space.n;
        while (above != 0 && space.p[above - 1] != '.')
            above--;
        if (!says_missing(c) || again || above == 0)
            return outcome;
        outcome = make_space(c, (struct span){space.p, above - 1}, e);
        if (outcome != ICE_DONE)
            return outcome;
    }
}

static enum ice_outcome post_table(struct rest_catalog *c, const struct ice_name *name,
                                   const struct ice_schema *schema, struct span properties, struct err *e)
{
    put_tables(c, name->space);
    buf_reset(&c->body);
    buf_lit(&c->body, "{\"name\":");
    json_quote(&c->body, name->table);
    buf_lit(&c->body, ",\"schema\":");
    ice_schema_write(schema, false, &c->body);
    buf_lit(&c->body, ",\"stage-create\":false,\"properties\":");
    ice_config_properties(buf_view(&c->config), properties, &c->body);
    buf_char(&c->body, '}');
    return outcome_of(c, ask(c, "POST", buf_view(&c->body), e), e);
}

static enum ice_outcome create(struct ice_catalog *self, const struct ice_name *name,
                               const struct ice_schema *schema, struct span properties, struct ice_table *t,
                               struct err *e)
{
    struct rest_catalog *c = (struct rest_catalog *)self;
    if (!check_name(name, e))
        return ICE_FAIL;
    enum ice_outcome outcome = configure(c, e);
    if (outcome == ICE_DONE)
        outcome = post_table(c, name, schema, properties, e);
    if (says_missing(c)) {
        outcome = make_space(c, name->space, e);
        if (outcome == ICE_DONE)
            outcome = post_table(c, name, schema, properties, e);
    }
    return outcome == ICE_DONE && !take_table(c, t, e) ? ICE_UNCERTAIN : outcome;
}

static enum ice_outcome commit(struct ice_catalog *self, const struct ice_name *name, struct ice_table *t,
                               const struct ice_commit *what, struct err *e)
{
    struct rest_catalog *c = (struct rest_catalog *)self;
    enum ice_outcome outcome = check_name(name, e) ? configure(c, e) : ICE_FAIL;
    if (outcome != ICE_DONE)
        return outcome;
    put_table(c, name);
    buf_reset(&c->body);
    buf_lit(&c->body, "{\"identifier\":{\"namespace\":");
    put_levels(&c->body, name->space);
    buf_lit(&c->body, ",\"name\":");
    json_quote(&c->body, name->table);
    buf_lit(&c->body, "},\"requirements\":");
    buf_span(&c->body, what->requirements);
    buf_lit(&c->body, ",\"updates\":");
    buf_span(&c->body, what->updates);
    buf_char(&c->body, '}');
    outcome = outcome_of(c, ask(c, "POST", buf_view(&c->body), e), e);
    // It is committed; what the table is now must be asked again.
    return outcome == ICE_DONE && !take_table(c, t, e) ? ICE_UNCERTAIN : outcome;
}

// ---- listing

// page is checked JSON.
static bool see_page(struct span page, struct span space, ice_catalog_see *see, void *context, struct err *e)
{
    struct span list, quoted;
    struct json_walk w;
    struct buf text;
    buf_init(&text, URL_MAX_BYTES);
    bool ok = json_member(page, span_of("identifiers"), &list);
    if (!ok)
        err_set(e, STATUS_DATA, "a list of tables has no identifiers");
    for (json_walk_begin(&w, list); ok && json_walk_next(&w);) {
        buf_reset(&text);
        ok = json_member(w.value, span_of("name"), &quoted) && json_unquote(quoted, &text) && !text.bad;
        const struct ice_name name = {space, buf_view(&text)};
        ok = ok ? see(context, &name, e) : err_set(e, STATUS_DATA, "a list of tables has one without a name");
    }
    buf_release(&text);
    return ok;
}

// The next page's token replaces the one of this page; empty behind the last.
static bool take_page(struct rest_catalog *c, struct buf *page, struct buf *token, struct err *e)
{
    struct span value;
    size_t bad_at;
    buf_reset(page), buf_reset(token);
    buf_span(page, buf_view(&c->call.answer));
    if (!buf_ok(page, "a list of tables", e))
        return false;
    if (!json_check(buf_view(page), &bad_at))
        return err_set(e, STATUS_DATA, "%s %s: the answer is no JSON", c->call.method, c->call.url);
    if (!json_member(buf_view(page), span_of("next-page-token"), &value) || span_is(value, "null"))
        return true;
    return json_unquote(value, token) ? buf_ok(token, "a page's token", e)
                                      : err_set(e, STATUS_DATA, "a page's token is no text");
}

static enum ice_found next_page(struct rest_catalog *c, struct span space, struct buf *page,
                                struct buf *token, struct err *e)
{
    put_tables(c, space);
    if (token->n != 0) {
        buf_lit(&c->url, "?pageToken=");
        put_escaped(&c->url, buf_view(token));
    }
    enum ice_outcome outcome = outcome_of(c, ask(c, "GET", (struct span){NULL, 0}, e), e);
    if (says_missing(c))
        return ICE_MISSING;
    return outcome == ICE_DONE && take_page(c, page, token, e) ? ICE_FOUND : ICE_FOUND_FAIL;
}

static bool list(struct ice_catalog *self, struct span space, ice_catalog_see *see, void *context,
                 struct err *e)
{
    struct rest_catalog *c = (struct rest_catalog *)self;
    struct buf page, token;
    // see() may ask the catalog, so an answer is kept apart.
    buf_init(&page, BODY_MAX_BYTES), buf_init(&token, URL_MAX_BYTES);
    bool ok = check_space(space, e) && configure(c, e) == ICE_DONE;
    do {
        enum ice_found found = ok ? next_page(c, space, &page, &token, e) : ICE_FOUND_FAIL;
        if (found == ICE_MISSING)
            break;
        ok = found == ICE_FOUND && see_page(buf_view(&page), space, see, context, e);
    } while (ok && token.n != 0);
    buf_release(&page), buf_release(&token);
    return ok;
}

// ---- life

static void close_catalog(struct ice_catalog *self)
{
    struct rest_catalog *c = (struct rest_catalog *)self;
    ice_login_close(&c->login);
    ice_call_close(&c->call);
    buf_release(&c->config), buf_release(&c->prefix);
    buf_release(&c->url), buf_release(&c->body);
    free(c->server);
    free(c);
}

static const struct ice_catalog_ops ops = {
    .load = load,
    .create = create,
    .commit = commit,
    .list = list,
    .close = close_catalog,
};

static bool set_server(struct rest_catalog *c, struct err *e)
{
    char *login;
    if (!http_split_url(c->options->url, &c->server, &login))
        return err_set(e, STATUS_USAGE, "the catalog's URL is none of http:// or https://");
    bool has_login = login != NULL;
    http_free_secret(login);
    if (has_login || strpbrk(c->server, "?#") != NULL) {
        err_set(e, STATUS_USAGE, "the catalog's URL has a login, or more than a path");
        return err_hint(e, "--token-file FILE or --credential-file FILE log in");
    }
    return true;
}

bool ice_catalog_open_rest(const struct ice_rest_options *o, struct ice_catalog **catalog, struct err *e)
{
    struct rest_catalog *c = calloc(1, sizeof *c);
    if (c == NULL)
        return err_no_memory(e);
    c->base.ops = &ops;
    c->options = o;
    buf_init(&c->config, BODY_MAX_BYTES), buf_init(&c->prefix, URL_MAX_BYTES);
    buf_init(&c->url, URL_MAX_BYTES), buf_init(&c->body, BODY_MAX_BYTES);
    bool ok = http_start(e) && set_server(c, e) && ice_login_open(&c->login, &o->login, c->server, e) &&
              ice_call_open(&c->call, &o->tls, o->timeout_ms, e);
    if (ok)
        *catalog = &c->base;
    else
        close_catalog(&c->base);
    return ok;
}
