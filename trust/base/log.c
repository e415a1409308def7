#include "trust/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES  8192
#define VALUE_MAX_BYTES 1024

static int log_fd = STDERR_FILENO;
static dx_log_level log_least = DX_LOG_INFO;
static const dx_clock *log_clock = &dx_clock_system;
static void (*log_heard)(dx_log_level, const char *, void *);
static void *log_context;

static const char *const level_names[] = {"debug", "info", "warn", "error", "security"};

void dx_log_open(int fd, dx_log_level least, const dx_clock *clock)
{
    log_fd = fd;
    log_least = least;
    log_clock = clock;
}

void dx_log_listen(void (*heard)(dx_log_level, const char *, void *), void *context)
{
    log_heard = heard;
    log_context = context;
}

typedef struct {
    char text[LINE_MAX_BYTES];
    size_t size;
} line;

static void put(line *l, const char *text, size_t size)
{
    /* Room for the closing brace and line feed stays free, so a cut line is still one line. */
    size_t room = sizeof l->text - 3 - l->size;
    if (size > room)
        size = room;
    memcpy(l->text + l->size, text, size);
    l->size += size;
}

static void put_escaped(line *l, dx_bytes value)
{
    bool utf8 = dx_bytes_utf8_ok(value);
    put(l, "\"", 1);
    for (size_t i = 0; i < value.size && i < VALUE_MAX_BYTES; i++) {
        uint8_t c = value.data[i];
        if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', (char)c};
            put(l, escaped, 2);
        } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
            char escaped[8];
            put(l, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
        } else {
            put(l, (const char *)&c, 1);
        }
    }
    put(l, "\"", 1);
}

void dx_log_fields(dx_log_level level, const char *event, const dx_field *fields)
{
    if (log_heard != NULL)
        log_heard(level, event, log_context);
    if (level < log_least || log_fd < 0)
        return;
    line l = {.size = 0};
    char when[DX_TIME_SIZE];
    dx_time_print_us(dx_now_us(log_clock), when);
    char head[160];
    put(&l, head,
        (size_t)snprintf(head, sizeof head, "{\"ts\":\"%.23sZ\",\"level\":\"%s\",\"event\":\"%.64s\"", when,
                         level_names[level], event));
    for (; fields->kind != DX_F_END; fields++) {
        char number[32];
        if (fields->kind == DX_F_STR && fields->text == NULL)
            continue;
        put(&l, ",", 1);
        put_escaped(&l, dx_bytes_text(fields->name));
        put(&l, ":", 1);
        switch (fields->kind) {
        case DX_F_STR:
            put_escaped(&l, dx_bytes_text(fields->text));
            break;
        case DX_F_BYTES:
            put_escaped(&l, fields->bytes);
            break;
        case DX_F_INT:
            put(&l, number, (size_t)snprintf(number, sizeof number, "%" PRId64, fields->number));
            break;
        case DX_F_BOOL:
            put(&l, fields->number ? "true" : "false", fields->number ? 4 : 5);
            break;
        case DX_F_END:
            break;
        }
    }
    l.text[l.size++] = '}';
    l.text[l.size++] = '\n';
    if (write(log_fd, l.text, l.size) < 0) {
        /* Nowhere left to say so. */
    }
}

void dx_log_why(dx_log_level level, const char *event, const dx_why *why)
{
    dx_log(level, event, F_STR("code", dx_code_name(why->code)), F_STR("id", why->id[0] ? why->id : NULL),
           F_STR("clause", why->clause[0] ? why->clause : NULL), F_STR("text", why->text));
}
