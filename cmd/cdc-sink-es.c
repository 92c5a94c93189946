// cdc-sink-es: lines to Elasticsearch or OpenSearch, an index for a table.

#include "base/cmd.h"
#include "base/log.h"
#include "base/url.h"
#include "sink/es.h"
#include "sink/loop.h"

#include <stdlib.h>
#include <string.h>

static const char *truncates = "reject";
static bool quiet;

static struct es_config config = {
    .http.timeout_ms = 60000,
    .placeholder = "__debezium_unavailable_value",
    .jobs = 4,
    .batch_bytes = 4u << 20,
    .linger_ms = 50,
};

static struct loop_options o = {
    .ack_fd = LOOP_NO_ACK,
    .max_line_bytes = LINE_MAX_BYTES,
    .drain_timeout_ms = 30000,
    .max_rejects = UINT64_MAX,
    .warn = log_warn,
};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Documents"},
    {OPT_STRING, "index", NULL, 'i', &config.index, "TEMPLATE",
     "the index, as orders-${db}; default the topic in lower case"},
    {OPT_STRING, "id", NULL, 0, &config.id, "PATH", "the _id, as after.code; default the key"},
    {OPT_BOOL, "envelope", NULL, 0, &config.envelope, NULL, "the whole event, not its \"after\" alone"},
    {OPT_STRING, "soft-delete", NULL, 0, &config.soft_delete, "FIELD",
     "a deleted row's document stays, with FIELD true"},
    {OPT_STRING, "truncate", NULL, 0, &truncates, "HOW",
     "of a TRUNCATE: reject (default) or delete-by-query"},
    {OPT_STRING, "unavailable-value-placeholder", NULL, 0, &config.placeholder, "TEXT",
     "what stands for a value that the log does not have"},
    {OPT_COUNT, "epoch", NULL, 0, &config.epoch, "N", "put this source's versions above those in the index"},
    {OPT_STRING, "topic", NULL, 't', &o.topic, "TOPIC", "the topic, in place of each line's own"},
    {OPT_STRING, "key", NULL, 'k', &o.key, "PATH", "the key of a line without a header, as after.id"},
    {OPT_STRING, "reject", NULL, 0, &o.reject, "FILE", "refused lines go there, and the sink goes on"},
    {OPT_COUNT, "max-rejects", NULL, 0, &o.max_rejects, "N", "but not on after so many"},
    {OPT_SIZE, "max-line", NULL, 0, &o.max_line_bytes, "SIZE", "what one line may take; default 64MiB"},
    {OPT_HEADING, .help = "Connection"},
    {OPT_STRING, "user", NULL, 'u', &config.http.user, "NAME", "log in; the password from ES_PASSWORD"},
    {OPT_STRING, "password-file", NULL, 0, &config.http.password_file, "FILE", "or from this file"},
    {OPT_STRING, "api-key-file", NULL, 0, &config.http.api_key_file, "FILE",
     "log in by an API key; or ES_API_KEY"},
    {OPT_STRING, "bearer-file", NULL, 0, &config.http.bearer_file, "FILE",
     "log in by a token; or ES_BEARER_TOKEN"},
    {OPT_STRING, "cacert", NULL, 0, &config.http.tls.ca_file, "FILE",
     "the authorities that sign the servers' certificates"},
    {OPT_STRING, "cert", NULL, 0, &config.http.tls.certificate, "FILE", "this client's certificate"},
    {OPT_STRING, "cert-key", NULL, 0, &config.http.tls.key, "FILE", "and its key"},
    {OPT_BOOL, "insecure", NULL, 0, &config.http.tls.insecure, NULL,
     "do not check the servers' certificates"},
    {OPT_COUNT, "jobs", NULL, 'j', &config.jobs, "N", "connections; default 4"},
    {OPT_SIZE, "batch", NULL, 0, &config.batch_bytes, "SIZE", "of lines for one request; default 4MiB"},
    {OPT_DURATION, "linger", NULL, 0, &config.linger_ms, "TIME",
     "how long a line waits for others; default 50ms"},
    {OPT_BOOL, "gzip", NULL, 'z', &config.http.gzip, NULL, "compress the requests"},
    {OPT_DURATION, "timeout", NULL, 0, &config.http.timeout_ms, "TIME",
     "how long an answer may take; default 60s"},
    {OPT_HEADING, .help = "Positions"},
    {OPT_COUNT, "ack-fd", NULL, 0, &o.ack_fd, "N",
     "write what is durable to this descriptor, for cdc-offset"},
    {OPT_DURATION, "drain-timeout", NULL, 0, &o.drain_timeout_ms, "TIME",
     "after a stop signal, how long for the rest; default 30s"},
    {OPT_STRING, "stats", NULL, 0, &o.stats, "FILE",
     "keep figures there as Prometheus text; SIGUSR1 prints them"},
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-sink-es",
    .usage = "cdc-sink-es [OPTION]... URL...",
    .about = "Writes the lines on standard input to Elasticsearch or OpenSearch, an index for a table.",
    .options = options,
    .min_operands = 1,
    .max_operands = 64,
};

static bool check_options(struct err *e)
{
    static const char *const ways[] = {"reject", "delete-by-query"};
    int way;
    if (!loop_check(&o, e))
        return false;
    if (config.jobs == 0 || config.jobs > 64)
        return err_set(e, STATUS_USAGE, "--jobs takes 1 to 64");
    if (config.epoch > POS_MAX_EPOCH)
        return err_set(e, STATUS_USAGE, "--epoch takes 1 to %d", POS_MAX_EPOCH);
    if (config.http.tls.key != NULL && config.http.tls.certificate == NULL)
        return err_set(e, STATUS_USAGE, "--cert-key needs --cert FILE");
    if (!opt_choice("truncate", truncates, ways, 2, &way, e))
        return false;
    config.truncate = way == 1;
    if (!config.truncate || config.index == NULL || strstr(config.index, "${topic}") != NULL ||
        strstr(config.index, "${table}") != NULL)
        return true;
    err_set(e, STATUS_USAGE,
            "--truncate delete-by-query empties an index; --index %s may hold several tables'", config.index);
    return err_hint(e, "${topic} or ${table} in the template gives each table its own");
}

static bool run(int operands, char **operand, int *status, struct err *e)
{
    char *urls[64];
    static struct es es; // it holds a template of some size
    int n = 0;
    log_quiet(quiet);
    // Passwords are hidden before anything else can fail.
    bool ok = true;
    for (; ok && n < operands; n++)
        ok = url_take(operand[n], &urls[n], e);
    config.http.urls = urls;
    config.http.n_urls = (size_t)n;
    ok = ok && check_options(e);
    if (ok) {
        es_init(&es, &config, log_warn);
        ok = loop_run(&o, &es_ops, &es, status, e);
    }
    while (n-- > 0)
        free(urls[n]);
    return ok;
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
