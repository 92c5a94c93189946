// Whatever a table map and rows events of it have, each row image's values lie within the event, or it is
// refused. The input: length of the table map's body 2, the body; for each rows event its type 1, length of
// its body 2, body.
#include "fuzz.h"

#include "mysql/rows.h"

static bool take(struct cursor *c, struct span *body)
{
    size_t n = (size_t)cursor_le(c, 2);
    if (c->bad)
        return false;
    *body = cursor_bytes(c, n > cursor_left(c) ? cursor_left(c) : n);
    return true;
}

static void read_rows(const struct rows_event *rows, const struct table_map *map, struct value *values)
{
    struct cursor c = cursor_of(rows->data);
    struct err e;
    while (cursor_left(&c) != 0)
        for (int which = 0; which < rows_images(rows); which++) {
            size_t left = cursor_left(&c);
            if (!rows_image(rows, map, which, &c, values, &e))
                return;
            for (size_t i = 0; i < map->n; i++)
                must(values[i].kind != VALUE_BYTES || values[i].bytes.n <= left);
            if (cursor_left(&c) == left)
                return; // a row of no columns
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = {data, data + size, false};
    struct binlog_format f = {0};
    struct binlog_event ev = {.type = BINLOG_TABLE_MAP};
    struct table_map map;
    struct rows_event rows;
    struct err e;
    memset(f.fixed_bytes, 8, sizeof f.fixed_bytes);
    if (!take(&c, &ev.body) || !table_map_read(&map, &f, &ev, &e))
        return 0;
    struct value *values = calloc(map.n + 1, sizeof *values);
    must(values != NULL);
    for (size_t i = 0; i < map.n; i++) {
        struct cursor labels = cursor_of(map.column[i].labels);
        for (uint32_t k = 0; k < map.column[i].n_labels; k++)
            (void)cursor_packed_bytes(&labels);
        must(!labels.bad);
    }
    while (cursor_left(&c) >= 3) {
        ev.type = cursor_u8(&c);
        if (!take(&c, &ev.body) || !rows_read(&rows, &f, &ev, &e))
            break;
        if (!rows.compressed && rows.n == map.n)
            read_rows(&rows, &map, values);
    }
    free(values);
    table_map_release(&map);
    return 0;
}
