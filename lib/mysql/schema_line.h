// A statement of the log as a schema-change record, with the table as the server's catalog has it now.
#ifndef CDC_MYSQL_SCHEMA_LINE_H
#define CDC_MYSQL_SCHEMA_LINE_H

#include "mysql/reader.h"
#include "mysql/session.h"

// *written: false where the command line does not want it. described: whether the topic's schema was written.
bool my_schema_line(struct my_session *s, const struct tail_options *o, const struct capture *capture,
                    const struct my_ddl *ddl, const struct my_envelope *v, bool *described, struct buf *out,
                    bool *written, struct err *e) MUST_CHECK;

// Whether the command line wants the record.
bool my_schema_is_wanted(const struct tail_options *o, const struct capture *capture, enum ddl_kind kind,
                         struct span db, struct span table);

#endif
