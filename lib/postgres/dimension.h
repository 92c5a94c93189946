// A table or view of PostgreSQL as a dimension.
#ifndef CDC_POSTGRES_DIMENSION_H
#define CDC_POSTGRES_DIMENSION_H

#include "event/dimension.h"

extern const struct dimension_ops pg_dimension_ops;

#endif
