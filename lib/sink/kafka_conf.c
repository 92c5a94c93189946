#include "sink/kafka_conf.h"

#include "base/io.h"

#include <stdio.h>
#include <string.h>

// Before the names of variables that set properties.
#define VARIABLE "CDC_KAFKA_"

extern char **environ;

struct property {
    const char *name, *value;
};

static bool may_be_secret(const char *name)
{
    static const char *const parts[] = {"password", "secret", "key", "jaas", "token", "oauthbearer"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(name, parts[i]) != NULL)
            return true;
    return false;
}

// Where the value of a property begins that may be a secret; or NULL.
static char *secret_value(const char *pair)
{
    char name[256];
    const char *equals = strchr(pair, '=');
    if (equals == NULL || (size_t)(equals - pair) >= sizeof name)
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)(equals - pair), pair);
    return may_be_secret(name) ? strchr(pair, '=') + 1 : NULL;
}

bool kafka_conf_hide(struct opt_list *properties, struct buf *owned, struct err *e)
{
    for (size_t i = 0; i < properties->n; i++)
        if (secret_value(properties->at[i]) != NULL)
            buf_bytes(owned, properties->at[i], strlen(properties->at[i]) + 1);
    if (!buf_ok(owned, "the properties", e))
        return false;
    const char *copy = owned->p;
    for (size_t i = 0; i < properties->n; i++) {
        char *value = secret_value(properties->at[i]);
        if (value == NULL)
            continue;
        properties->at[i] = copy;
        copy += strlen(copy) + 1;
        memset(value, '*', strlen(value));
    }
    return true;
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *e)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return true;
    if (may_be_secret(name))
        return err_set(e, STATUS_USAGE, "-X %s=…: librdkafka refuses the value", name);
    return err_set(e, STATUS_USAGE, "-X %s: %s", name, why);
}

static bool set_all(rd_kafka_conf_t *conf, const struct property *p, struct err *e)
{
    for (; p->name != NULL; p++)
        if (!set(conf, p->name, p->value, e))
            return false;
    return true;
}

// name=value; the name ends at the first '='.
static bool set_pair(rd_kafka_conf_t *conf, struct span pair, struct err *e)
{
    char name[256], value[8192];
    const char *equals = memchr(pair.p, '=', pair.n);
    size_t n = equals != NULL ? (size_t)(equals - pair.p) : 0, rest = equals != NULL ? pair.n - n - 1 : 0;
    if (n == 0 || n >= sizeof name || rest >= sizeof value)
        return err_set(e, STATUS_USAGE, "a property is written name=value");
    memcpy(name, pair.p, n);
    name[n] = '\0';
    memcpy(value, equals + 1, rest);
    value[rest] = '\0';
    return set(conf, name, value, e);
}

static struct span trim(struct span s)
{
    while (s.n != 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n != 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

static bool set_lines(rd_kafka_conf_t *conf, struct span rest, const char *path, struct err *e)
{
    for (unsigned number = 1; rest.n != 0; number++) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
        struct span line = trim((struct span){rest.p, n});
        if (line.n != 0 && line.p[0] != '#' && !set_pair(conf, line, e))
            return err_wrap(e, "%s, line %u", path, number);
        rest.p += n + (end != NULL), rest.n -= n + (end != NULL);
    }
    return true;
}

static bool set_file(rd_kafka_conf_t *conf, const char *path, struct err *e)
{
    struct buf text;
    if (path == NULL)
        return true;
    buf_init(&text, 1u << 20);
    bool ok = io_read_file(path, &text, e);
    if (!ok)
        e->status = STATUS_USAGE;
    ok = ok && set_lines(conf, buf_view(&text), path, e);
    buf_release(&text);
    return ok;
}

// CDC_KAFKA_SASL_PASSWORD=… is sasl.password.
static bool set_variable(rd_kafka_conf_t *conf, const char *pair, struct err *e)
{
    char property[256];
    const char *equals = strchr(pair, '=');
    size_t n = equals != NULL ? (size_t)(equals - pair) : 0;
    if (n == 0 || n >= sizeof property)
        return true;
    for (size_t i = 0; i < n; i++)
        property[i] = pair[i] == '_'                     ? '.'
                      : pair[i] >= 'A' && pair[i] <= 'Z' ? (char)(pair[i] - 'A' + 'a')
                                                         : pair[i];
    property[n] = '\0';
    return set(conf, property, equals + 1, e) || err_wrap(e, "%s%.*s", VARIABLE, (int)n, pair);
}

static bool set_environment(rd_kafka_conf_t *conf, struct err *e)
{
    for (char **pair = environ; *pair != NULL; pair++)
        if (strncmp(*pair, VARIABLE, sizeof VARIABLE - 1) == 0 &&
            !set_variable(conf, *pair + sizeof VARIABLE - 1, e))
            return false;
    return true;
}

static bool set_options(rd_kafka_conf_t *conf, const struct kafka_config *c, struct err *e)
{
    if (!set_environment(conf, e) || !set_file(conf, c->file, e))
        return false;
    for (size_t i = 0; i < c->properties.n; i++)
        if (!set_pair(conf, span_of(c->properties.at[i]), e))
            return false;
    return (c->brokers == NULL || set(conf, "bootstrap.servers", c->brokers, e)) &&
           (c->compression == NULL || set(conf, "compression.codec", c->compression, e));
}

static bool build(const struct kafka_config *c, const struct property *first, const struct property *last,
                  rd_kafka_conf_t **conf, struct err *e)
{
    *conf = rd_kafka_conf_new();
    if (set_all(*conf, first, e) && set_options(*conf, c, e) && set_all(*conf, last, e))
        return true;
    rd_kafka_conf_destroy(*conf);
    *conf = NULL;
    return false;
}

// What order and durability hang on.
static bool require(const rd_kafka_conf_t *conf, const char *name, const char *value, struct err *e)
{
    char is[64];
    kafka_conf_get(conf, name, is, sizeof is);
    return strcmp(is, value) == 0 ||
           err_set(e, STATUS_USAGE, "-X %s=%s: this sink needs %s", name, is, value);
}

// What a record that cannot be delivered does to those behind it.
static bool set_failure(const struct kafka_config *c, rd_kafka_conf_t *conf, struct err *e)
{
    char id[256], timeout[32];
    kafka_conf_get(conf, "transactional.id", id, sizeof id);
    if (id[0] == '\0')
        return set(conf, "message.timeout.ms", "0", e) && // never: it would be lost, and those behind it
               (!c->gapless || set(conf, "enable.gapless.guarantee", "true", e));
    // A transaction fails with any of its records; it bounds their time, and librdkafka wants to hear no
    // other.
    kafka_conf_get(conf, "transaction.timeout.ms", timeout, sizeof timeout);
    return set(conf, "message.timeout.ms", timeout, e);
}

bool kafka_conf_producer(const struct kafka_config *c, rd_kafka_conf_t **conf, struct err *e)
{
    static const struct property defaults[] = {
        {"client.id", "cdc-sink-kafka"},
        // Longer than a batch takes to fill and to be delivered: a record that has waited so long makes
        // librdkafka's thread spin until a request is answered. kafka.c and the commit send before that.
        {"linger.ms", "200"},
        {"batch.num.messages", "10000"},
        {"queue.buffering.max.messages", "100000"},
        {"queue.buffering.max.kbytes", "16384"}, // in flight, in memory; and what a commit waits for
        {"partitioner", "murmur2_random"},       // as the Java client's
        {"transaction.timeout.ms", "60000"},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {NULL, NULL},
    };
    // A producer's question for a topic's end is answered by this, too: it means the very end.
    static const struct property fixed[] = {{"isolation.level", "read_uncommitted"}, {NULL, NULL}};
    if (!build(c, defaults, fixed, conf, e))
        return false;
    if (require(*conf, "enable.idempotence", "true", e) && require(*conf, "acks", "-1", e) &&
        set_failure(c, *conf, e))
        return true;
    rd_kafka_conf_destroy(*conf);
    return false;
}

bool kafka_conf_reader(const struct kafka_config *c, rd_kafka_conf_t **conf, struct err *e)
{
    static const struct property defaults[] = {{"client.id", "cdc-sink-kafka"}, {NULL, NULL}};
    static const struct property fixed[] = {
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"},
        {"fetch.wait.max.ms", "10"}, // the end is told by an empty answer
        {NULL, NULL},
    };
    return build(c, defaults, fixed, conf, e);
}

bool kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *to, size_t size)
{
    size_t n = size;
    if (rd_kafka_conf_get(conf, name, to, &n) != RD_KAFKA_CONF_OK || strcmp(to, "(null)") == 0)
        to[0] = '\0';
    return n <= size;
}
