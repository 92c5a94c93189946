#include "base/cmd.h"

#include "base/log.h"
#include "base/stop.h"

#include <errno.h>
#include <stdio.h>

static void help(const struct cmd *c)
{
    printf("%s\n\nusage: %s\n", c->about, c->usage);
    opt_help(c->options);
    printf("\nThe manual: man %s; the suite: man 7 cdc\n", c->name);
}

static bool start(const struct cmd *c, int argc, char **argv, int *status,
                  bool (*run)(int, char **, int *, struct err *), struct err *e)
{
    int operands;
    enum opt_ask ask;
    if (!opt_parse(c->options, argc, argv, &operands, &ask, e))
        return false;
    if (ask == OPT_ASK_HELP) {
        help(c);
        return true;
    }
    if (ask == OPT_ASK_VERSION) {
        printf("%s %s\n", c->name, CDC_VERSION);
        return true;
    }
    if (operands < c->min_operands || operands > c->max_operands) {
        err_set(e, STATUS_USAGE, "%s",
                operands < c->min_operands ? "an operand is missing" : "too many operands");
        return err_hint(e, "usage: %s", c->usage);
    }
    return run(operands, argv + 1, status, e);
}

int cmd_main(const struct cmd *c, int argc, char **argv, bool (*run)(int, char **, int *, struct err *))
{
    log_name(c->name);
    stop_install();
    int status = STATUS_DONE;
    struct err e = {.status = STATUS_DONE};
    if (!start(c, argc, argv, &status, run, &e)) {
        status = (int)e.status;
        if (e.text[0] != '\0')
            log_err(&e);
    }
    opt_release(c->options);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == STATUS_DONE) {
        err_errno(&e, errno == EPIPE ? STATUS_PEER : STATUS_IO, "cannot write standard output");
        log_err(&e);
        status = (int)e.status;
    }
    return status;
}
