// pgvector's values, as the server prints them.
#ifndef CDC_POSTGRES_VECTOR_H
#define CDC_POSTGRES_VECTOR_H

#include "base/buf.h"

// Each appends the value and is false where text is not of its form.

// [1,2.5]: an array. single: of float4.
bool vector_write(struct span text, bool single, struct buf *out) MUST_CHECK;

// {1:1.5,3:2}/5: the dimensions, and an array of pairs, which is how Connect writes a map with keys that are
// no strings.
bool sparse_vector_write(struct span text, struct buf *out) MUST_CHECK;

#endif
