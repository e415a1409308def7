/* cli.h -- the gateway and everything it does, by hand, with the same code.
 *
 * Exit codes, the same everywhere: 0 yes or done; 1 the answer is no; 2 usage or configuration; 3 could not
 * find out; 4 the log is broken, fenced or owned by someone else; 5 internal fault.
 */
#ifndef GATEWAY_CLI_CLI_H
#define GATEWAY_CLI_CLI_H

#include "gateway/config/config.h"
#include "trust/base/json.h"

int cli_main(int argc, char **argv);

/* One row per command: name, what it does, its usage. */
typedef int cli_command(int argc, char **argv);
#define C(name, words, usage, help) cli_command cli_##name;
#include "gateway/cli/command_table.h"
#undef C

/* ---- shared by commands ---- */

/* Options of one command: --name VALUE, --flag; the rest are words. */
typedef struct {
    const char *name; /* with dashes */
    bool flag;
    const char *value;    /* set when given; the flag's own name for flags */
    const char *more[15]; /* further values of a repeated option */
    unsigned count;
} cli_option;
/* Fills `options` (ended by name NULL) and moves words to the front of argv from [1] on. Unknown options:
 * says so, false. */
bool cli_options(int *argc, char **argv, cli_option *options);
const char *cli_value(const cli_option *options, const char *name); /* NULL: not given */

DX_RC cli_commands(bool roff, dx_buf *out);       /* every command, for people or for a manual page */
int cli_usage(const char *command);               /* prints the usage line, returns 2 */
int cli_fail(const dx_why *why, struct dx_rc rc); /* prints id, clause, text; returns the exit code */
/* Loads a configuration or prints everything that is wrong with it. */
DX_RC cli_config(const char *file, config **out, dx_why *why);
bool cli_time(const char *text, int64_t *unix_s); /* RFC 3339 */
/* Prints one JSON value without a line end, and lets go of it; "null" for NULL (no memory, or a text that is
 * not UTF-8). */
void cli_json(json_t *value);

#endif
