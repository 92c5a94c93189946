// Points, as the server prints them, and what PostGIS prints.
#ifndef CDC_POSTGRES_GEOMETRY_H
#define CDC_POSTGRES_GEOMETRY_H

#include "base/buf.h"

// Each appends the value and is false where text is not of its form.

// (1,2): an object with x, y, their well-known binary, and srid null.
bool point_write(struct span text, struct buf *out) MUST_CHECK;

// Hexadecimal EWKB (PostGIS' extended well-known binary): its bytes, and the SRID that is within or null.
bool geometry_write(struct span text, struct buf *out) MUST_CHECK;

#endif
