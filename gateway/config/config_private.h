/* config_private.h -- inside gateway/config: the rows of config_table.h, and a file under judgement. */
#ifndef GATEWAY_CONFIG_CONFIG_PRIVATE_H
#define GATEWAY_CONFIG_CONFIG_PRIVATE_H

#include "gateway/config/config.h"
#include "trust/base/json.h"

#include <limits.h>

typedef enum { ONE, ARRAY, MAP } section_kind;
typedef enum { TEXT, FILE_, PATH, NUMBER, BOOL, TEXTS, NUMBERS, FILES, WORD } option_kind;
typedef enum {
#define S(section, pointer, kind, help) SECTION_##section,
#define O(...)
#include "gateway/config/config_table.h"
#undef S
#undef O
    SECTION_COUNT
} section_id;

typedef struct {
    const char *name, *pointer, *help;
    section_kind kind;
    size_t size, at, count_at; /* of its struct; of the pointer and the count in config */
} config_section_row;
extern const config_section_row config_sections[SECTION_COUNT];

typedef struct {
    section_id section;
    const char *key, *default_, *help;
    size_t at;
    option_kind kind;
    bool required, reload;
    int64_t min, max;
} config_option_row;
extern const config_option_row config_options[];
extern const size_t config_option_count;

typedef struct {
    config *out;
    config_findings *findings;
    dx_bytes text;
    const dx_io *io;
    char folder[PATH_MAX];
    bool no_memory;
} config_loader;

/* config_check.c: adds what is wrong there, with its place in the file; `name`: the place of the key. */
void config_check_find(config_loader *l, const char *pointer, bool name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What one option says about another. */
void config_check(config_loader *l);
void config_check_sort(config_findings *findings); /* as they stand in the file */

/* config_section.c */
const char *config_section_keep(config_loader *l, dx_bytes text);
void config_section_take(config_loader *l, section_id id, const json_t *root);

#endif
