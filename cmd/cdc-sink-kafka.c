// cdc-sink-kafka: lines to Kafka, as Debezium's connector writes them.

#include "base/cmd.h"
#include "base/log.h"
#include "sink/kafka.h"
#include "sink/loop.h"

static uint64_t partition = UINT64_MAX, partitions = UINT64_MAX, replication = UINT64_MAX;
static bool quiet;

static struct kafka_config config = {
    .offsets_topic = "cdc-offsets",
    .shape.tombstones = true,
};

static struct loop_options o = {
    .ack_fd = LOOP_NO_ACK,
    .max_line_bytes = LINE_MAX_BYTES,
    .commit_interval_ms = 100,
    .drain_timeout_ms = 30000,
    .max_rejects = UINT64_MAX,
    .warn = log_warn,
};

static const struct opt options[] = {
    {OPT_HEADING, .help = "Kafka (as kcat)"},
    {OPT_STRING, "brokers", NULL, 'b', &config.brokers, "HOST:PORT,…", "the brokers"},
    {OPT_STRING, "topic", NULL, 't', &o.topic, "TOPIC", "the topic, in place of each line's own"},
    {OPT_LIST, "property", NULL, 'X', &config.properties, "NAME=VALUE", "a property of librdkafka"},
    {OPT_STRING, "properties", NULL, 'F', &config.file, "FILE",
     "a file of such lines; the place for passwords"},
    {OPT_COUNT, "partition", NULL, 'p', &partition, "N",
     "the partition; default by the key, as the Java client"},
    {OPT_STRING, "compression", NULL, 'z', &config.compression, "CODEC", "gzip, snappy, lz4, zstd, none"},
    {OPT_HEADING, .help = "Records"},
    {OPT_BOOL, "with-schema", NULL, 0, &config.shape.schemas, NULL,
     "key and value with their Connect schemas, as with schemas.enable=true"},
    {OPT_BOOL, "unwrap", NULL, 0, &config.shape.unwrap, NULL, "the row alone; of a delete the tombstone"},
    {OPT_BOOL, "tombstones-on-delete", NULL, 0, &config.shape.tombstones, NULL,
     "a null value after each delete; default true"},
    {OPT_STRING, "key", NULL, 'k', &o.key, "PATH", "the key of a line without a header, as after.id"},
    {OPT_STRING, "reject", NULL, 0, &o.reject, "FILE", "refused lines go there, and the sink goes on"},
    {OPT_COUNT, "max-rejects", NULL, 0, &o.max_rejects, "N", "but not on after so many"},
    {OPT_SIZE, "max-line", NULL, 0, &o.max_line_bytes, "SIZE", "what one line may take; default 64MiB"},
    {OPT_HEADING, .help = "Topics"},
    {OPT_BOOL, "create-topics", NULL, 0, &config.create_topics, NULL, "make a topic that is missing"},
    {OPT_COUNT, "topic-partitions", "topic-creation-default-partitions", 0, &partitions, "N",
     "its partitions; default the broker's"},
    {OPT_COUNT, "topic-replication", "topic-creation-default-replication-factor", 0, &replication, "N",
     "its replication factor; default the broker's"},
    {OPT_LIST, "topic-config", NULL, 0, &config.topic_settings, "NAME=VALUE",
     "a setting of it, as cleanup.policy=compact"},
    {OPT_HEADING, .help = "Positions"},
    {OPT_COUNT, "ack-fd", NULL, 0, &o.ack_fd, "N",
     "write what is durable to this descriptor, for cdc-offset"},
    {OPT_DURATION, "commit-interval", NULL, 0, &o.commit_interval_ms, "TIME",
     "how long a transaction lasts; default 100ms"},
    {OPT_STRING, "offsets-topic", NULL, 0, &config.offsets_topic, "TOPIC",
     "where transactions keep their positions; default cdc-offsets"},
    {OPT_DURATION, "drain-timeout", NULL, 0, &o.drain_timeout_ms, "TIME",
     "after a stop signal, how long for the rest; default 30s"},
    {OPT_STRING, "stats", NULL, 0, &o.stats, "FILE",
     "keep figures there as Prometheus text; SIGUSR1 prints them"},
    {OPT_BOOL, "quiet", NULL, 'q', &quiet, NULL, "say only what somebody should act on"},
    {.type = OPT_END},
};

static const struct cmd command = {
    .name = "cdc-sink-kafka",
    .usage = "cdc-sink-kafka -b BROKERS [OPTION]... [-X transactional.id=ID]",
    .about = "Writes the lines on standard input to Kafka, as Debezium's connector writes them.",
    .options = options,
};

static bool check_topics(struct err *e)
{
    if (!config.create_topics)
        return (partitions == UINT64_MAX && replication == UINT64_MAX && config.topic_settings.n == 0) ||
               err_set(e, STATUS_USAGE, "how topics are made goes with --create-topics");
    if (partitions != UINT64_MAX && (partitions == 0 || partitions > INT32_MAX))
        return err_set(e, STATUS_USAGE, "--topic-partitions %llu: from 1 on", (unsigned long long)partitions);
    if (replication != UINT64_MAX && (replication == 0 || replication > INT16_MAX))
        return err_set(e, STATUS_USAGE, "--topic-replication %llu: from 1 on",
                       (unsigned long long)replication);
    config.topic_partitions = partitions == UINT64_MAX ? -1 : (int)partitions;
    config.topic_replication = replication == UINT64_MAX ? -1 : (int)replication;
    return true;
}

static bool check_options(struct err *e)
{
    if (partition != UINT64_MAX && partition > INT32_MAX)
        return err_set(e, STATUS_USAGE, "--partition %llu is no partition", (unsigned long long)partition);
    if (!loop_check(&o, e))
        return false;
    if (config.brokers == NULL && config.file == NULL && config.properties.n == 0) {
        err_set(e, STATUS_USAGE, "no brokers are given");
        return err_hint(e, "usage: %s", command.usage);
    }
    return true;
}

static bool run(int operands, char **operand, int *status, struct err *e)
{
    (void)operands, (void)operand;
    struct kafka kafka;
    log_quiet(quiet);
    if (!check_options(e) || !check_topics(e))
        return false;
    config.partition = partition == UINT64_MAX ? RD_KAFKA_PARTITION_UA : (int32_t)partition;
    config.gapless = o.reject == NULL;
    struct buf secrets;
    buf_init(&secrets, 1u << 20);
    bool ok = kafka_conf_hide(&config.properties, &secrets, e) && kafka_init(&kafka, &config, log_warn, e);
    if (ok)
        o.commit_interval_ms = kafka_commit_interval_ms(&kafka, o.commit_interval_ms);
    ok = ok && loop_run(&o, kafka_ops(&kafka), &kafka, status, e);
    buf_release(&secrets);
    return ok;
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
