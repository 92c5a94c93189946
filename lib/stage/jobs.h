// Work on the items of one batch by several threads. The results' order is the caller's: a work function
// writes to its own item, and to what belongs to its worker.
#ifndef CDC_STAGE_JOBS_H
#define CDC_STAGE_JOBS_H

#include "base/err.h"

#include <stddef.h>

struct jobs;

typedef void jobs_work(void *context, size_t worker, size_t item);

// workers: the calling thread is one of them. The others take no signals.
bool jobs_start(struct jobs **j, size_t workers, struct err *e) MUST_CHECK;
void jobs_stop(struct jobs *j);

// Returns when all items are worked on. grain: how many a thread takes at once; few enough that all end
// together.
void jobs_run(struct jobs *j, jobs_work *work, void *context, size_t items, size_t grain);

#endif
