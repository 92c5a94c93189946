// The preflight: what a run needs of the server, every fault at once, each with what mends it.
#ifndef CDC_POSTGRES_PREFLIGHT_H
#define CDC_POSTGRES_PREFLIGHT_H

#include "postgres/client.h"

struct preflight_needs {
    bool slot;        // one more slot must be free
    bool publication; // one is to be made
    bool failover;    // PostgreSQL 17
};

// Appends one line a fault. Fails only where the server could not be asked.
bool preflight_server(struct pg_client *c, const struct preflight_needs *needs, struct buf *faults,
                      struct err *e) MUST_CHECK;

#endif
