// A table or view of MySQL or MariaDB as a dimension.
#ifndef CDC_MYSQL_DIMENSION_H
#define CDC_MYSQL_DIMENSION_H

#include "event/dimension.h"

extern const struct dimension_ops my_dimension_ops;

#endif
