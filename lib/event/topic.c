#include "event/topic.h"

void topic_write(struct buf *b, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '.' || c == '-' ||
                     c == '_';
        if (plain)
            buf_char(b, (char)c);
        else if ((c & 0xc0) != 0x80)
            buf_str(b, c >= 0xf0 ? "__" : "_");
    }
}
