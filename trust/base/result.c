#include "trust/base/result.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
} rows[] = {
#define R(code, text) {#code, text},
#include "trust/base/result_table.h"
#undef R
};

struct dx_rc dx_failv(dx_why *why, dx_code code, const char *id, const char *clause, const char *text,
                      va_list args)
{
    if (why != NULL) {
        why->code = code;
        snprintf(why->id, sizeof why->id, "%s", id);
        snprintf(why->clause, sizeof why->clause, "%s", clause);
        vsnprintf(why->text, sizeof why->text, text, args);
    }
    return (struct dx_rc){code};
}

struct dx_rc dx_fail(dx_why *why, dx_code code, const char *id, const char *clause, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    struct dx_rc rc = dx_failv(why, code, id, clause, text, args);
    va_end(args);
    return rc;
}

static size_t row(dx_code code)
{
    return (size_t)code < DX_CODE_COUNT ? (size_t)code : (size_t)DX_INTERNAL;
}

const char *dx_code_name(dx_code code)
{
    return rows[row(code)].name;
}

const char *dx_code_text(dx_code code)
{
    return rows[row(code)].text;
}

int dx_code_exit(dx_code code)
{
    switch (code) {
    case DX_OK:
        return 0;
    case DX_REFUSED:
    case DX_BAD_SIGNATURE:
    case DX_MALFORMED:
    case DX_TOO_LARGE:
        return 1;
    case DX_USAGE:
    case DX_CONFIG:
        return 2;
    case DX_NOT_FOUND:
    case DX_UNREACHABLE:
    case DX_TIMEOUT:
    case DX_BUSY:
    case DX_NO_SPACE:
    case DX_IO:
    case DX_UNSUPPORTED:
        return 3;
    case DX_BROKEN:
        return 4;
    case DX_NO_MEMORY:
    case DX_INTERNAL:
    case DX_CODE_COUNT:
        break;
    }
    return 5;
}
