// One request to a catalog's server, and its answer, which is waited for.
#ifndef CDC_ICEBERG_CATALOG_CALL_H
#define CDC_ICEBERG_CATALOG_CALL_H

#include "sink/http.h"

struct ice_call {
    CURL *easy;
    struct buf answer;
    long status;
    const char *method, *url; // of the last request; borrowed
    char why[CURL_ERROR_SIZE];
    // Called while the answer is waited for, at least once a second; false gives it up. NULL: nobody does.
    bool (*tick)(void *context, struct err *e);
    void *context;
    struct err *tick_error;
    bool ticked_off;
};

enum ice_reply {
    ICE_REPLY_GOT,  // status and answer are there
    ICE_REPLY_LOST, // nobody knows whether it was carried out; e says why, STATUS_PEER
    ICE_REPLY_FAIL, // no further try mends it, as a certificate that is not trusted, or tick gave it up
};

bool ice_call_open(struct ice_call *c, const struct http_tls *tls, int64_t timeout_ms,
                   struct err *e) MUST_CHECK;
void ice_call_close(struct ice_call *c);

// authorization: a whole header, or NULL. type: the body's; without a body NULL.
enum ice_reply ice_call_ask(struct ice_call *c, const char *method, const char *url,
                            const char *authorization, const char *type, struct span body, struct err *e);

// The server's own words for a refusal, as they stand in its JSON: Iceberg's {"error":{"type":…,"message":…}}
// or OAuth's {"error":…,"error_description":…}. False where it has none. Pure.
bool ice_call_words(struct span answer, struct span *type, struct span *message);

// Says how the last request was answered; STATUS_PEER where another try may go better. Returns false.
bool ice_call_refused(const struct ice_call *c, struct err *e);
bool ice_call_may_try_again(long status);

#endif
