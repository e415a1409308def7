#include "gateway/cli/cli.h"

#include "trust/base/clock.h"

#include <stdio.h>

static const struct {
    const char *words, *usage, *help;
    cli_command *run;
} commands[] = {
#define C(name, words, usage, help) {words, usage, help, cli_##name},
#include "gateway/cli/command_table.h"
#undef C
};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static void print_help(FILE *out)
{
    fputs("sekisho: a checkpoint for data that crosses a border\n\nusage: sekisho COMMAND ... (sekisho "
          "COMMAND --help)\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-20s %s\n", commands[i].words, commands[i].help);
    fputs("\nexit: 0 yes, 1 no, 2 usage or configuration, 3 could not find out, 4 the log is broken or in "
          "use, 5 internal fault\n",
          out);
}

int cli_main(int argc, char **argv)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *space = strchr(commands[i].words, ' ');
        size_t first = space == NULL ? strlen(commands[i].words) : (size_t)(space - commands[i].words);
        int words = space == NULL ? 1 : 2;
        if (argc <= words || strlen(argv[1]) != first || strncmp(argv[1], commands[i].words, first) != 0 ||
            (space != NULL && strcmp(argv[2], space + 1) != 0))
            continue;
        for (int k = words + 1; k < argc; k++)
            if (strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0) {
                printf("usage: sekisho %s\n  %s\n", commands[i].usage, commands[i].help);
                return 0;
            }
        return commands[i].run(argc - words, argv + words);
    }
    bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
                              strcmp(argv[1], "help") == 0);
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return cli_version(1, argv);
    print_help(asked ? stdout : stderr);
    return asked ? 0 : 2;
}

DX_RC cli_commands(bool roff, dx_buf *out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        DX_TRY(dx_buf_add_text(out, roff ? ".TP\n.B sekisho " : "sekisho "));
        DX_TRY(roff ? config_roff(commands[i].usage, out) : dx_buf_add_text(out, commands[i].usage));
        DX_TRY(dx_buf_add_text(out, roff ? "\n" : "\n    "));
        DX_TRY(roff ? config_roff(commands[i].help, out) : dx_buf_add_text(out, commands[i].help));
        DX_TRY(dx_buf_add_text(out, ".\n"));
    }
    return DX_OKAY;
}

int cli_usage(const char *command)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].words, command) == 0)
            fprintf(stderr, "usage: sekisho %s\n", commands[i].usage);
    return 2;
}

bool cli_options(int *argc, char **argv, cli_option *options)
{
    int words = 1;
    for (int i = 1; i < *argc; i++) {
        cli_option *o = options;
        if (argv[i][0] != '-' || argv[i][1] == 0) {
            argv[words++] = argv[i];
            continue;
        }
        while (o->name != NULL && strcmp(o->name, argv[i]) != 0)
            o++;
        if (o->name == NULL) {
            fprintf(stderr, "sekisho: unknown option %s\n", argv[i]);
            return false;
        }
        if (!o->flag && i + 1 >= *argc) {
            fprintf(stderr, "sekisho: %s needs a value\n", argv[i]);
            return false;
        }
        const char *value = o->flag ? o->name : argv[++i];
        if (o->count == 0)
            o->value = value;
        else if (o->count <= sizeof o->more / sizeof *o->more)
            o->more[o->count - 1] = value;
        o->count++;
    }
    *argc = words;
    return true;
}

const char *cli_value(const cli_option *options, const char *name)
{
    for (; options->name != NULL; options++)
        if (strcmp(options->name, name) == 0)
            return options->value;
    return NULL;
}

int cli_fail(const dx_why *why, struct dx_rc rc)
{
    fprintf(stderr, "sekisho: %s", why->text[0] ? why->text : dx_code_text(rc.code));
    if (why->id[0])
        fprintf(stderr, " [%s%s%s]", why->id, why->clause[0] ? ", " : "", why->clause);
    else if (why->clause[0])
        fprintf(stderr, " [%s]", why->clause);
    fputc('\n', stderr);
    return dx_code_exit(rc.code);
}

DX_RC cli_config(const char *file, config **out, dx_why *why)
{
    config_findings findings = {0};
    struct dx_rc rc = config_load(&dx_io_system, file, out, &findings, why);
    for (size_t i = 0; i < findings.count; i++) {
        const config_finding *f = &findings.items[i];
        if (f->line > 0)
            fprintf(stderr, "%s:%u:%u: %s: %s\n", file, f->line, f->column, f->pointer, f->text);
        else
            fprintf(stderr, "%s: %s\n", file, f->text);
    }
    config_findings_fini(&findings);
    if (rc.code == DX_NOT_FOUND || rc.code == DX_TOO_LARGE || rc.code == DX_IO)
        rc.code = DX_CONFIG;
    return rc;
}

bool cli_time(const char *text, int64_t *unix_s)
{
    int64_t us;
    if (!dx_time_parse(dx_bytes_text(text), false, &us)) {
        fprintf(stderr, "sekisho: %s is not an RFC 3339 time like 2026-08-21T12:00:00Z\n", text);
        return false;
    }
    *unix_s = us / 1000000;
    return true;
}

void cli_json(json_t *value)
{
    if (value == NULL || json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        fputs("null", stdout);
    json_decref(value);
}
