// The frame of every command: options, --help, --version, the error on the way out, the exit status.
#ifndef CDC_BASE_CMD_H
#define CDC_BASE_CMD_H

#include "base/opt.h"

struct cmd {
    const char *name;
    const char *usage; // the lines behind "usage: "
    const char *about; // one line
    const struct opt *options;
    int min_operands, max_operands;
};

// Names the log, installs the stop flag, parses the options and calls run with the operands. Returns the exit
// status: what run returned, or the error's status if it returned false, after the error was printed.
// Standard output is flushed and checked: a command whose output was lost does not exit 0.
int cmd_main(const struct cmd *c, int argc, char **argv,
             bool (*run)(int operands, char **operand, int *status, struct err *e));

#endif
