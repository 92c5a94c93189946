// The offset folder: small JSON files that outlive every kill, and the locks around them.
//
//   position, source        the files; each has one writer (cdc-offset; cdc-tail, cdc-snapshot)
//   NAME.bak                the version before the last one
//   NAME.tmp                what a kill left of an unfinished write; ignored, overwritten by the next
//   lock                    held for the moment of a read-modify-write
//   source.lock, sink.NAME.lock   held for the life of the process that is the source, or sink NAME's commit
//
// A file is replaced, never changed in place, so a reader needs no lock and sees one version, whole. Locks
// are fcntl's: they end with the process, however it ends, and are not inherited by a child.
//
// Errors: STATUS_IO where the system refuses, STATUS_DATA where a file is damaged. A damaged file, or a lost
// one whose backup is there, is never taken for a missing one: a pipeline would silently begin anew.
#ifndef CDC_STATE_FOLDER_H
#define CDC_STATE_FOLDER_H

#include "base/buf.h"

// What a file may take; `source` with the schemas of ten thousand tables stays below it.
#define FOLDER_FILE_MAX_BYTES (64u << 20)

// Makes the folder if it is missing; its parent must be there.
bool folder_create(const char *dir, struct err *e) MUST_CHECK;

// Sets content to the named file. found: whether there is one; a missing folder has none. The content is one
// valid JSON value. content is cut off at its own cap, which is at most FOLDER_FILE_MAX_BYTES.
bool folder_read(const char *dir, const char *name, struct buf *content, bool *found,
                 struct err *e) MUST_CHECK;

// For a reader that finds less in a file than it must hold. Returns false.
bool folder_damaged(const char *dir, const char *name, const char *why, struct err *e);

// Puts content, one JSON value, in the named file's place; on failure the old file stands. Takes the lock.
bool folder_replace(const char *dir, const char *name, struct span content, struct err *e) MUST_CHECK;

// A lock that is held; fd is -1 in one that is not.
struct folder_lock {
    int fd;
};

// For a read-modify-write: lock, folder_read, folder_replace_locked, unlock. Waits for another process, then
// fails with its pid: STATUS_IO, for nobody holds this lock for long.
bool folder_lock(const char *dir, struct folder_lock *lock, struct err *e) MUST_CHECK;
bool folder_replace_locked(const char *dir, const char *name, struct span content, struct err *e) MUST_CHECK;
void folder_unlock(struct folder_lock *lock);

// Makes this process the only one of its role: "source", or a sink's name with "sink." in front. Waits a
// moment, for a process that is about to end, then fails with STATUS_FENCED and the other's pid. Held until
// folder_unlock() or the end of the process.
bool folder_hold(const char *dir, const char *role, struct folder_lock *hold, struct err *e) MUST_CHECK;

#endif
