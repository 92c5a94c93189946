#include "base/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static bool scaled(const char *text, const struct unit *units, uint64_t *v)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    for (; units->name != NULL; units++)
        if (strcmp(end, units->name) == 0 && n <= (uint64_t)INT64_MAX / units->factor) {
            *v = n * units->factor;
            return true;
        }
    return false;
}

bool opt_duration(const char *text, int64_t *ms)
{
    static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
    uint64_t v;
    if (strcmp(text, "0") == 0)
        v = 0;
    else if (!scaled(text, units, &v))
        return false;
    *ms = (int64_t)v;
    return true;
}

bool opt_size(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};
    return scaled(text, units, bytes);
}

bool opt_count(const char *text, uint64_t *v)
{
    static const struct unit units[] = {{"", 1}, {NULL, 0}};
    return scaled(text, units, v);
}

bool opt_choice(const char *option, const char *text, const char *const *names, size_t n, int *choice,
                struct err *e)
{
    char list[256] = "";
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, names[i]) == 0) {
            *choice = (int)i;
            return true;
        }
        const char *comma = i == 0 ? "" : i + 1 == n ? " or " : ", ";
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", comma, names[i]);
    }
    return err_set(e, STATUS_USAGE, "--%s takes %s, not \"%s\"", option, list, text);
}

static bool list_add(struct opt_list *list, const char *text, struct err *e)
{
    const char **at = realloc(list->at, (list->n + 1) * sizeof *at);
    if (at == NULL)
        return err_no_memory(e);
    list->at = at;
    list->at[list->n++] = text;
    return true;
}

static bool family_add(struct opt_family *family, const struct opt_member *member, struct err *e)
{
    struct opt_member *at = realloc(family->at, (family->n + 1) * sizeof *at);
    if (at == NULL)
        return err_no_memory(e);
    family->at = at;
    family->at[family->n++] = *member;
    return true;
}

static bool store_bool(const struct opt *o, const char *text, struct err *e)
{
    bool is_true = text == NULL || strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return err_set(e, STATUS_USAGE, "--%s takes =true or =false, not \"%s\"", o->name, text);
    *(bool *)o->to = is_true;
    return true;
}

// parts: of a family's name.
static bool store(const struct opt *o, const char *text, const struct span *parts, struct err *e)
{
    switch (o->type) {
    case OPT_BOOL:
        return store_bool(o, text, e);
    case OPT_STRING:
        *(const char **)o->to = text;
        return true;
    case OPT_LIST:
        return list_add(o->to, text, e);
    case OPT_FAMILY:
        return family_add(o->to, &(struct opt_member){{parts[0], parts[1]}, text}, e);
    case OPT_COUNT:
        return opt_count(text, o->to) ||
               err_set(e, STATUS_USAGE, "--%s takes a whole number, not \"%s\"", o->name, text);
    case OPT_DURATION:
        return opt_duration(text, o->to) ||
               err_set(e, STATUS_USAGE, "--%s takes a duration such as 50ms, 2s or 10m, not \"%s\"", o->name,
                       text);
    case OPT_SIZE:
        return opt_size(text, o->to) ||
               err_set(e, STATUS_USAGE, "--%s takes a size such as 64KiB or 16MiB, not \"%s\"", o->name,
                       text);
    case OPT_END:
    case OPT_HEADING:
        break;
    }
    return err_set(e, STATUS_USAGE, "--%s cannot be given", o->name);
}

// Whether word is the name, {…} standing for any bytes but none.
static bool is_name(const char *name, struct span word, struct span *part)
{
    for (; *name != '{'; name++, word.p++, word.n--) {
        if (*name == '\0')
            return word.n == 0;
        if (word.n == 0 || *word.p != *name)
            return false;
    }
    const char *rest = strchr(name, '}') + 1;
    for (size_t n = 1; n <= word.n; n++)
        if (is_name(rest, (struct span){word.p + n, word.n - n}, part + 1)) {
            *part = (struct span){word.p, n};
            return true;
        }
    return false;
}

static const struct opt *find_long(const struct opt *table, struct span word, struct span *parts)
{
    for (; table->type != OPT_END; table++)
        if (table->type != OPT_HEADING && (is_name(table->name, word, parts) ||
                                           (table->alias != NULL && is_name(table->alias, word, parts))))
            return table;
    return NULL;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
    for (; table->type != OPT_END; table++)
        if (table->type != OPT_HEADING && table->letter == letter)
            return table;
    return NULL;
}

struct words {
    const struct opt *table;
    char **argv;
    int argc, at;
};

static bool take_value(struct words *w, const struct opt *o, const struct span *parts, struct err *e)
{
    if (w->at >= w->argc)
        return err_set(e, STATUS_USAGE, "--%s needs a value", o->name);
    return store(o, w->argv[w->at++], parts, e);
}

static bool take_long(struct words *w, const char *word, struct err *e)
{
    size_t n = strcspn(word, "=");
    struct span parts[OPT_PARTS] = {{"", 0}, {"", 0}};
    const struct opt *o = find_long(w->table, (struct span){word, n}, parts);
    if (o == NULL) {
        err_set(e, STATUS_USAGE, "there is no option --%.*s", (int)n, word);
        return err_hint(e, "--help lists the options");
    }
    if (word[n] == '=')
        return store(o, word + n + 1, parts, e);
    return o->type == OPT_BOOL ? store(o, NULL, parts, e) : take_value(w, o, parts, e);
}

static bool take_letters(struct words *w, const char *word, struct err *e)
{
    for (; *word != '\0'; word++) {
        const struct opt *o = find_letter(w->table, *word);
        if (o == NULL) {
            err_set(e, STATUS_USAGE, "there is no option -%c", *word);
            return err_hint(e, "--help lists the options");
        }
        if (o->type != OPT_BOOL)
            return word[1] != '\0' ? store(o, word + 1, NULL, e) : take_value(w, o, NULL, e);
        if (!store(o, NULL, NULL, e))
            return false;
    }
    return true;
}

bool opt_parse(const struct opt *table, int argc, char **argv, int *operands, enum opt_ask *ask,
               struct err *e)
{
    struct words w = {table, argv, argc, 1};
    *operands = 0;
    *ask = OPT_ASK_RUN;
    bool options = true;
    while (w.at < argc) {
        char *word = argv[w.at++];
        if (!options || word[0] != '-' || word[1] == '\0')
            argv[++*operands] = word;
        else if (strcmp(word, "--") == 0)
            options = false;
        else if (strcmp(word, "--help") == 0)
            *ask = OPT_ASK_HELP;
        else if (strcmp(word, "--version") == 0)
            *ask = OPT_ASK_VERSION;
        else if (!(word[1] == '-' ? take_long(&w, word + 2, e) : take_letters(&w, word + 1, e)))
            return false;
    }
    return true;
}

static void without_braces(char *to, size_t size, const char *name)
{
    size_t n = 0;
    for (; *name != '\0' && n + 1 < size; name++)
        if (*name != '{' && *name != '}')
            to[n++] = *name;
    to[n] = '\0';
}

// Columns, not bytes: a value's name may hold "…".
static int width(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static void help_row(const char *left, const char *help)
{
    if (width(left) > 32)
        printf("  %s\n  %32s  %s\n", left, "", help);
    else
        printf("  %s%*s  %s\n", left, 32 - width(left), "", help);
}

void opt_help(const struct opt *table)
{
    for (; table->type != OPT_END; table++) {
        if (table->type == OPT_HEADING) {
            printf("\n%s:\n", table->help);
            continue;
        }
        char left[96], name[64];
        without_braces(name, sizeof name, table->name);
        int n = table->letter != 0 ? snprintf(left, sizeof left, "-%c, ", table->letter)
                                   : snprintf(left, sizeof left, "    ");
        snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", name, table->value != NULL ? " " : "",
                 table->value != NULL ? table->value : "");
        help_row(left, table->help);
    }
    printf("\n");
    help_row("    --help", "this text");
    help_row("    --version", "the version");
}

void opt_release(const struct opt *table)
{
    for (; table->type != OPT_END; table++) {
        struct opt_list *list = table->to;
        struct opt_family *family = table->to;
        if (table->type == OPT_LIST) {
            free(list->at);
            *list = (struct opt_list){0};
        } else if (table->type == OPT_FAMILY) {
            free(family->at);
            *family = (struct opt_family){0};
        }
    }
}
