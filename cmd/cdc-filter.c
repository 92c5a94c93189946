// cdc-filter: the lines that match, untouched; or what a jq expression makes of them.

#include "base/cmd.h"
#include "base/io.h"
#include "base/log.h"
#include "event/json.h"
#include "stage/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A program for jq that somebody wrote.
#define EXPRESSION_MAX_BYTES (1u << 20)

// Between the two words of an option, joined: nothing that a person types.
#define BETWEEN "\x1f"

static bool explain, quiet;
static const char *file, *on_error;
static struct opt_list args, json_args;

static const char *deletes;

static struct filter_options f = {.rewrite = REWRITE_DEFAULTS};
static struct stage_options o = {STAGE_DEFAULTS, .warn = log_warn};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Which lines stay"},
    {OPT_STRING, "op", NULL, 'o', &f.operations, "LIST", "operations, of c,u,d,r,t,m"},
    {OPT_LIST, "table", "table-include-list", 't', &f.table, "REGEX", "tables, as schema.table"},
    {OPT_LIST, "exclude-table", "table-exclude-list", 'T', &f.exclude_table, "REGEX", "all tables but these"},
    {OPT_LIST, "changed", NULL, 'c', &f.changed, "COLUMN,…", "no updates that left all of these alone"},
    {OPT_STRING, "file", NULL, 'f', &file, "FILE", "the expression is in this file"},
    {OPT_HEADING, .help = "What becomes of them"},
    {OPT_LIST, "drop-column", NULL, 0, &f.rewrite.drop, "REGEX", "leave out columns, as schema.table.column"},
    {OPT_LIST, "mask-column", NULL, 0, &f.rewrite.mask, "REGEX[=N]",
     "texts become N asterisks, default 8, other values null"},
    {OPT_STRING, "map", NULL, 'm', &f.map, "EXPRESSION", "each line is what this jq expression gives"},
    {OPT_HEADING, .help = "The row alone, as Debezium's ExtractNewRecordState makes it"},
    {OPT_BOOL, "unwrap", NULL, 0, &f.rewrite.unwrap.on, NULL, "the row alone, without Debezium's envelope"},
    {OPT_STRING, "delete-tombstone-handling-mode", NULL, 0, &deletes, "MODE",
     "deletes: tombstone (default), drop, rewrite, rewrite-with-tombstone, delete-to-tombstone"},
    {OPT_STRING, "add-fields", NULL, 0, &f.rewrite.unwrap.add_fields, "NAME,…",
     "of the envelope beside the row: op, table, source.ts_ms:when"},
    {OPT_STRING, "add-fields-prefix", NULL, 0, &f.rewrite.unwrap.add_fields_prefix, "TEXT",
     "before their names; default __"},
    {OPT_STRING, "add-headers", NULL, 0, &f.rewrite.unwrap.add_headers, "NAME,…",
     "the same as the record's headers"},
    {OPT_STRING, "add-headers-prefix", NULL, 0, &f.rewrite.unwrap.add_headers_prefix, "TEXT",
     "before their names; default __"},
    {OPT_STRING, "route-by-field", NULL, 0, &f.rewrite.unwrap.route_by_field, "COLUMN",
     "the topic is what the row has there"},
    {OPT_HEADING, .help = "jq"},
    {OPT_LIST, "arg", NULL, 0, &args, "NAME VALUE", "$NAME is this string"},
    {OPT_LIST, "argjson", NULL, 0, &json_args, "NAME JSON", "$NAME is this value"},
    {OPT_COUNT, "jobs", NULL, 'j', &f.jobs, "N", "threads for libjq; default the processors"},
    {OPT_BOOL, "explain", NULL, 0, &explain, NULL, "say what runs natively and what in libjq, and end"},
    STAGE_OPTIONS(o),
    {OPT_STRING, "on-error", NULL, 0, &on_error, "WHAT",
     "keep or drop lines on which an expression fails; default: bad data"},
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-filter",
    .usage = "cdc-filter [OPTION]... [EXPRESSION]",
    .about = "Hands on the lines that match, as they are; EXPRESSION is jq's.",
    .options = options,
    .max_operands = 1,
};

static bool take_on_error(struct err *e)
{
    static const char *const names[] = {"keep", "drop"};
    int choice;
    if (on_error == NULL)
        return true;
    if (!opt_choice("on-error", on_error, names, 2, &choice, e))
        return false;
    f.on_error = choice == 0 ? ON_ERROR_KEEP : ON_ERROR_DROP;
    return true;
}

static bool take_deletes(struct err *e)
{
    static const char option[] = "delete-tombstone-handling-mode";
    static const char *const names[] = {"tombstone", "drop", "rewrite", "rewrite-with-tombstone",
                                        "delete-to-tombstone"};
    static const enum unwrap_deletes modes[] = {UNWRAP_TOMBSTONE, UNWRAP_DROP, UNWRAP_REWRITE,
                                                UNWRAP_REWRITE_WITH_TOMBSTONE, UNWRAP_TOMBSTONE};
    int choice = 0;
    if (deletes != NULL && !opt_choice(option, deletes, names, 5, &choice, e))
        return false;
    f.rewrite.unwrap.deletes = modes[choice];
    return deletes == NULL || f.rewrite.unwrap.on ||
           err_set(e, STATUS_USAGE, "--%s goes with --unwrap", option);
}

static bool take_variable(const char *text, bool is_json, struct expr_variable *v, struct buf *json,
                          struct err *e)
{
    const char *option = is_json ? "argjson" : "arg";
    size_t n = strcspn(text, BETWEEN), bad_at;
    if (text[n] == '\0')
        return err_set(e, STATUS_USAGE, "--%s takes two words, NAME %s", option, is_json ? "JSON" : "VALUE");
    struct span value = span_of(text + n + 1);
    v->name = (struct span){text, n};
    if (is_json)
        buf_span(json, value);
    else
        json_quote(json, value);
    v->json = buf_view(json);
    return json_check(v->json, &bad_at) || err_set(e, STATUS_USAGE, "--%s %.*s: byte %zu is no %s", option,
                                                   (int)n, text, bad_at + 1, is_json ? "JSON" : "UTF-8");
}

// The values' memory is kept to the end.
static bool take_variables(struct err *e)
{
    size_t n = args.n + json_args.n;
    struct expr_variable *variables = calloc(n + 1, sizeof *variables);
    static struct buf *values;
    values = calloc(n + 1, sizeof *values);
    if (variables == NULL || values == NULL)
        return err_no_memory(e);
    f.variables = variables;
    for (; f.n_variables < n; f.n_variables++) {
        size_t i = f.n_variables;
        buf_init(&values[i], EXPRESSION_MAX_BYTES);
        bool is_json = i >= args.n;
        if (!take_variable(is_json ? json_args.at[i - args.n] : args.at[i], is_json, &variables[i],
                           &values[i], e))
            return false;
    }
    return true;
}

static bool take_expression(int operands, char **operand, struct err *e)
{
    static struct buf text;
    if (operands == 1 && file != NULL)
        return err_set(e, STATUS_USAGE, "the expression is given twice, as an operand and by --file");
    if (operands == 1)
        f.expression = operand[0];
    if (file == NULL)
        return true;
    buf_init(&text, EXPRESSION_MAX_BYTES);
    if (!io_read_file(file, &text, e)) {
        e->status = STATUS_USAGE;
        return false;
    }
    f.expression = buf_cstr(&text);
    return true;
}

static bool take_jobs(struct err *e)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (f.jobs == 0)
        f.jobs = processors > 0 ? (uint64_t)processors : 1;
    return f.jobs <= 256 || err_set(e, STATUS_USAGE, "--jobs %llu: 256 at most", (unsigned long long)f.jobs);
}

static bool tell(const struct filter *filter, struct err *e)
{
    struct buf text;
    buf_init(&text, EXPRESSION_MAX_BYTES * 4);
    filter_explain(filter, &text);
    bool ok = buf_ok(&text, "the explanation", e) && io_write_all(1, buf_view(&text), "standard output", e);
    buf_release(&text);
    return ok;
}

static bool run(int operands, char **operand, int *status, struct err *e)
{
    struct filter filter;
    log_quiet(quiet);
    if (!take_on_error(e) || !take_deletes(e) || !take_variables(e) ||
        !take_expression(operands, operand, e) || !take_jobs(e))
        return false;
    bool ok = filter_init(&filter, &f, e) &&
              (explain ? tell(&filter, e) : stage_run(&o, filter_decide, &filter, status, e));
    if (filter.errors != 0)
        log_warn("an expression failed on %llu lines, which were %s", (unsigned long long)filter.errors,
                 f.on_error == ON_ERROR_KEEP ? "kept" : "dropped");
    filter_release(&filter);
    return ok;
}

// jq's options take two words, --arg NAME VALUE, the table's one. The joined word is kept to the end.
static int join_words(int argc, char **argv)
{
    int to = 1;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        ended = ended || strcmp(argv[i], "--") == 0;
        bool takes_two = strcmp(argv[i], "--arg") == 0 || strcmp(argv[i], "--argjson") == 0;
        argv[to++] = argv[i];
        if (ended || !takes_two || i + 2 >= argc)
            continue;
        size_t n = strlen(argv[i + 1]) + strlen(argv[i + 2]) + 2;
        char *joined = malloc(n);
        if (joined == NULL)
            continue;
        snprintf(joined, n, "%s" BETWEEN "%s", argv[i + 1], argv[i + 2]);
        argv[to++] = joined;
        i += 2;
    }
    argv[to] = NULL;
    return to;
}

int main(int argc, char **argv)
{
    argc = join_words(argc, argv);
    return cmd_main(&command, argc, argv, run);
}
