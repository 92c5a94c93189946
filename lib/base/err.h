// Errors and exit statuses.
//
// A function that can fail returns false and fills a struct err: err_set() at the origin, err_wrap() on the
// way up to say where. The status given at the origin is what the command exits with, so one enum serves as
// kind of error and exit status; cdc(7) explains each to the user.
#ifndef CDC_BASE_ERR_H
#define CDC_BASE_ERR_H

#include <stdbool.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))

enum status {
    STATUS_DONE = 0,
    STATUS_REJECTED = 1, // done, but lines went to the reject file
    STATUS_USAGE = 2,    // usage or configuration
    STATUS_DATA = 3,     // bad data
    STATUS_PEER = 4,     // peer or downstream gone; safe to restart
    STATUS_LOST = 5,     // position lost; a new snapshot is needed
    STATUS_IO = 6,       // local I/O, memory
    STATUS_FENCED = 7,   // another instance took over
};

// The graver of two exit statuses, of this process and of one before it in the pipeline: those that a restart
// does not mend (2, 3, 5, 7) before the others, among equals the higher number.
int status_worst(int a, int b);

struct err {
    enum status status;
    char text[1536];
    char hint[1024]; // the way out, or ""
};

// Each returns false, so that an origin reads `return err_set(e, STATUS_DATA, "…")`.
bool err_set(struct err *e, enum status status, const char *fmt, ...) PRINTF_LIKE(3, 4);
// As err_set, with ": " and errno's text behind.
bool err_errno(struct err *e, enum status status, const char *fmt, ...) PRINTF_LIKE(3, 4);
// Puts "context: " in front of the text.
bool err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Says the way out; the last one said stands.
bool err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

bool err_no_memory(struct err *e);

#endif
