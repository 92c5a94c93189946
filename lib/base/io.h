// Whole reads and writes on descriptors.
#ifndef CDC_BASE_IO_H
#define CDC_BASE_IO_H

#include "base/buf.h"

#include <sys/types.h>

// Writes all of s; goes on after EINTR and short writes. EPIPE is STATUS_PEER, all else STATUS_IO.
bool io_write_all(int fd, struct span s, const char *what, struct err *e) MUST_CHECK;

// Appends the whole file to b. A missing file leaves errno ENOENT and STATUS_IO.
bool io_read_file(const char *path, struct buf *b, struct err *e) MUST_CHECK;

// Replaces dir/name so that a crash at any moment leaves the old content or the new one, whole:
// temporary file, fsync, rename, fsync of the folder. On failure the old file stands. The content before
// stays as NAME.bak, where the file system has hard links.
bool io_replace_file(const char *dir, const char *name, struct span content, struct err *e) MUST_CHECK;

#endif
