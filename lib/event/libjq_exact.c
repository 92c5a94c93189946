#include "event/libjq_exact.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What all others use; jq's own operators, as it stands in front of them.
static const char basis[] =
    "def _cdc_fail: \"" LIBJQ_EXACT_SAYS "\" | debug | error; "
    "def _cdc_long: type == \"number\" and (. >= 9007199254740992 or . <= "
    "-9007199254740992); "
    "def _cdc_has: ([.. | select(_cdc_long)] | length) > 0; "
    "def _cdc_exact: if _cdc_has then _cdc_fail else . end; "
    "def _cdc_numbers($a; $b): if (($a | _cdc_long) or ($b | _cdc_long)) and ($a | type) "
    "== \"number\" and "
    "($b | type) == \"number\" then _cdc_fail else . end; "
    "def _cdc_both($a; $b): if ($a | _cdc_has) and ($b | _cdc_has) then _cdc_fail else . "
    "end; "
    "def _cdc_order($a; $b): if $a == $b or ($a | type) != \"number\" or ($b | type) != "
    "\"number\" then "
    "_cdc_both($a; $b) else . end; "
    "def _cdc_factors($a; $b): if ($a | _cdc_long) or ($b | _cdc_long) then _cdc_fail else "
    ". end; "
    "def _cdc_minuend($a; $b): if ($a | type) == \"array\" and ($b | type) == \"array\" "
    "then _cdc_both($a; "
    "$b) "
    "else _cdc_numbers($a; $b) end; ";

struct definition {
    const char *sign; // what the expression has where it is needed
    const char *text;
};

// jq evaluates an operator's right side first.
#define OPERATOR(sign, name, check)                                                                          \
    {                                                                                                        \
        sign, "def _cdc" name "(a; b): a " sign " b; def " name "(a; b): b as $b | a as $a | " check         \
              " | _cdc" name "($a; $b); "                                                                    \
    }

static const struct definition operators[] = {
    OPERATOR("==", "_equal", "if _cdc_equal($a; $b) then _cdc_both($a; $b) else . end"),
    OPERATOR("!=", "_notequal", "if _cdc_notequal($a; $b) then . else _cdc_both($a; $b) end"),
    OPERATOR("<", "_less", "_cdc_order($a; $b)"),
    OPERATOR("<=", "_lesseq", "_cdc_order($a; $b)"),
    OPERATOR(">", "_greater", "_cdc_order($a; $b)"),
    OPERATOR(">=", "_greatereq", "_cdc_order($a; $b)"),
    OPERATOR("+", "_plus", "_cdc_numbers($a; $b)"),
    OPERATOR("-", "_minus", "_cdc_minuend($a; $b)"),
    OPERATOR("*", "_multiply", "_cdc_factors($a; $b)"),
    OPERATOR("/", "_divide", "_cdc_numbers($a; $b)"),
    OPERATOR("%", "_mod", "_cdc_numbers($a; $b)"),
};

// Functions that jq itself defines by its operators, or that look at a part of what they get.
static const struct definition own[] = {
    {"add/0", "def add: reduce .[] as $x (null; . + $x); "},
    {"add/1", "def add(f): reduce f as $x (null; . + $x); "},
    {"IN/1", "def IN(s): any(s == .; .); "},
    {"IN/2", "def IN(src; s): any(src == s; .); "},
    {"from_entries/0",
     "def _cdc_from_entries: from_entries; def from_entries: ([.[] | objects | (.key, .k, .name, .Name, .K, "
     ".Key) | select(type == \"number\")] | _cdc_exact) as $names | _cdc_from_entries; "},
    {"with_entries/1", "def with_entries(f): to_entries | map(f) | from_entries; "},
};

// What a function must not get such a number in.
enum part { NOTHING, INPUT, LAST, ARGUMENTS, ALL };

// Functions that take numbers for what they are; those that are in no list may do anything.
static const struct {
    enum part part;
    const char *names; // with spaces around each
} known[] = {
    {NOTHING,
     " JOIN all any arrays ascii_downcase ascii_upcase booleans builtins capture combinations debug del "
     "delpaths empty endswith env error explode finites first flatten fromjson fromstream get_jq_origin "
     "get_prog_origin get_search_list getpath gsub halt halt_error has have_decnum have_literal_numbers in "
     "infinite input input_filename input_line_number inputs isempty isfinite isinfinite isnan isnormal "
     "isvalid iterables keys keys_unsorted last leaf_paths length limit ltrim ltrimstr map map_values match "
     "modulemeta nan normals not now nth nulls numbers objects path paths pick recurse recurse_down repeat "
     "reverse rtrim rtrimstr scalars scalars_or_empty scan select setpath skip split splits startswith "
     "stderr "
     "strings sub test to_entries toarray tonumber tostream transpose trim trimstr truncate_stream type "
     "until "
     "utf8bytelength values walk while "},
    {INPUT, " format inside join max min sort tojson tostring unique "},
    {LAST, " INDEX bsearch contains group_by index indices max_by min_by rindex sort_by unique_by "},
    {ARGUMENTS, " range "},
};

static enum part part_of(const char *name)
{
    char spaced[80];
    snprintf(spaced, sizeof spaced, " %.70s ", name);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(known[i].names, spaced) != NULL)
            return known[i].part;
    return ALL;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool names(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = text; (p = strstr(p, name)) != NULL; p += n)
        if ((p == text || !is_word(p[-1])) && !is_word(p[n]))
            return true;
    // String interpolation, @base64 and the like.
    return strcmp(name, "format") == 0 && (strchr(text, '@') != NULL || strstr(text, "\\(") != NULL);
}

static void put_parameters(struct buf *out, long n, bool checked, enum part part)
{
    for (long i = 0; i < n; i++) {
        bool checks = checked && (part == ALL || part == ARGUMENTS || (part == LAST && i == n - 1));
        buf_printf(out, "%s%c%s", i == 0 ? "(" : "; ", (char)('a' + i), checks ? " | _cdc_exact" : "");
    }
    buf_str(out, n != 0 ? ")" : "");
}

static void put_function(struct buf *out, const char *name, long n)
{
    enum part part = part_of(name);
    if (part == NOTHING || n > 8)
        return;
    buf_printf(out, "def _cdc_%s", name);
    put_parameters(out, n, false, part);
    buf_printf(out, ": %s", name);
    put_parameters(out, n, false, part);
    buf_printf(out, "; def %s", name);
    put_parameters(out, n, false, part);
    buf_printf(out, ": %s_cdc_%s", part == ALL || part == INPUT ? "_cdc_exact | " : "", name);
    put_parameters(out, n, true, part);
    buf_str(out, "; ");
}

static bool put_own(struct buf *out, const char *builtin)
{
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(own[i].sign, builtin) == 0) {
            buf_str(out, own[i].text);
            return true;
        }
    return false;
}

// builtin: NAME/N.
static void put_builtin(struct buf *out, const char *builtin, const char *text)
{
    char name[64];
    const char *slash = strchr(builtin, '/');
    if (slash == NULL || (size_t)(slash - builtin) >= sizeof name)
        return;
    snprintf(name, sizeof name, "%.*s", (int)(slash - builtin), builtin);
    // with_entries is defined by it.
    bool wanted = names(text, name) || (strcmp(name, "from_entries") == 0 && names(text, "with_entries"));
    if (wanted && !put_own(out, builtin))
        put_function(out, name, strtol(slash + 1, NULL, 10));
}

void libjq_exact(jv builtins, const char *text, struct buf *out)
{
    buf_str(out, basis);
    // Those that are defined by operators come behind them.
    bool sums = names(text, "add"), looks = names(text, "IN");
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        const char *sign = operators[i].sign;
        if (strstr(text, sign) != NULL || (sums && sign[0] == '+') || (looks && strcmp(sign, "==") == 0))
            buf_str(out, operators[i].text);
    }
    int n = jv_array_length(jv_copy(builtins));
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            jv builtin = jv_array_get(jv_copy(builtins), i);
            const char *name = jv_get_kind(builtin) == JV_KIND_STRING ? jv_string_value(builtin) : "";
            // The one that uses another of these comes last.
            if ((strcmp(name, "with_entries/1") == 0) == (pass == 1))
                put_builtin(out, name, text);
            jv_free(builtin);
        }
}
