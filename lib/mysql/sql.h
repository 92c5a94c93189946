// Words and names of an SQL statement, as MySQL and MariaDB write them.
//
// Each takes from the front of the span; nothing is read behind its end, whatever the text is.
#ifndef CDC_MYSQL_SQL_H
#define CDC_MYSQL_SQL_H

#include "base/buf.h"

// White space and comments. What stands in /*! … */ and, in MariaDB, /*M! … */ is no comment.
void sql_skip_space(struct span *s);

// The next word, behind white space: letters, digits, _ and $; empty where there is none.
struct span sql_take_word(struct span *s);

// Takes the word, whatever its case, if it comes next; and the words, all or none.
bool sql_take(struct span *s, const char *word);
bool sql_take_words(struct span *s, const char *const *words); // NULL at the end

bool sql_is(struct span word, const char *what);
bool sql_is_one_of(struct span word, const char *const *words); // NULL at the end

// Appends a name without its quotes: as it stands, or within `…` or "…" in which the quote is doubled.
bool sql_take_name(struct span *s, struct buf *out) MUST_CHECK;

// Appends db.table, or table and default_db.
bool sql_take_table(struct span *s, struct span default_db, struct buf *db, struct buf *table) MUST_CHECK;

// Steps over what comes next: a word, a quoted text, or one character; and over all up to the parenthesis
// that closes the one that has been taken.
void sql_skip(struct span *s);
void sql_skip_parenthesis(struct span *s);

// Behind MariaDB's SET STATEMENT … FOR, if it begins so.
void sql_skip_settings(struct span *s);

// Appends a name as an SQL identifier.
void my_quote_name(struct span name, struct buf *out);

#endif
