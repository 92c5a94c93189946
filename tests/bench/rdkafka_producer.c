// The peer of cdc-sink-kafka: how fast librdkafka sends one message again and again.
//
// librdkafka's own measure is its example program rdkafka_performance, which is not packaged;
// tests/bench/kafka takes it where it is on the PATH, and else this, which takes the same options and does
// the same in -P mode: the same properties (linger.ms=1000, retries 3, retry.backoff.ms 500; all else
// librdkafka's defaults), one buffer handed over uncopied, rd_kafka_produce() in a loop, a poll each 1000
// messages and where the queue is full.
#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_EVERY 1000

struct producer {
    rd_kafka_conf_t *conf;
    rd_kafka_t *rk;
    const char *topic;
    size_t size;
    long count, delivered;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "rdkafka_producer: %s: %s\n", what, why);
    exit(1);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct producer *p = opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail("not delivered", rd_kafka_err2str(message->err));
    p->delivered++;
}

static void set(struct producer *p, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(p->conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        fail(name, why);
}

static void set_pair(struct producer *p, char *pair)
{
    char *equals = strchr(pair, '=');
    if (equals == NULL)
        fail(pair, "a property is written name=value");
    *equals = '\0';
    set(p, pair, equals + 1);
}

static void parse(struct producer *p, int argc, char **argv)
{
    int letter;
    while ((letter = getopt(argc, argv, "Pqb:t:s:c:a:X:")) != -1)
        switch (letter) {
        case 'P':
        case 'q':
            break;
        case 'b':
            set(p, "bootstrap.servers", optarg);
            break;
        case 't':
            p->topic = optarg;
            break;
        case 's':
            p->size = strtoul(optarg, NULL, 10);
            break;
        case 'c':
            p->count = strtol(optarg, NULL, 10);
            break;
        case 'a':
            set(p, "acks", optarg);
            break;
        case 'X':
            set_pair(p, optarg);
            break;
        default:
            exit(2);
        }
    if (p->topic == NULL || p->size == 0 || p->count == 0)
        fail("usage",
             "rdkafka_producer -P -b BROKERS -t TOPIC -s SIZE -c COUNT [-a ACKS] [-X NAME=VALUE]...");
}

static void produce(struct producer *p, rd_kafka_topic_t *topic, char *payload)
{
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, 0, payload, p->size, NULL, 0, NULL) != 0) {
        rd_kafka_resp_err_t error = rd_kafka_last_error();
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            fail("cannot produce", rd_kafka_err2str(error));
        rd_kafka_poll(p->rk, 10);
    }
}

static void run(struct producer *p)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(p->rk, p->topic, NULL);
    char *payload = malloc(p->size);
    if (topic == NULL || payload == NULL)
        fail("cannot start", "no topic or no memory");
    memset(payload, 'x', p->size);
    for (long i = 1; i <= p->count; i++) {
        produce(p, topic, payload);
        if (i % POLL_EVERY == 0)
            rd_kafka_poll(p->rk, 0);
    }
    while (p->delivered < p->count)
        rd_kafka_poll(p->rk, 1000);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(p->rk);
    free(payload);
}

int main(int argc, char **argv)
{
    char why[256];
    struct producer p = {.conf = rd_kafka_conf_new()};
    rd_kafka_conf_set_opaque(p.conf, &p);
    rd_kafka_conf_set_dr_msg_cb(p.conf, on_delivery);
    set(&p, "linger.ms", "1000");
    set(&p, "message.send.max.retries", "3");
    set(&p, "retry.backoff.ms", "500");
    parse(&p, argc, argv);
    p.rk = rd_kafka_new(RD_KAFKA_PRODUCER, p.conf, why, sizeof why);
    if (p.rk == NULL)
        fail("cannot start", why);
    run(&p);
    return 0;
}
