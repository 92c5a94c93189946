// How a REST catalog's client logs in: with a bearer token that it was given, or with one that it fetches by
// its client credentials (OAuth2, RFC 6749 section 4.4), and again before that one expires.
//
// No secret is in a message.
#ifndef CDC_ICEBERG_CATALOG_OAUTH_H
#define CDC_ICEBERG_CATALOG_OAUTH_H

#include "iceberg/catalog_call.h"

// A file that is NULL: the variable ICEBERG_TOKEN or ICEBERG_CREDENTIAL, if it is there.
struct ice_login_options {
    const char *token_file;
    const char *credential_file; // ID:SECRET
    const char *url;             // where tokens are fetched; NULL: below the catalog
    const char *scope;           // NULL: catalog
};

struct ice_login {
    const struct ice_login_options *options;
    char *credential;
    char *token; // the whole header; NULL: none yet, or none needed
    char *url;
    int64_t due_ms; // from when on a fetched token is not used any more, by the monotonic clock
};

// catalog: its URL.
bool ice_login_open(struct ice_login *l, const struct ice_login_options *o, const char *catalog,
                    struct err *e) MUST_CHECK;
void ice_login_close(struct ice_login *l);

// Sees to it that l->token holds. GOT also where none is needed.
enum ice_reply ice_login_get(struct ice_login *l, struct ice_call *c, struct err *e);

// The server refuses the token: whether there is another, which the next ice_login_get() gives.
bool ice_login_renew(struct ice_login *l);

// A token's answer: the header made of it, for http_free_secret(), and how long it holds. Pure.
bool ice_login_read(struct span answer, char **header, int64_t *lasts_ms, struct err *e) MUST_CHECK;

#endif
