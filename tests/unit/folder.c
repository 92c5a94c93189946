#include "test.h"

#include "state/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/cdc-folder-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[128];
    snprintf(line, sizeof line, "rm -rf %s", dir);
    return system(line);
}

static const char *in_dir(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

// text NULL: there must be no such file.
static void check_file(const char *name, const char *text)
{
    struct buf content;
    struct err e;
    bool found;
    buf_init(&content, FOLDER_FILE_MAX_BYTES);
    if (!folder_read(dir, name, &content, &found, &e))
        fail_msg("%s", e.text);
    assert_int_equal(found, text != NULL);
    if (text != NULL)
        assert_span(buf_view(&content), text);
    buf_release(&content);
}

static void check_error(const char *name, enum status status, const char *words)
{
    struct buf content;
    struct err e;
    bool found;
    buf_init(&content, FOLDER_FILE_MAX_BYTES);
    assert_false(folder_read(dir, name, &content, &found, &e));
    assert_false(found);
    assert_int_equal(e.status, status);
    if (strstr(e.text, words) == NULL && strstr(e.hint, words) == NULL)
        fail_msg("\"%s\" (%s) does not say \"%s\"", e.text, e.hint, words);
    buf_release(&content);
}

static void replace(const char *name, const char *text)
{
    struct err e;
    if (!folder_replace(dir, name, span_of(text), &e))
        fail_msg("%s", e.text);
}

static void creates_once(void **state)
{
    (void)state;
    struct err e;
    char path[128];
    snprintf(path, sizeof path, "%s/new", dir);
    assert_true(folder_create(path, &e));
    assert_true(folder_create(path, &e));
    snprintf(path, sizeof path, "%s/none/new", dir);
    assert_false(folder_create(path, &e));
    assert_int_equal(e.status, STATUS_USAGE);
    put("file", "");
    assert_false(folder_create(in_dir("file"), &e));
    assert_int_equal(e.status, STATUS_USAGE);
}

static void keeps_the_version_before(void **state)
{
    (void)state;
    check_file("source", NULL);
    replace("source", "{\"n\":1}\n");
    check_file("source", "{\"n\":1}\n");
    check_file("source.bak", NULL);
    replace("source", "{\"n\":2}\n");
    replace("source", "{\"n\":3}\n");
    check_file("source", "{\"n\":3}\n");
    check_file("source.bak", "{\"n\":2}\n");
}

// A kill between the backup and the rename leaves one file under both names, and a temporary one.
static void goes_on_after_a_kill(void **state)
{
    (void)state;
    char backup[256];
    replace("source", "1");
    replace("source", "2");
    snprintf(backup, sizeof backup, "%s", in_dir("source.bak"));
    assert_int_equal(unlink(backup), 0);
    assert_int_equal(link(in_dir("source"), backup), 0);
    put("source.tmp", "a torn and very much longer text than the next");
    check_file("source", "2");
    replace("source", "3");
    check_file("source", "3");
    check_file("source.bak", "2");
    check_file("source.tmp", NULL);
    check_file("source.bak.tmp", NULL);
}

static void damaged_is_not_missing(void **state)
{
    (void)state;
    put("source", "");
    check_error("source", STATUS_DATA, "no backup");
    put("source", "{\"n\":");
    check_error("source", STATUS_DATA, "/source is damaged");
    put("source.bak", "{}");
    check_error("source", STATUS_DATA, "source.bak");
    unlink(in_dir("source"));
    check_error("source", STATUS_DATA, "source.bak");
    unlink(in_dir("source.bak"));
    check_file("source", NULL);
}

static void unreadable_is_not_missing(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_dir("source"), 0777), 0);
    check_error("source", STATUS_IO, "/source");
}

// Starts a child that holds what `take` takes, until told to end.
struct child {
    pid_t pid;
    int tell;
};

static struct child start_holder(bool lock)
{
    int ready[2], tell[2];
    char byte;
    assert_int_equal(pipe(ready) | pipe(tell), 0);
    struct child c = {fork(), tell[1]};
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        struct folder_lock held;
        struct err e;
        close(tell[1]);
        bool ok = lock ? folder_lock(dir, &held, &e) : folder_hold(dir, "source", &held, &e);
        if (!ok || write(ready[1], "", 1) != 1)
            _exit(1);
        _exit(read(tell[0], &byte, 1) < 0);
    }
    close(tell[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return c;
}

static void end_holder(struct child c)
{
    int status;
    close(c.tell);
    assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
    assert_int_equal(status, 0);
}

static void a_second_holder_is_fenced(void **state)
{
    (void)state;
    struct folder_lock hold;
    struct err e;
    char pid[32];
    struct child c = start_holder(false);
    assert_true(folder_hold(dir, "sink.other", &hold, &e));
    folder_unlock(&hold);
    assert_false(folder_hold(dir, "source", &hold, &e));
    assert_int_equal(e.status, STATUS_FENCED);
    assert_int_equal(hold.fd, -1);
    snprintf(pid, sizeof pid, "process %ld", (long)c.pid);
    assert_non_null(strstr(e.text, pid));
    replace("source", "1");
    end_holder(c);
    assert_true(folder_hold(dir, "source", &hold, &e));
    folder_unlock(&hold);
}

static void waits_for_the_lock(void **state)
{
    (void)state;
    struct child c = start_holder(true);
    pid_t waiter = fork();
    if (waiter == 0) {
        struct err e;
        close(c.tell);
        _exit(folder_replace(dir, "source", (struct span)SPAN_LIT("1"), &e) ? 0 : 1);
    }
    int status;
    struct timespec moment = {0, 50000000};
    nanosleep(&moment, NULL);
    check_file("source", NULL);
    assert_int_equal(waitpid(waiter, &status, WNOHANG), 0);
    end_holder(c);
    assert_int_equal(waitpid(waiter, &status, 0), waiter);
    assert_int_equal(status, 0);
    check_file("source", "1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(creates_once),           TEST(keeps_the_version_before),  TEST(goes_on_after_a_kill),
        TEST(damaged_is_not_missing), TEST(unreadable_is_not_missing), TEST(a_second_holder_is_fenced),
        TEST(waits_for_the_lock),
    };
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
