// Debezium's rules for the values of single columns: cut, masked, hashed; and the columns of a message's key.
//
// Rules are for text (cutting for bytes too). Of several that match a column the first counts, in this order:
// truncate, mask, hash, hash v2, each in the command line's order.
#ifndef CDC_EVENT_COLUMN_RULE_H
#define CDC_EVENT_COLUMN_RULE_H

#include "base/buf.h"
#include "event/pattern.h"
#include "event/shape.h"

enum column_rule_kind { RULE_TRUNCATE, RULE_MASK, RULE_HASH };

struct column_rule {
    enum column_rule_kind kind;
    size_t n;            // truncate, mask: how many characters
    void *digest, *work; // hash
    bool serialised;     // hash: of the string as Java serialises it
    struct span salt;
    struct pattern_list columns;
};

// The rules of one run, and the columns of keys.
struct column_rules {
    struct column_rule *at;
    size_t n;
    struct pattern_list *key; // one a column that is named: schema.table.column
    size_t n_key;
};

// STATUS_USAGE names the option. To be released after a failure too.
bool column_rules_compile(struct column_rules *r, const struct shape_options *o, struct err *e) MUST_CHECK;
void column_rules_release(struct column_rules *r);

// column: schema.table.column, or db.table.column. NULL: no rule matches.
const struct column_rule *column_rules_find(const struct column_rules *r, struct span column);

// Appends text, UTF-8, as the rule has it, as a JSON string. max_chars: a hash is cut to the column's length;
// 0: it has none. False where the hash fails.
bool column_rule_write(const struct column_rule *rule, struct span text, size_t max_chars,
                       struct buf *out) MUST_CHECK;

// The text's first n UTF-16 units. A character beyond U+FFFF, which is two of them, is never cut in half.
struct span text_cut(struct span text, size_t n);

#endif
