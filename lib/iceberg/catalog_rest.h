// Tables of a server that speaks Iceberg's REST protocol.
//
// What becomes of a commit: 409 is ICE_CONFLICT; 5xx, 429 and a lost answer are ICE_UNCERTAIN, for the server
// may have carried it out; any other refusal is ICE_FAIL. After both of the first the table must be loaded
// and looked into: a request that was carried out can be answered 409 when it is sent again on its way.
#ifndef CDC_ICEBERG_CATALOG_REST_H
#define CDC_ICEBERG_CATALOG_REST_H

#include "iceberg/catalog.h"
#include "iceberg/catalog_oauth.h"

struct ice_rest_options {
    const char *url;       // what /v1/config stands behind
    const char *warehouse; // NULL: the server's own
    struct ice_login_options login;
    struct http_tls tls;
    int64_t timeout_ms; // how long an answer may take
};

// Reads the secrets; the server is asked by the first operation. o must stay. *c is freed by its close.
bool ice_catalog_open_rest(const struct ice_rest_options *o, struct ice_catalog **c,
                           struct err *e) MUST_CHECK;

#endif
