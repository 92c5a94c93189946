#include "mysql/url.h"

#include "base/span.h"

#include <ctype.h>

static bool fail(const char *why, struct err *e)
{
    err_set(e, STATUS_USAGE, "the URL is malformed: %s", why);
    return err_hint(e, "mysql://USER@HOST:PORT/DATABASE?ssl-mode=…, special characters percent-encoded");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct span text, char *to, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return fail("'%' is not followed by two hexadecimal digits", e);
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (n + 1 >= MY_URL_PART_MAX)
            return fail("a part is too long", e);
        to[n++] = c;
    }
    to[n] = '\0';
    return true;
}

static bool parse_number(struct span text, unsigned max, unsigned *v)
{
    *v = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!isdigit((unsigned char)text.p[i]) || *v > max)
            return false;
        *v = *v * 10 + (unsigned)(text.p[i] - '0');
    }
    return text.n != 0 && *v <= max;
}

static struct span until(struct span *rest, const char *stops)
{
    struct span part = {rest->p, 0};
    while (part.n < rest->n && strchr(stops, rest->p[part.n]) == NULL)
        part.n++;
    rest->p += part.n, rest->n -= part.n;
    return part;
}

static bool parse_user(struct span text, struct my_url *u, struct err *e)
{
    struct span user = until(&text, ":");
    u->has_password = text.n != 0;
    if (u->has_password)
        text.p++, text.n--;
    return decode(user, u->user, e) && decode(text, u->password, e);
}

static bool parse_host(struct span text, struct my_url *u, struct err *e)
{
    struct span host = text;
    if (text.n != 0 && text.p[0] == '[') { // an IPv6 address
        text.p++, text.n--;
        host = until(&text, "]");
        if (text.n == 0)
            return fail("']' is missing", e);
        text.p++, text.n--;
    } else {
        host = until(&text, ":");
    }
    if (text.n != 0 &&
        (text.p[0] != ':' || !parse_number((struct span){text.p + 1, text.n - 1}, 65535, &u->port)))
        return fail("the port is no number up to 65535", e);
    return decode(host, u->host, e);
}

static bool parse_authority(struct span text, struct my_url *u, struct err *e)
{
    size_t at = text.n;
    while (at > 0 && text.p[at - 1] != '@')
        at--;
    if (at != 0 && !parse_user((struct span){text.p, at - 1}, u, e))
        return false;
    return parse_host((struct span){text.p + at, text.n - at}, u, e);
}

static bool parse_parameter(struct span name, struct span value, struct my_url *u, struct err *e)
{
    char text[MY_URL_PART_MAX];
    const struct {
        const char *name;
        char *to;
    } texts[] = {
        {"socket", u->socket}, {"ssl-ca", u->ssl_ca}, {"ssl-cert", u->ssl_cert}, {"ssl-key", u->ssl_key}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (span_is(name, texts[i].name))
            return decode(value, texts[i].to, e);
    if (span_is(name, "ssl-mode"))
        return decode(value, text, e) && my_ssl_mode_parse(text, &u->ssl_mode, e);
    if (span_is(name, "connect-timeout"))
        return parse_number(value, 86400, &u->connect_timeout_s) || fail("connect-timeout is no number", e);
    err_set(e, STATUS_USAGE, "the URL has a parameter that is not known: %.*s", SPAN_ARG(name));
    return err_hint(e, "socket, ssl-mode, ssl-ca, ssl-cert, ssl-key, connect-timeout");
}

static bool parse_parameters(struct span text, struct my_url *u, struct err *e)
{
    while (text.n != 0) {
        text.p++, text.n--; // '?' or '&'
        struct span parameter = until(&text, "&");
        struct span name = until(&parameter, "=");
        if (parameter.n == 0)
            return fail("a parameter has no '='", e);
        if (!parse_parameter(name, (struct span){parameter.p + 1, parameter.n - 1}, u, e))
            return false;
    }
    return true;
}

bool my_url_parse(const char *text, struct my_url *u, struct err *e)
{
    *u = (struct my_url){.ssl_mode = MY_SSL_PREFERRED};
    const char *start = strstr(text, "://");
    if (start == NULL)
        return fail("\"://\" is missing", e);
    struct span rest = span_of(start + 3);
    struct span authority = until(&rest, "/?");
    if (!parse_authority(authority, u, e))
        return false;
    if (rest.n != 0 && rest.p[0] == '/') {
        rest.p++, rest.n--;
        if (!decode(until(&rest, "?"), u->database, e))
            return false;
    }
    return parse_parameters(rest, u, e);
}

bool my_ssl_mode_parse(const char *text, enum my_ssl_mode *mode, struct err *e)
{
    static const char *const names[] = {"disabled", "preferred", "required", "verify_ca", "verify_identity"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = 0;
        while (names[i][n] != '\0' &&
               (tolower((unsigned char)text[n]) == names[i][n] || (text[n] == '-' && names[i][n] == '_')))
            n++;
        if (names[i][n] == '\0' && text[n] == '\0') {
            *mode = (enum my_ssl_mode)i;
            return true;
        }
    }
    return err_set(
        e, STATUS_USAGE,
        "ssl-mode takes disabled, preferred, required, verify_ca or verify_identity, not \"%.40s\"", text);
}
