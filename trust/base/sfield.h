/* sfield.h -- structured fields: dictionaries, lists, items with parameters.
 *
 * Standard: RFC 9651. Strict where it is lax about base64 (one value, one spelling). Texts are views into the
 * input, or into the arena where an escape had to be undone. Pure; limits: 16 KiB a field, 256 members, 64
 * parameters.
 */
#ifndef TRUST_BASE_SFIELD_H
#define TRUST_BASE_SFIELD_H

#include "trust/base/arena.h"

#define SFIELD_MAX_BYTES 16384 /* what is longer is read by nobody, so it is not written either */

typedef enum {
    SFIELD_INTEGER,
    SFIELD_DECIMAL,
    SFIELD_STRING,
    SFIELD_TOKEN,
    SFIELD_BYTES,
    SFIELD_BOOLEAN,
    SFIELD_DATE,
    SFIELD_DISPLAY
} sfield_kind;

typedef struct sfield_parameter sfield_parameter;
typedef struct {
    sfield_kind kind;
    int64_t number; /* INTEGER and DATE; DECIMAL in thousandths; BOOLEAN 0 or 1 */
    dx_bytes text;  /* STRING, TOKEN, DISPLAY; BYTES: decoded */
    sfield_parameter *parameters;
    size_t parameter_count;
} sfield_item;

struct sfield_parameter {
    dx_bytes name;
    sfield_item value; /* without parameters of its own */
};

typedef struct {
    dx_bytes name; /* dictionaries */
    bool is_inner_list;
    sfield_item item; /* of an inner list: only its parameters */
    sfield_item *items;
    size_t item_count;
    dx_bytes raw;   /* the member's value as it stood, parameters included */
    unsigned times; /* how often the name occurred; the last one counts */
} sfield_member;

typedef struct {
    sfield_member *members;
    size_t count;
    bool loose; /* refused, and the only fault is base64 that is not canonical */
} sfield_list;

bool sfield_item_parse(dx_bytes in, dx_arena *arena, sfield_item *out);
bool sfield_list_parse(dx_bytes in, dx_arena *arena, sfield_list *out);
bool sfield_dictionary_parse(dx_bytes in, dx_arena *arena, sfield_list *out);

const sfield_member *sfield_find(const sfield_list *dictionary, const char *name);
const sfield_parameter *sfield_parameter_find(const sfield_item *item, const char *name);

/* Canonical spellings. */
DX_RC sfield_print_item(const sfield_item *item, dx_buf *out); /* with parameters */
DX_RC sfield_print_member(const sfield_member *member, dx_buf *out);
DX_RC sfield_print_list(const sfield_list *list, dx_buf *out);
DX_RC sfield_print_dictionary(const sfield_list *list, dx_buf *out);
DX_RC sfield_print_string(dx_bytes text, dx_buf *out);

#endif
