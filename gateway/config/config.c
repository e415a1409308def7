#include "gateway/config/config_private.h"

#include "trust/base/digest.h"

#include <inttypes.h>
#include <stdlib.h>

/* A file from its bytes to a config; the table of options, and the manual that grows from it. */

#define CONFIG_MAX_BYTES (1U << 20)

#define KIND_TEXT    TEXT
#define KIND_FILE    FILE_
#define KIND_PATH    PATH
#define KIND_NUMBER  NUMBER
#define KIND_BOOL    BOOL
#define KIND_TEXTS   TEXTS
#define KIND_NUMBERS NUMBERS
#define KIND_FILES   FILES
#define KIND_WORD    WORD
enum { no = 0, yes = 1 };

const config_section_row config_sections[SECTION_COUNT] = {
#define S(section, pointer, kind, help)                                                                      \
    {#section,                                                                                               \
     pointer,                                                                                                \
     help,                                                                                                   \
     kind,                                                                                                   \
     sizeof(config_##section),                                                                               \
     offsetof(config, section),                                                                              \
     offsetof(config, section##_count)},
#define O(...)
#include "gateway/config/config_table.h"
#undef S
#undef O
};

const config_option_row config_options[] = {
#define S(...)
#define O(section, key, member, kind, required, default, min, max, reload, help)                             \
    {SECTION_##section, key,      default, help, offsetof(config_##section, member),                         \
     KIND_##kind,       required, reload,  min,  max},
#include "gateway/config/config_table.h"
#undef S
#undef O
};
const size_t config_option_count = sizeof config_options / sizeof *config_options;

DX_RC config_load(const dx_io *io, const char *file, config **out, config_findings *findings, dx_why *why)
{
    *out = NULL;
    *findings = (config_findings){0};
    dx_buf text;
    DX_TRY(dx_io_read_file(io, file, CONFIG_MAX_BYTES, &text, why));
    config *c = calloc(1, sizeof *c);
    if (c == NULL) {
        dx_buf_fini(&text);
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the configuration");
    }
    config_loader l = {.out = c, .findings = findings, .text = dx_buf_view(&text), .io = io};
    const char *slash = strrchr(file, '/');
    json_t *root = NULL;
    struct dx_rc rc =
        dx_json_read(l.text, &(dx_json_limits){.max_bytes = CONFIG_MAX_BYTES, .max_depth = 16}, &root, why);
    snprintf(l.folder, sizeof l.folder, "%.*s", slash == NULL ? 1 : (int)(slash - file),
             slash == NULL ? "." : file);
    if (rc.code != DX_OK) {
        config_check_find(&l, "", false, "%s", why != NULL ? why->text : "not JSON");
        findings->items[0].line = 0; /* the text of the error names the line */
        rc = DX_FAIL(why, CONFIG, "", "%s is not usable", file);
    } else {
        dx_sha256(l.text, c->sha256);
        c->file = config_section_keep(&l, dx_bytes_text(file));
        for (section_id id = 0; id < SECTION_COUNT; id++)
            config_section_take(&l, id, root);
        config_check(&l);
        if (findings->count > 0)
            rc = DX_FAIL(why, CONFIG, "", "%s has %zu errors", file, findings->count);
        if (l.no_memory)
            rc = DX_FAIL(why, NO_MEMORY, "", "no memory for the configuration");
        config_check_sort(findings);
    }
    json_decref(root);
    dx_buf_fini(&text);
    if (rc.code != DX_OK)
        config_free(c);
    else
        *out = c;
    return rc;
}

void config_free(config *c)
{
    if (c == NULL)
        return;
    dx_arena_fini(&c->arena);
    free(c);
}

DX_RC config_roff(const char *text, dx_buf *out)
{
    if (*text == '.' || *text == '\'')
        DX_TRY(dx_buf_add_text(out, "\\&")); /* no request */
    for (; *text != 0; text++)
        DX_TRY(*text == '\\'  ? dx_buf_add_text(out, "\\e")
               : *text == '-' ? dx_buf_add_text(out, "\\-") /* what people copy is no hyphen */
                              : dx_buf_add_byte(out, (uint8_t)*text));
    return DX_OKAY;
}

static DX_RC add_text(bool roff, const char *text, dx_buf *out)
{
    return roff ? config_roff(text, out) : dx_buf_add_text(out, text);
}

static DX_RC add_option(bool roff, const config_option_row *o, dx_buf *out)
{
    static const char *const kinds[] = {
        "text",           "file", "path", "number", "true or false", "array of texts", "array of numbers",
        "array of files", "word"};
    DX_TRY(dx_buf_addf(out, roff ? ".TP\n.B %s\n" : "    %-22s ", o->key));
    DX_TRY(dx_buf_addf(out, "%s%s", kinds[o->kind], o->required ? ", required" : ""));
    if (o->default_[0] != 0) {
        DX_TRY(dx_buf_add_text(out, ", default "));
        DX_TRY(add_text(roff, o->default_, out));
    }
    if (o->kind == NUMBER)
        DX_TRY(dx_buf_addf(out, ", %" PRId64 " to %" PRId64, o->min, o->max));
    DX_TRY(dx_buf_add_text(out, ". "));
    DX_TRY(add_text(roff, o->help, out));
    return dx_buf_add_text(out, o->reload ? "\n" : " Needs a restart.\n");
}

DX_RC config_manual(bool roff, dx_buf *out)
{
    for (section_id id = 0; id < SECTION_COUNT; id++) {
        const config_section_row *s = &config_sections[id];
        const char *shape = s->kind == ARRAY ? " (array)"
                            : s->kind == MAP ? " (object of objects by name)"
                                             : "";
        DX_TRY(dx_buf_addf(out, roff ? ".SS \"%s%s\"\n" : "\n%s%s\n  ",
                           s->pointer[0] ? s->pointer + 1 : "top level", shape));
        DX_TRY(add_text(roff, s->help, out));
        DX_TRY(dx_buf_add_text(out, "\n"));
        for (size_t i = 0; i < config_option_count; i++)
            if (config_options[i].section == id)
                DX_TRY(add_option(roff, &config_options[i], out));
    }
    return DX_OKAY;
}
