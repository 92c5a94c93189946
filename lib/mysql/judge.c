#include "mysql/judge.h"

#include "mysql/row_key.h"

bool my_judge_load(struct my_judge *j, struct record *r, bool exact, struct err *e)
{
    j->deferring = 0;
    j->last = 0;
    return tree_load(&j->tree, r, exact, e);
}

void my_judge_release(struct my_judge *j)
{
    tree_release(&j->tree);
    *j = (struct my_judge){0};
}

// The table's index where the judge has a say.
static bool concerns(struct my_judge *j, uint64_t place, struct span name)
{
    const struct record *r = j->tree.record;
    if (!my_judge_is_asked(j, place) || r == NULL)
        return false;
    if (j->last >= r->tables || !span_is(name, r->table[j->last].name))
        j->last = record_find_name(r, name);
    return j->last < r->tables;
}

static bool is_deferred(const struct my_judge *j)
{
    return j->deferring != 0 && j->tree.record->table[j->last].epoch == j->deferring;
}

static bool is_cut(const struct my_judge *j, uint64_t place)
{
    return tree_is_cut(&j->tree, j->last, (uint64_t[]){place, 0});
}

// The key by its columns' names, as the record has them.
static bool take_key(const struct my_relation *r, const struct value *image, const struct value *fallback,
                     const struct key *names, enum key_kind *kinds, struct key *k, struct buf *text,
                     struct err *e)
{
    size_t end[KEY_MAX_COLUMNS];
    k->n = names->n;
    for (size_t i = 0; i < names->n; i++) {
        size_t at = 0;
        while (at < r->map.n && !span_eq(r->map.column[at].name, names->at[i]))
            at++;
        if (at == r->map.n || my_key_kind(&r->map.column[at]) == KEY_NONE) {
            err_set(e, STATUS_LOST,
                    "the key that its snapshot was read by is not there any more: column %.*s",
                    SPAN_ARG(names->at[i]));
            return err_hint(e, "take a new snapshot, with a new offset folder");
        }
        const struct value *v =
            image[at].kind == VALUE_ABSENT && fallback != NULL ? &fallback[at] : &image[at];
        kinds[i] = my_key_kind(&r->map.column[at]);
        if (!my_key_text(&r->map.column[at], v, text, e))
            return false;
        end[i] = text->n;
    }
    for (size_t i = 0, from = 0; i < k->n; from = end[i++])
        k->at[i] = (struct span){text->n == 0 ? "" : text->p + from, end[i] - from};
    return true;
}

// The range of the table's ranges [first, end) that the row's key lies in.
static bool find_range(const struct my_judge *j, const struct my_relation *r, const struct value *image,
                       const struct value *fallback, size_t first, size_t end, size_t *at, struct err *e)
{
    enum key_kind kinds[KEY_MAX_COLUMNS];
    struct key names, k;
    struct buf name_text, text;
    *at = first;
    if (end - first == 1)
        return true;
    buf_init(&name_text, 1u << 20);
    buf_init(&text, 1u << 20);
    bool ok = key_read(span_of(j->tree.range[end - 1].range->columns), &name_text, &names) ||
              err_set(e, STATUS_DATA, "the snapshot's record is malformed");
    ok = ok && take_key(r, image, fallback, &names, kinds, &k, &text, e) &&
         tree_find(&j->tree, kinds, &k, first, end, at, e);
    buf_release(&name_text);
    buf_release(&text);
    return ok || err_wrap(e, "table %.*s", SPAN_ARG(r->name));
}

bool my_judge_row(struct my_judge *j, uint64_t place, const struct my_relation *r, const struct value *image,
                  const struct value *fallback, bool *seen, struct err *e)
{
    size_t end, at;
    *seen = false;
    if (!concerns(j, place, r->name))
        return true;
    *seen = is_deferred(j);
    size_t first = tree_of_table(&j->tree, j->last, &end);
    if (*seen || first == end || is_cut(j, place))
        return true;
    if (!find_range(j, r, image, fallback, first, end, &at, e))
        return false;
    *seen = place < j->tree.range[at].past;
    return true;
}

void my_judge_truncate(struct my_judge *j, uint64_t place, struct span table, bool *seen)
{
    size_t end;
    *seen = false;
    if (!concerns(j, place, table))
        return;
    *seen = is_deferred(j);
    size_t first = tree_of_table(&j->tree, j->last, &end);
    if (*seen || first == end || is_cut(j, place))
        return;
    *seen = true;
    for (size_t i = first; i < end; i++)
        *seen = *seen && place < j->tree.range[i].past;
}

bool my_judge_cut(struct my_judge *j, uint64_t place, struct span table)
{
    size_t end;
    return concerns(j, place, table) && tree_of_table(&j->tree, j->last, &end) != end &&
           tree_cut(&j->tree, j->last, (uint64_t[]){place, 0});
}
