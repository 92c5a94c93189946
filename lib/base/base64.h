// Base64 (RFC 4648, section 4), with padding.
#ifndef CDC_BASE_BASE64_H
#define CDC_BASE_BASE64_H

#include "base/buf.h"

void base64_write(struct buf *b, const unsigned char *bytes, size_t n);

#endif
