// A file as a dimension: csv:FILE, whose first line names the columns and whose values are texts, an empty
// one without quotes null; or ndjson:FILE, an object a line. It is read whole, and again when it was changed:
// at once where another file has its name now, else when nobody has written to it for a while, for then it
// may be whole. A file that is gone or broken leaves what was read before, and that is told.
#ifndef CDC_STAGE_DIMENSION_FILE_H
#define CDC_STAGE_DIMENSION_FILE_H

#include "event/dimension.h"

extern const struct dimension_ops file_dimension_ops;

// A key's texts as one: none of them may hold a NUL.
void dimension_join(struct buf *b, const struct span *texts, size_t n);

#endif
