// Values that the log did not have: an unchanged TOAST value of PostgreSQL comes as Debezium's placeholder,
// in a form that goes by the column's type. A document must never hold one. Pure.
#ifndef CDC_SINK_ES_GAPS_H
#define CDC_SINK_ES_GAPS_H

#include "base/buf.h"

#define ES_GAPS_FORMS 8
#define ES_GAPS_NEEDLES 4

struct es_gaps {
    struct buf text;                      // what the spans are of
    struct span forms[ES_GAPS_FORMS];     // a member's whole value, as JSON
    struct span needles[ES_GAPS_NEEDLES]; // one of them is in every form
};

bool es_gaps_init(struct es_gaps *g, const char *placeholder, struct err *e) MUST_CHECK;
void es_gaps_release(struct es_gaps *g);

// Whether a member of the row is a placeholder.
bool es_gaps_has(const struct es_gaps *g, struct span row);

// Appends the row with its placeholders replaced by base's members of that name; base may be empty. Where it
// has none the member is left out. Answers how many are.
size_t es_gaps_fill(const struct es_gaps *g, struct span row, struct span base, struct buf *out);

#endif
