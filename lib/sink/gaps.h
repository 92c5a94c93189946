// Values that the log did not have: an unchanged TOAST value of PostgreSQL comes as Debezium's placeholder,
// in a form that goes by the column's type. No sink ever writes one. Pure.
#ifndef CDC_SINK_GAPS_H
#define CDC_SINK_GAPS_H

#include "base/buf.h"

#define GAPS_FORMS 8
#define GAPS_NEEDLES 4

struct gaps {
    struct buf text;                   // what the spans are of
    struct span forms[GAPS_FORMS];     // a member's whole value, as JSON
    struct span needles[GAPS_NEEDLES]; // one of them is in every form
};

bool gaps_init(struct gaps *g, const char *placeholder, struct err *e) MUST_CHECK;
void gaps_release(struct gaps *g);

// Whether a member of the row is a placeholder.
bool gaps_has(const struct gaps *g, struct span row);

// Appends the row with its placeholders replaced by base's members of that name; base may be empty. Where it
// has none the member is left out. Answers how many are.
size_t gaps_fill(const struct gaps *g, struct span row, struct span base, struct buf *out);

#endif
