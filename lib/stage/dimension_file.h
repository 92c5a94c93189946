// A file as a dimension: csv:FILE, whose first line names the columns and whose values are texts, an empty
// one without quotes null; or ndjson:FILE, an object a line. It is read whole, and again when it was changed.
#ifndef CDC_STAGE_DIMENSION_FILE_H
#define CDC_STAGE_DIMENSION_FILE_H

#include "event/dimension.h"

extern const struct dimension_ops file_dimension_ops;

// A key's texts as one: none of them may hold a NUL.
void dimension_join(struct buf *b, const struct span *texts, size_t n);

#endif
