// Whatever a statement is, its names are found within bounds, or it is none of a table's. The input: length
// of the session's database 1, its name, the statement.
#include "fuzz.h"

#include "mysql/ddl.h"
#include "mysql/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ddl d;
    struct err e;
    size_t n = size != 0 ? data[0] : 0;
    if (size == 0 || n + 1 > size)
        return 0;
    struct span db = {(const char *)data + 1, n}, sql = {(const char *)data + 1 + n, size - n - 1};
    (void)statement_kind(sql);
    if (ddl_read(&d, sql, db, &e)) {
        must(d.n != 0);
        for (size_t i = 0; i < d.n; i++) {
            const struct ddl_change *c = &d.change[i];
            struct span all[] = {c->db, c->table, c->old_db, c->old_table, c->sql, c->tables};
            for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
                must(all[k].n == 0 || (all[k].p >= d.text.p && all[k].p + all[k].n <= d.text.p + d.text.n));
            must(c->kind < DDL_DATABASE || c->table.n == 0);
        }
    }
    ddl_release(&d);
    return 0;
}
