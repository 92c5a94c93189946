#include "state/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool identity_make(const char *server, char identity[IDENTITY_BYTES], struct err *e)
{
    unsigned char random[8];
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read(fd, random, sizeof random) == (ssize_t)sizeof random;
    if (!ok)
        err_errno(e, STATUS_IO, "cannot read /dev/urandom");
    if (fd >= 0)
        close(fd);
    int n = snprintf(identity, IDENTITY_BYTES, "%.40s-", server);
    for (size_t i = 0; ok && i < sizeof random; i++)
        n += snprintf(identity + n, IDENTITY_BYTES - (size_t)n, "%02x", random[i]);
    return ok;
}
