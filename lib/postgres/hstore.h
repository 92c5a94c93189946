// hstore, as the server prints it: "a"=>"1", "b c"=>NULL.
#ifndef CDC_POSTGRES_HSTORE_H
#define CDC_POSTGRES_HSTORE_H

#include "base/buf.h"

// Appends a string that holds a JSON object, or the object itself; its members in the order of java_map.h.
// False where text is not of the form.
bool hstore_write(struct span text, bool as_map, struct buf *out) MUST_CHECK;

#endif
