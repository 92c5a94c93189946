// cdc-tail's source for postgres:// URLs.
#ifndef CDC_POSTGRES_TAIL_H
#define CDC_POSTGRES_TAIL_H

#include "event/tail.h"

extern const struct source_ops pg_source_ops;

#endif
