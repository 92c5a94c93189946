// Feeds a fuzz target every file of its corpus and every beginning of each, and speaks TAP:
//   TARGET FOLDER
// Each input is a copy of its exact size, so that a sanitizer sees a read behind its end.
#include "base/io.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX_BYTES (1u << 20)
// A longer file is fed whole only.
#define CUT_MAX_BYTES 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct span text)
{
    uint8_t *copy = malloc(text.n != 0 ? text.n : 1);
    if (copy == NULL)
        abort();
    if (text.n != 0)
        memcpy(copy, text.p, text.n);
    LLVMFuzzerTestOneInput(copy, text.n);
    free(copy);
}

static bool feed_file(const char *path)
{
    struct buf text;
    struct err e;
    buf_init(&text, FILE_MAX_BYTES);
    bool ok = io_read_file(path, &text, &e);
    if (ok) {
        printf("# %s\n", path); // the last one printed is the one that broke it
        fflush(stdout);
        feed(buf_view(&text));
        for (size_t n = 0; n < text.n && text.n <= CUT_MAX_BYTES; n++)
            feed((struct span){text.p, n});
    } else {
        printf("# %s\n", e.text);
    }
    buf_release(&text);
    return ok;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    bool ok = folder != NULL;
    int files = 0;
    printf("1..1\n");
    for (struct dirent *entry; ok && (entry = readdir(folder)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        ok = feed_file(path);
        files++;
    }
    if (folder != NULL)
        closedir(folder);
    ok = ok && files != 0;
    printf("%s 1 - %s: %d files and their beginnings\n", ok ? "ok" : "not ok", argc == 2 ? argv[1] : "?",
           files);
    return !ok;
}
