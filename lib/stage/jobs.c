#include "stage/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct worker {
    struct jobs *jobs;
    size_t number;
    pthread_t thread;
};

struct jobs {
    struct worker *workers;
    size_t n; // workers beside the caller
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    unsigned long round; // counts the batches
    size_t busy;
    bool stops;

    jobs_work *work;
    void *context;
    size_t items, grain;
    atomic_size_t next;
};

static void work_on(struct jobs *j, size_t worker)
{
    for (;;) {
        size_t at = atomic_fetch_add(&j->next, j->grain);
        if (at >= j->items)
            return;
        for (size_t end = at + j->grain < j->items ? at + j->grain : j->items; at < end; at++)
            j->work(j->context, worker, at);
    }
}

static void *serve(void *context)
{
    struct worker *w = context;
    struct jobs *j = w->jobs;
    unsigned long seen = 0;
    pthread_mutex_lock(&j->lock);
    for (;;) {
        while (j->round == seen && !j->stops)
            pthread_cond_wait(&j->wake, &j->lock);
        if (j->stops)
            break;
        seen = j->round;
        pthread_mutex_unlock(&j->lock);
        work_on(j, w->number);
        pthread_mutex_lock(&j->lock);
        if (--j->busy == 0)
            pthread_cond_signal(&j->done);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static bool start_workers(struct jobs *j, size_t n, struct err *e)
{
    for (; j->n < n; j->n++) {
        struct worker *w = &j->workers[j->n];
        *w = (struct worker){.jobs = j, .number = j->n + 1};
        if (pthread_create(&w->thread, NULL, serve, w) != 0)
            return err_set(e, STATUS_IO, "cannot start a thread; --jobs %zu", n + 1);
    }
    return true;
}

bool jobs_start(struct jobs **jobs, size_t workers, struct err *e)
{
    struct jobs *j = *jobs = calloc(1, sizeof *j);
    if (j == NULL)
        return err_no_memory(e);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    pthread_cond_init(&j->done, NULL);
    j->workers = calloc(workers, sizeof *j->workers);
    if (j->workers == NULL)
        return err_no_memory(e);
    // The stop signal must interrupt the thread that waits for input.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = start_workers(j, workers - 1, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

void jobs_stop(struct jobs *j)
{
    if (j == NULL)
        return;
    pthread_mutex_lock(&j->lock);
    j->stops = true;
    pthread_cond_broadcast(&j->wake);
    pthread_mutex_unlock(&j->lock);
    for (size_t i = 0; i < j->n; i++)
        pthread_join(j->workers[i].thread, NULL);
    free(j->workers);
    free(j);
}

void jobs_run(struct jobs *j, jobs_work *work, void *context, size_t items, size_t grain)
{
    // For a few items no other thread is worth its waking.
    bool alone = j->n == 0 || items <= grain;
    j->work = work, j->context = context, j->items = items, j->grain = grain;
    atomic_store(&j->next, 0);
    if (!alone) {
        pthread_mutex_lock(&j->lock);
        j->busy = j->n;
        j->round++;
        pthread_cond_broadcast(&j->wake);
        pthread_mutex_unlock(&j->lock);
    }
    work_on(j, 0);
    if (alone)
        return;
    pthread_mutex_lock(&j->lock);
    while (j->busy != 0)
        pthread_cond_wait(&j->done, &j->lock);
    pthread_mutex_unlock(&j->lock);
}
