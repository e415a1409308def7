#include "gateway/exchange/trust_block.h"

#include "trust/base/der.h"
#include "trust/base/digest.h"

#include <stdatomic.h>
#include <stdlib.h>

#define BLOCK_MAX_BYTES (1U << 20)
#define BLOCK_MAX_LINES 65536

typedef enum { BLOCK_CERTIFICATE, BLOCK_KEY, BLOCK_ORGANISATION } block_kind;

typedef struct {
    block_kind kind;
    uint8_t sha256[32]; /* of an organisation: of its identifier */
    const char *reason;
} block_row;

struct trust_block {
    atomic_uint refs;
    uint8_t sha256[32];
    block_row *rows;
    size_t count;
    char *text; /* reasons lie in it */
};

static int by_row(const void *a, const void *b)
{
    const block_row *x = a, *y = b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : memcmp(x->sha256, y->sha256, 32);
}

/* Cuts the next word off `line`. */
static char *word(char **line)
{
    char *start = *line + strspn(*line, " \t");
    size_t n = strcspn(start, " \t");
    *line = start + n;
    if (start[n] != 0)
        start[n] = 0, (*line)++;
    return start;
}

static bool read_row(char *line, block_row *out)
{
    static const char *const kinds[] = {"certificate", "key", "organisation"};
    const char *kind = word(&line), *name = word(&line);
    size_t size = 32, k = 0;
    while (k < 3 && strcmp(kind, kinds[k]) != 0)
        k++;
    out->kind = (block_kind)k;
    out->reason = line + strspn(line, " \t");
    if (k == 3 || name[0] == 0 || out->reason[0] == 0)
        return false;
    if (out->kind == BLOCK_ORGANISATION) {
        dx_sha256(dx_bytes_text(name), out->sha256);
        return true;
    }
    return dx_hex_decode(dx_bytes_text(name), out->sha256, &size) && size == 32;
}

static DX_RC read_rows(trust_block *b, size_t size, dx_why *why)
{
    size_t number = 0;
    for (char *line = b->text, *end = b->text + size; line < end;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end; /* the text is followed by a NUL of ours */
        *stop = 0;
        number++;
        if (strlen(line) != (size_t)(stop - line))
            return DX_FAIL_ID(why, MALFORMED, "ID-309", "own rule: trust.block", "line %zu holds a NUL byte",
                              number);
        if (stop > line && stop[-1] == '\r')
            stop[-1] = 0;
        size_t blank = strspn(line, " \t");
        if (line[blank] != 0 && line[blank] != '#') {
            if (b->count == BLOCK_MAX_LINES)
                return DX_FAIL_ID(why, TOO_LARGE, "ID-309", "own rule: trust.block", "more than %d entries",
                                  BLOCK_MAX_LINES);
            if (!read_row(line, &b->rows[b->count]))
                return DX_FAIL_ID(
                    why, MALFORMED, "ID-309", "own rule: trust.block",
                    "line %zu: expected certificate|key SHA-256 REASON or organisation ID REASON", number);
            b->count++;
        }
        line = stop + 1;
    }
    qsort(b->rows, b->count, sizeof *b->rows, by_row);
    return DX_OKAY;
}

DX_RC trust_block_parse(dx_bytes text, trust_block **out, dx_why *why)
{
    *out = NULL;
    if (text.size > BLOCK_MAX_BYTES)
        return DX_FAIL_ID(why, TOO_LARGE, "ID-309", "own rule: trust.block", "more than %u bytes",
                          BLOCK_MAX_BYTES);
    size_t lines = 1;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    trust_block *b = calloc(1, sizeof *b);
    if (b != NULL) {
        atomic_init(&b->refs, 1);
        b->text = calloc(1, text.size + 1);
        b->rows = calloc(lines < BLOCK_MAX_LINES ? lines : BLOCK_MAX_LINES, sizeof *b->rows);
    }
    if (b == NULL || b->text == NULL || b->rows == NULL) {
        trust_block_unref(b);
        return DX_FAIL_ID(why, NO_MEMORY, "ID-901", "", "no memory for the block set");
    }
    if (text.size > 0)
        memcpy(b->text, text.data, text.size);
    dx_sha256(text, b->sha256);
    struct dx_rc rc = read_rows(b, text.size, why);
    if (rc.code == DX_OK)
        *out = b;
    else
        trust_block_unref(b);
    return rc;
}

DX_RC trust_block_load(const dx_io *io, const char *file, trust_block **out, dx_why *why)
{
    dx_buf text;
    *out = NULL;
    DX_TRY(dx_io_read_file(io, file, BLOCK_MAX_BYTES, &text, why));
    struct dx_rc rc = trust_block_parse(dx_buf_view(&text), out, why);
    dx_buf_fini(&text);
    return rc;
}

trust_block *trust_block_ref(trust_block *block)
{
    if (block != NULL)
        atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

void trust_block_unref(trust_block *block)
{
    if (block == NULL || atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(block->rows);
    free(block->text);
    free(block);
}

const uint8_t *trust_block_sha256(const trust_block *block)
{
    static const uint8_t none[32];
    return block == NULL ? none : block->sha256;
}

static const char *find(const trust_block *b, block_kind kind, const uint8_t sha256[32])
{
    if (b == NULL || b->count == 0)
        return NULL;
    block_row wanted = {.kind = kind};
    memcpy(wanted.sha256, sha256, 32);
    const block_row *row = bsearch(&wanted, b->rows, b->count, sizeof *b->rows, by_row);
    return row == NULL ? NULL : row->reason;
}

const char *trust_block_certificate(const trust_block *block, const uint8_t sha256[32])
{
    return find(block, BLOCK_CERTIFICATE, sha256);
}

/* SubjectPublicKeyInfo of a certificate (RFC 5280 4.1): the sixth member of TBSCertificate, or the seventh
 * when a version stands before them. */
static bool key_of(dx_bytes certificate, dx_bytes *spki)
{
    dx_bytes outer, tbs, unused;
    der_item item;
    bool versioned;
    if (!der_only(certificate, DER_SEQUENCE, &outer) || !der_take(&outer, DER_SEQUENCE, &tbs) ||
        !der_optional(&tbs, DER_CONSTRUCTED(0), &unused, &versioned))
        return false;
    for (int i = 0; i < 5; i++)
        if (!der_next(&tbs, &item))
            return false;
    return der_take_whole(&tbs, DER_SEQUENCE, spki);
}

const char *trust_block_key(const trust_block *block, dx_bytes certificate)
{
    dx_bytes spki;
    uint8_t sha256[32];
    if (block == NULL || block->count == 0 || !key_of(certificate, &spki))
        return NULL;
    dx_sha256(spki, sha256);
    return find(block, BLOCK_KEY, sha256);
}

const char *trust_block_organisation(const trust_block *block, const char *id)
{
    uint8_t sha256[32];
    if (block == NULL || block->count == 0 || id[0] == 0)
        return NULL;
    dx_sha256(dx_bytes_text(id), sha256);
    return find(block, BLOCK_ORGANISATION, sha256);
}
