// Documents that are made of a row and of what was there before it. Pure.
#ifndef CDC_SINK_ES_DOCUMENT_H
#define CDC_SINK_ES_DOCUMENT_H

#include "sink/gaps.h"

// Appends the row, or with envelope the whole value, with its unavailable values from base, a document of the
// same kind, or empty. Answers how many had to be left out.
size_t es_document_fill(const struct gaps *g, bool envelope, struct span row, struct span base,
                        struct buf *out);

// Appends the document with the member `field` true, and without the one it may have had.
void es_document_mark(struct span document, const char *field, struct buf *out);

#endif
