// Connection URLs on the command line.
#ifndef CDC_BASE_URL_H
#define CDC_BASE_URL_H

#include "base/err.h"

// Gives a copy of the URL, which the caller frees, and overwrites its password where it stands in argv, so
// that the process list shows it no more: both scheme://user:password@… and ?password=….
bool url_take(char *arg, char **url, struct err *e) MUST_CHECK;

#endif
