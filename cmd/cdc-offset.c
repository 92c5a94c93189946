#include "base/cmd.h"

static const struct opt options[] = {{.type = OPT_END}};

static const struct cmd command = {
    .name = "cdc-offset",
    .usage = "cdc-offset COMMAND DIR",
    .about = "Keeps the positions that sinks acknowledge in an offset folder.",
    .options = options,
    .max_operands = 3,
};

static bool run(int operands, char **operand, int *status, struct err *e)
{
    (void)operands, (void)operand, (void)status;
    return err_set(e, STATUS_USAGE, "not yet");
}

int main(int argc, char **argv)
{
    return cmd_main(&command, argc, argv, run);
}
