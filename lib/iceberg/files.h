// A table's files, by location: a path, or file:PATH or file://PATH. The one place that knows of file
// systems; object stores would come in here.
#ifndef CDC_ICEBERG_FILES_H
#define CDC_ICEBERG_FILES_H

#include "base/buf.h"

#include <stdint.h>

// The path that libduckdb may read or write. STATUS_USAGE where the location is of another kind.
bool ice_files_path(struct span location, struct buf *path, struct err *e) MUST_CHECK;

bool ice_files_read(struct span location, struct buf *out, struct err *e) MUST_CHECK;

// Makes the folders above it.
bool ice_files_make_room(struct span location, struct err *e) MUST_CHECK;

// A new file, durable with its name when this returns; one that is there already is an error.
bool ice_files_create(struct span location, struct span content, struct err *e) MUST_CHECK;

// Makes a file durable that somebody else has written, and tells its size.
bool ice_files_seal(struct span location, int64_t *bytes, struct err *e) MUST_CHECK;

// A file of ours that no metadata can name.
void ice_files_remove(struct span location);

// Calls see for each file below a folder, with its location and age, until it answers false. A folder that is
// not there holds none.
typedef bool ice_files_see(void *context, struct span location, int64_t modified_ms, struct err *e);
bool ice_files_walk(struct span location, ice_files_see *see, void *context, struct err *e) MUST_CHECK;

// A random name for a file, 36 characters and a NUL.
#define ICE_UUID_BYTES 37
bool ice_uuid(char text[ICE_UUID_BYTES], struct err *e) MUST_CHECK;
// A random snapshot id, above 0.
bool ice_snapshot_id(int64_t *id, struct err *e) MUST_CHECK;

#endif
