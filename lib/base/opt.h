// Command-line options from a table: one entry gives the parser, the --help line and the alias their words.
//
// Options may stand before, between and after operands; "--" ends them. A long option takes its value as
// --name=value or --name value, a letter as -nvalue or -n value. A boolean alone is true; it takes =true or
// =false, never the next word. Durations are written 50ms, 2s, 10m, 1h; sizes 512, 64KiB, 16MiB, 1GiB.
//
// An OPT_FAMILY's name has variable parts, written {N}: column-mask-with-{N}-chars is given as
// --column-mask-with-8-chars REGEX. A part is as short as it can be. Of two options that fit, the first in
// the table counts.
#ifndef CDC_BASE_OPT_H
#define CDC_BASE_OPT_H

#include "base/err.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

enum opt_type {
    OPT_END = 0,
    OPT_HEADING,  // help: the group's title
    OPT_BOOL,     // bool
    OPT_STRING,   // const char *, borrowed from argv
    OPT_LIST,     // struct opt_list, one entry for each time the option is given
    OPT_FAMILY,   // struct opt_family, the same
    OPT_COUNT,    // uint64_t
    OPT_DURATION, // int64_t, milliseconds
    OPT_SIZE,     // uint64_t, bytes
};

struct opt_list {
    const char **at; // the entries are borrowed from argv
    size_t n;
};

#define OPT_PARTS 2

struct opt_member {
    struct span part[OPT_PARTS]; // what stood for the name's variable parts
    const char *value;
};

struct opt_family {
    struct opt_member *at; // borrowed from argv, as a list's entries are
    size_t n;
};

struct opt {
    enum opt_type type;
    const char *name;  // without dashes
    const char *alias; // another long name, or NULL
    char letter;       // or 0
    void *to;          // where the value goes; what stands there is the default
    const char *value; // help: what the value is called
    const char *help;
};

enum opt_ask { OPT_ASK_RUN, OPT_ASK_HELP, OPT_ASK_VERSION };

// Moves the operands to the front of argv + 1 and counts them in *operands. --help and --version are built in
// and told in *ask.
bool opt_parse(const struct opt *table, int argc, char **argv, int *operands, enum opt_ask *ask,
               struct err *e) MUST_CHECK;
void opt_help(const struct opt *table);

// Frees the lists' arrays.
void opt_release(const struct opt *table);

// Which of the names text is. STATUS_USAGE lists them.
bool opt_choice(const char *option, const char *text, const char *const *names, size_t n, int *choice,
                struct err *e) MUST_CHECK;

bool opt_duration(const char *text, int64_t *ms) MUST_CHECK;
bool opt_size(const char *text, uint64_t *bytes) MUST_CHECK;
bool opt_count(const char *text, uint64_t *v) MUST_CHECK;

#endif
