// Whatever a REST catalog's server answers: settings, properties, tokens, refusals. What is made of it for a
// URL, a header or a request's JSON cannot break out of there.
#include "fuzz.h"

#include "event/json.h"
#include "iceberg/catalog_config.h"
#include "iceberg/catalog_oauth.h"

static bool within(struct span part, struct span whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static bool is_plain(const char *p, size_t n, const char * not )
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] > '~' || strchr(not, p[i]) != NULL)
            return false;
    return true;
}

static void check_settings(struct span config)
{
    struct buf out;
    struct err e;
    size_t bad_at;
    if (!json_check(config, &bad_at))
        return;
    buf_init(&out, 1u << 20);
    if (ice_config_prefix(config, &out, &e))
        must(is_plain(out.p, out.n, "?#"));
    buf_reset(&out);
    ice_config_properties(config, span_of("{\"p\":\"q\"}"), &out);
    must(out.bad || json_check(buf_view(&out), &bad_at));
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span answer = {(const char *)data, size}, type, message;
    struct err e;
    int64_t lasts_ms;
    char *header;
    if (ice_call_words(answer, &type, &message))
        must(within(type, answer) && within(message, answer));
    if (ice_login_read(answer, &header, &lasts_ms, &e))
        must(is_plain(header + 22, strlen(header) - 22, "") && lasts_ms >= 0);
    else
        must(header == NULL);
    http_free_secret(header);
    check_settings(answer);
    return 0;
}
