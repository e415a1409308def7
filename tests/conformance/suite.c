#include "tests/conformance/suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GROUPS_MAX 64

static const char *suite_name;
static bool verbose;
static FILE *json;
static bool json_first = true;
static struct {
    char name[48];
    unsigned counts[3];
} groups[GROUPS_MAX];
static unsigned group_count, totals[3];

static const char *const outcomes[] = {"passed", "failed", "skipped"};

static void print_json_text(const char *text)
{
    fputc('"', json);
    for (; *text != 0; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(json, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(json, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, json);
    }
    fputc('"', json);
}

static void count(unsigned outcome, const char *group, const char *what, const char *why)
{
    unsigned i = 0;
    while (i < group_count && strcmp(groups[i].name, group) != 0)
        i++;
    if (i == group_count && group_count < GROUPS_MAX)
        snprintf(groups[group_count++].name, sizeof groups->name, "%s", group);
    if (i < GROUPS_MAX)
        groups[i].counts[outcome]++;
    totals[outcome]++;
    if (verbose || outcome == 1)
        printf("  %-7s %s/%s%s%s\n", outcomes[outcome], group, what, why[0] ? ": " : "", why);
    if (json != NULL) {
        fprintf(json, "%s{\"suite\":\"%s\",\"group\":", json_first ? "" : ",\n", suite_name);
        print_json_text(group);
        fprintf(json, ",\"case\":");
        print_json_text(what);
        fprintf(json, ",\"outcome\":\"%s\",\"why\":", outcomes[outcome]);
        print_json_text(why);
        fputc('}', json);
        json_first = false;
    }
}

const char *suite_begin(const char *name, int argc, char **argv)
{
    const char *folder = NULL;
    suite_name = name;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            json = fopen(argv[++i], "w");
        else
            folder = argv[i];
    }
    if (json != NULL)
        fputc('[', json);
    if (folder == NULL) {
        fprintf(stderr, "usage: conformance_%s [-v] [--json FILE] DATA_DIR\n", name);
        exit(2);
    }
    struct stat st;
    if (stat(folder, &st) != 0) {
        suite_skip("all", folder, "no such data folder");
        exit(suite_end());
    }
    return folder;
}

void suite_pass(const char *group, const char *what)
{
    count(0, group, what, "");
}

static __attribute__((format(printf, 3, 0))) void fail_v(const char *group, const char *what, const char *why,
                                                         va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, why, args);
    count(1, group, what, text);
}

void suite_fail(const char *group, const char *what, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    fail_v(group, what, why, args);
    va_end(args);
}

void suite_skip(const char *group, const char *what, const char *why)
{
    count(2, group, what, why);
}

bool suite_check(bool ok, const char *group, const char *what, const char *why, ...)
{
    if (ok) {
        suite_pass(group, what);
    } else {
        va_list args;
        va_start(args, why);
        fail_v(group, what, why, args);
        va_end(args);
    }
    return ok;
}

int suite_end(void)
{
    for (unsigned i = 0; i < group_count; i++)
        printf("%s %-32s %5u passed, %u failed, %u skipped\n", suite_name, groups[i].name,
               groups[i].counts[0], groups[i].counts[1], groups[i].counts[2]);
    printf("%s: %u passed, %u failed, %u skipped\n", suite_name, totals[0], totals[1], totals[2]);
    if (json != NULL) {
        fputs("]\n", json);
        fclose(json);
    }
    return totals[1] > 0 ? 1 : 0;
}
