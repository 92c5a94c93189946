// The file catalog: tables made, committed to and found again; of two writers one wins.

#include "event/json.h"
#include "iceberg/catalog_file.h"
#include "iceberg/files.h"
#include "iceberg/metadata.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/cdc-iceberg.XXXXXX";
static struct ice_catalog *catalog;
static const struct ice_name name = {SPAN_LIT("shop.eu"), SPAN_LIT("orders")};
static struct ice_field id = {.id = 1, .required = true, .name = SPAN_LIT("id"), .type = {.kind = ICE_LONG}};
static const struct ice_schema schema = {.fields = &id, .n = 1};

static bool remove_file(void *context, struct span location, int64_t modified_ms, struct err *e)
{
    (void)context, (void)modified_ms, (void)e;
    ice_files_remove(location);
    return true;
}

static int open_catalog(void **state)
{
    struct err e;
    (void)state;
    return mkdtemp(dir) != NULL && ice_catalog_open_file(span_of(dir), &catalog, &e) ? 0 : 1;
}

static int close_catalog(void **state)
{
    static const char *const folders[] = {"/shop/eu/again/metadata",
                                          "/shop/eu/again",
                                          "/shop/eu/orders/metadata",
                                          "/shop/eu/orders",
                                          "/shop/eu",
                                          "/shop",
                                          ""};
    char path[256];
    struct err e;
    (void)state;
    catalog->ops->close(catalog);
    if (!ice_files_walk(span_of(dir), remove_file, NULL, &e))
        return 1;
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%s%s", dir, folders[i]);
        if (rmdir(path) != 0)
            return 1;
    }
    return 0;
}

static enum ice_outcome commit(struct ice_table *t, const char *updates, struct err *e)
{
    const struct ice_commit c = {span_of(updates), span_of("[]")};
    return catalog->ops->commit(catalog, &name, t, &c, e);
}

static bool count_table(void *context, const struct ice_name *found, struct err *e)
{
    (void)e;
    if (span_eq(found->space, name.space) && span_eq(found->table, name.table))
        ++*(int *)context;
    return true;
}

// Its metadata has the same number, but it is another.
static void test_made_anew(void **state)
{
    static const struct ice_name again = {SPAN_LIT("shop.eu"), SPAN_LIT("again")};
    static const char updates[] = "[{\"action\":\"set-properties\",\"updates\":{\"a\":\"1\"}}]";
    const struct ice_commit what = {span_of(updates), span_of("[]")};
    char path[256];
    struct ice_table first, second;
    struct err e;
    (void)state;
    ice_table_init(&first), ice_table_init(&second);
    assert_int_equal(catalog->ops->create(catalog, &again, &schema, span_of("{}"), &first, &e), ICE_DONE);
    snprintf(path, sizeof path, "%s/shop/eu/again/metadata/v1.metadata.json", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(catalog->ops->create(catalog, &again, &schema, span_of("{}"), &second, &e), ICE_DONE);
    assert_int_equal(catalog->ops->commit(catalog, &again, &first, &what, &e), ICE_CONFLICT);
    assert_int_equal(catalog->ops->commit(catalog, &again, &second, &what, &e), ICE_DONE);
    ice_table_release(&first), ice_table_release(&second);
}

static void test_list(void **state)
{
    struct err e;
    int found = 0;
    (void)state;
    assert_true(catalog->ops->list(catalog, span_of("nowhere"), count_table, &found, &e));
    assert_true(catalog->ops->list(catalog, span_of("shop"), count_table, &found, &e));
    assert_int_equal(found, 0);
    assert_true(catalog->ops->list(catalog, span_of("shop.eu"), count_table, &found, &e));
    assert_int_equal(found, 1);
}

static const char set_a[] = "[{\"action\":\"set-properties\",\"updates\":{\"a\":\"1\"}}]";

static void test_create_and_commit(void **state)
{
    struct ice_table t, other;
    struct err e;
    struct buf value;
    (void)state;
    ice_table_init(&t), ice_table_init(&other), buf_init(&value, 64);
    assert_int_equal(catalog->ops->load(catalog, &name, &t, &e), ICE_MISSING);
    assert_int_equal(catalog->ops->create(catalog, &name, &schema, span_of("{\"p\":\"q\"}"), &t, &e),
                     ICE_DONE);
    assert_int_equal(catalog->ops->create(catalog, &name, &schema, span_of("{}"), &other, &e), ICE_CONFLICT);
    assert_int_equal(catalog->ops->load(catalog, &name, &other, &e), ICE_FOUND);
    assert_true(span_eq(t.uuid, other.uuid));
    assert_true(t.snapshot_id == ICE_NO_SNAPSHOT);
    // Both had loaded version 1: the second to commit is told.
    assert_int_equal(commit(&t, set_a, &e), ICE_DONE);
    assert_int_equal(t.version, 2);
    assert_int_equal(commit(&other, set_a, &e), ICE_CONFLICT);
    assert_int_equal(catalog->ops->load(catalog, &name, &other, &e), ICE_FOUND);
    assert_true(ice_table_property(&other, "a", &value) && span_is(buf_view(&value), "1"));
    assert_true(ice_table_property(&other, "p", &value) && span_is(buf_view(&value), "q"));
    buf_release(&value), ice_table_release(&t), ice_table_release(&other);
}

static void replace(const char *file, const char *text)
{
    char path[256];
    struct err e;
    snprintf(path, sizeof path, "%s/shop/eu/orders/metadata/%s", dir, file);
    unlink(path);
    assert_true(text == NULL || ice_files_create(span_of(path), span_of(text), &e));
}

static void test_hint_may_be_wrong(void **state)
{
    static const char *const hints[] = {NULL, "1", "999", "x", ""};
    struct ice_table t;
    struct err e;
    (void)state;
    ice_table_init(&t);
    for (size_t i = 0; i < COUNT_OF(hints); i++) {
        replace("version-hint.text", hints[i]);
        assert_int_equal(catalog->ops->load(catalog, &name, &t, &e), ICE_FOUND);
        assert_int_equal(t.version, 2);
    }
    // A compressed one that Spark wrote is not overlooked, or the table would have two third versions.
    replace("v3.gz.metadata.json", "");
    assert_int_equal(catalog->ops->load(catalog, &name, &t, &e), ICE_FOUND_FAIL);
    assert_int_equal(commit(&t, set_a, &e), ICE_FAIL);
    replace("v3.gz.metadata.json", NULL);
    ice_table_release(&t);
}

#define COMMIT                                                                                               \
    "[{\"action\":\"add-schema\",\"schema\":{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"id\","     \
    "\"required\":true,\"type\":\"long\"},{\"id\":2,\"name\":\"n\",\"required\":false,\"type\":\"int\"}]},"  \
    "\"last-column-id\":2},{\"action\":\"set-current-schema\",\"schema-id\":-1},{\"action\":\"add-"          \
    "snapshot\","                                                                                            \
    "\"snapshot\":{\"snapshot-id\":6000000000000000001,\"sequence-number\":1,\"manifest-list\":\"/m\","      \
    "\"summary\":{\"operation\":\"append\"}}},{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\","       \
    "\"type\":\"branch\",\"snapshot-id\":6000000000000000001},{\"action\":\"set-properties\",\"updates\":"   \
    "{\"cdc.position.x\":\"pg/1/l/5/5/1\",\"write.metadata.previous-versions-max\":\"2\","                   \
    "\"write.metadata.delete-after-commit.enabled\":\"true\"}},{\"action\":\"remove-properties\","           \
    "\"removals\":[\"a\"]}]"

static void test_snapshot(void **state)
{
    struct ice_table t;
    struct err e;
    struct buf value;
    (void)state;
    ice_table_init(&t), buf_init(&value, 64);
    assert_int_equal(catalog->ops->load(catalog, &name, &t, &e), ICE_FOUND);
    assert_int_equal(commit(&t, COMMIT, &e), ICE_DONE);
    assert_true(t.snapshot_id == 6000000000000000001);
    assert_true(span_is(t.manifest_list, "/m"));
    assert_int_equal(t.last_sequence_number, 1);
    assert_int_equal(t.schema->id, 1);
    assert_int_equal(t.schema->n, 2);
    assert_int_equal(t.last_column_id, 2);
    assert_int_equal(t.n_schemas, 2);
    assert_false(ice_table_property(&t, "a", &value));
    assert_true(ice_table_property(&t, "p", &value));
    // The log of metadata files is cut to two, and what fell out of it is gone.
    for (int i = 0; i < 4; i++)
        assert_int_equal(commit(&t, set_a, &e), ICE_DONE);
    struct json_walk w;
    struct span log;
    size_t n = 0;
    assert_true(json_member(buf_view(&t.text), span_of("metadata-log"), &log));
    for (json_walk_begin(&w, log); json_walk_next(&w);)
        n++;
    assert_int_equal(n, 2);
    char path[256];
    snprintf(path, sizeof path, "%s/shop/eu/orders/metadata/v4.metadata.json", dir);
    assert_int_equal(access(path, F_OK), -1);
    replace("version-hint.text", NULL);
    assert_int_equal(catalog->ops->load(catalog, &name, &t, &e), ICE_FOUND);
    assert_int_equal(t.version, 7);
    assert_true(t.snapshot_id == 6000000000000000001);
    buf_release(&value), ice_table_release(&t);
}

// A spec that is added is there to be used, and the default one stays.
static void test_spec(void **state)
{
    struct ice_table t;
    struct err e;
    (void)state;
    ice_table_init(&t);
    assert_int_equal(catalog->ops->load(catalog, &name, &t, &e), ICE_FOUND);
    assert_int_equal(commit(&t,
                            "[{\"action\":\"add-spec\",\"spec\":{\"spec-id\":7,\"fields\":[{\"name\":\"b\","
                            "\"transform\":\"bucket[4]\",\"source-id\":1,\"field-id\":1005}]}}]",
                            &e),
                     ICE_DONE);
    assert_int_equal(t.n_specs, 2);
    assert_non_null(ice_table_spec(&t, 1));
    assert_int_equal(ice_table_spec(&t, 1)->fields[0].field_id, 1005);
    assert_int_equal(t.last_partition_id, 1005);
    assert_int_equal(t.spec->id, 0);
    assert_int_equal(commit(&t, "[{\"action\":\"add-spec\",\"spec\":{\"fields\":[]}}]", &e), ICE_DONE);
    assert_int_equal(ice_table_spec(&t, 2)->n, 0);
    assert_int_equal(t.last_partition_id, 1005);
    ice_table_release(&t);
}

static void test_updates_that_are_none(void **state)
{
    static const char *const none[] = {
        "7",
        "[{}]",
        "[{\"action\":\"drop\"}]",
        "[{\"action\":\"add-snapshot\"}]",
        "[{\"action\":\"add-spec\"}]",
        "[{\"action\":\"add-spec\",\"spec\":{\"fields\":[{}]}}]",
        "[{\"action\":\"set-current-schema\",\"schema-id\":-1}]",
        "[{\"action\":\"set-snapshot-ref\",\"ref-name\":\"tag\",\"snapshot-id\":1}]"};
    struct ice_table t;
    struct err e;
    (void)state;
    ice_table_init(&t);
    assert_int_equal(catalog->ops->load(catalog, &name, &t, &e), ICE_FOUND);
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(commit(&t, none[i], &e), ICE_FAIL);
    ice_table_release(&t);
}

static void test_names_stay_in_the_folder(void **state)
{
    static const struct ice_name bad[] = {{SPAN_LIT("a"), SPAN_LIT("..")}, {SPAN_LIT("a..b"), SPAN_LIT("t")},
                                          {SPAN_LIT("a."), SPAN_LIT("t")}, {SPAN_LIT("a/b"), SPAN_LIT("t")},
                                          {SPAN_LIT("a"), SPAN_LIT("")},   {SPAN_LIT("a"), SPAN_LIT("b/c")}};
    struct ice_table t;
    struct err e;
    (void)state;
    ice_table_init(&t);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(catalog->ops->load(catalog, &bad[i], &t, &e), ICE_FOUND_FAIL);
        assert_int_equal(e.status, STATUS_USAGE);
    }
    ice_table_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_and_commit),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_made_anew),
        cmocka_unit_test(test_hint_may_be_wrong),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_updates_that_are_none),
        cmocka_unit_test(test_spec),
        cmocka_unit_test(test_names_stay_in_the_folder),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
