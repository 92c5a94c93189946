#include "base/url.h"

#include <string.h>

static void mask(char *from, const char *stop)
{
    while (*from != '\0' && strchr(stop, *from) == NULL)
        *from++ = '*';
}

// The password of user:password@host: between the first ':' and the last '@', wherever that is, for a
// password may hold a '/' that should have been percent-encoded.
static void mask_userinfo(char *authority)
{
    char *at = strrchr(authority, '@');
    char *colon = at != NULL ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    for (char *p = colon; p != NULL && ++p < at;)
        *p = '*';
}

bool url_take(char *arg, char **url, struct err *e)
{
    *url = strdup(arg);
    if (*url == NULL)
        return err_no_memory(e);
    char *authority = strstr(arg, "://");
    if (authority != NULL)
        mask_userinfo(authority + 3);
    for (char *query = strchr(arg, '?'); query != NULL; query = strchr(query + 1, '&'))
        if (strncmp(query + 1, "password=", 9) == 0 || strncmp(query + 1, "sslpassword=", 12) == 0)
            mask(strchr(query, '=') + 1, "&");
    return true;
}
