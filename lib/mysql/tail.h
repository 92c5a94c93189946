// cdc-tail's source for mysql:// and mariadb:// URLs.
#ifndef CDC_MYSQL_TAIL_H
#define CDC_MYSQL_TAIL_H

#include "event/tail.h"

extern const struct source_ops my_source_ops;

#endif
