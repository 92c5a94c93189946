// The client of REST catalogs by hand: does what the lines on standard input say, and says what came of it.
//
//   load NAMESPACE TABLE                  found UUID SNAPSHOT COLUMNS PROPERTIES | missing | failed …
//   create NAMESPACE TABLE PROPERTIES     done UUID … | conflict … | uncertain … | failed …
//   append NAMESPACE TABLE ID [PARENT]    a snapshot without files on the one that was loaded, or on PARENT
//   shows ID                              yes | no: whether the table, as it was last got, has that snapshot
//   list NAMESPACE                        a line each table, then listed

#include "base/clock.h"
#include "iceberg/catalog_rest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct ice_field id = {.id = 1, .required = true, .name = SPAN_LIT("id"), .type = {.kind = ICE_LONG}};
static const struct ice_schema schema = {.fields = &id, .n = 1};
static struct ice_table table;

static void print_table(const char *word)
{
    printf("%s %.*s %lld %zu %.*s\n", word, SPAN_ARG(table.uuid), (long long)table.snapshot_id,
           table.schema->n, SPAN_ARG(table.properties));
}

static void print_error(const char *word, const struct err *e)
{
    printf("%s %d %s%s%s\n", word, e->status, e->text, e->hint[0] != '\0' ? " | " : "", e->hint);
}

static void print_outcome(enum ice_outcome outcome, const struct err *e)
{
    switch (outcome) {
    case ICE_DONE:
        print_table("done");
        break;
    case ICE_CONFLICT:
        print_error("conflict", e);
        break;
    case ICE_UNCERTAIN:
        print_error("uncertain", e);
        break;
    case ICE_FAIL:
        print_error("failed", e);
        break;
    }
}

static void load(struct ice_catalog *c, const struct ice_name *name)
{
    struct err e;
    switch (c->ops->load(c, name, &table, &e)) {
    case ICE_FOUND:
        print_table("found");
        break;
    case ICE_MISSING:
        printf("missing\n");
        break;
    case ICE_FOUND_FAIL:
        print_error("failed", &e);
        break;
    }
}

static void append(struct ice_catalog *c, const struct ice_name *name, const char *snapshot,
                   const char *parent)
{
    char updates[1024], requirements[256], loaded[32] = "null";
    struct err e;
    if (table.snapshot_id != ICE_NO_SNAPSHOT)
        snprintf(loaded, sizeof loaded, "%lld", (long long)table.snapshot_id);
    snprintf(updates, sizeof updates,
             "[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%s,\"sequence-number\":%lld,"
             "\"timestamp-ms\":%lld,\"manifest-list\":\"file:/none/"
             "%s.avro\",\"summary\":{\"operation\":\"append\"},"
             "\"schema-id\":0}},{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\","
             "\"snapshot-id\":%s}]",
             snapshot, (long long)table.last_sequence_number + 1, (long long)(clock_wall_ns() / 1000000),
             snapshot, snapshot);
    snprintf(requirements, sizeof requirements,
             "[{\"type\":\"assert-table-uuid\",\"uuid\":\"%.*s\"},{\"type\":\"assert-ref-snapshot-id\","
             "\"ref\":\"main\","
             "\"snapshot-id\":%s}]",
             SPAN_ARG(table.uuid), parent != NULL ? parent : loaded);
    const struct ice_commit commit = {span_of(updates), span_of(requirements)};
    print_outcome(c->ops->commit(c, name, &table, &commit, &e), &e);
}

static bool print_name(void *context, const struct ice_name *name, struct err *e)
{
    (void)context, (void)e;
    printf("%.*s\n", SPAN_ARG(name->table));
    return true;
}

static void obey(struct ice_catalog *c, char *line)
{
    struct err e;
    struct span snapshot;
    char *rest, *verb = strtok_r(line, " \n", &rest), *word[4] = {0};
    for (int i = 0; verb != NULL && i < 4; i++)
        word[i] = strtok_r(NULL, " \n", &rest);
    if (verb == NULL || word[0] == NULL)
        return;
    const struct ice_name name = {span_of(word[0]), span_of(word[1] != NULL ? word[1] : "")};
    if (strcmp(verb, "load") == 0)
        load(c, &name);
    else if (strcmp(verb, "create") == 0)
        print_outcome(c->ops->create(c, &name, &schema, span_of(word[2]), &table, &e), &e);
    else if (strcmp(verb, "append") == 0)
        append(c, &name, word[2], word[3]);
    else if (strcmp(verb, "shows") == 0)
        printf("%s\n", ice_table_snapshot(&table, strtoll(word[0], NULL, 10), &snapshot) ? "yes" : "no");
    else if (c->ops->list(c, name.space, print_name, NULL, &e))
        printf("listed\n");
    else
        print_error("failed", &e);
}

// iceberg_rest [-w WAREHOUSE] [-t TOKEN-FILE] [-c CREDENTIAL-FILE] [-o OAUTH-URL] [-a AUTHORITIES] [-m
// TIMEOUT_MS] URL
int main(int argc, char **argv)
{
    struct ice_rest_options o = {.timeout_ms = 60000};
    struct ice_catalog *c;
    struct err e;
    char line[4096];
    for (int opt; (opt = getopt(argc, argv, "w:t:c:o:a:m:")) != -1;) {
        const char **texts[] = {&o.warehouse, &o.login.token_file, &o.login.credential_file, &o.login.url,
                                &o.tls.ca_file};
        static const char letters[] = "wtcoa";
        const char *at = strchr(letters, opt);
        if (at != NULL)
            *texts[at - letters] = optarg;
        else if (opt == 'm')
            o.timeout_ms = atol(optarg);
    }
    o.url = argv[optind];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!ice_catalog_open_rest(&o, &c, &e)) {
        print_error("failed", &e);
        return (int)e.status;
    }
    ice_table_init(&table);
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(c, line);
    ice_table_release(&table);
    c->ops->close(c);
    return 0;
}
