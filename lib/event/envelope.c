#include "event/envelope.h"

#include "event/json.h"
#include "event/value.h"

static bool text_member(struct span object, struct span name, struct arena *arena, struct span *text)
{
    struct span json;
    struct value v;
    if (!json_member(object, name, &json) || !value_of(json, arena, &v) || v.kind != VALUE_STRING)
        return false;
    *text = v.text;
    return true;
}

bool envelope_table(struct span line, struct arena *arena, struct span *schema, struct span *table)
{
    static const struct span names[] = {SPAN_LIT("source"), SPAN_LIT("schema"), SPAN_LIT("db"),
                                        SPAN_LIT("table")};
    struct span source;
    return json_member(line, names[0], &source) && text_member(source, names[3], arena, table) &&
           (text_member(source, names[1], arena, schema) || text_member(source, names[2], arena, schema));
}
