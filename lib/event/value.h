// A JSON value without a tree: a scalar as what it says, a container as the bytes it is.
#ifndef CDC_EVENT_VALUE_H
#define CDC_EVENT_VALUE_H

#include "base/arena.h"
#include "base/buf.h"

// In jq's order of types.
enum value_kind {
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT,
};

struct value {
    enum value_kind kind;
    double number;
    // A string's bytes, without quotes and escapes; a number, array or object as it stands in JSON, empty for
    // a number that was computed.
    struct span text;
};

// A JSON value's bytes as a value; a string with escapes gets memory of the arena. False where the bytes are
// no such value or there is no memory. Containers are not looked into.
bool value_of(struct span json, struct arena *arena, struct value *v) MUST_CHECK;

// jq's truth: neither false nor null.
static inline bool value_is_true(const struct value *v)
{
    return v->kind != VALUE_NULL && v->kind != VALUE_FALSE;
}

#endif
