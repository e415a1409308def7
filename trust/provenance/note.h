/* note.h -- C2SP signed-note: text, an empty line, signature lines; and the verifier keys that go with them.
 *
 * Limits and types: provenance.md 3.1. Stricter than most libraries: base64 has one spelling, every line of a
 * known key is verified. Threads: pure.
 */
#ifndef TRUST_PROVENANCE_NOTE_H
#define TRUST_PROVENANCE_NOTE_H

#include "trust/base/bytes.h"
#include "trust/sign/sign.h"

#define NOTE_MAX_BYTES  98304
#define NOTE_LINES_MAX  16
#define NOTE_ORIGIN_MAX 128
#define NOTE_KEY_MAX    1500 /* an ML-DSA-44 key has 1,312 bytes */

typedef struct {
    dx_bytes name;
    uint8_t id[4];
    dx_bytes encoded; /* base64(id ‖ signature) */
} note_line;

typedef struct {
    dx_bytes text; /* ends in LF; what is signed */
    note_line lines[NOTE_LINES_MAX];
    unsigned line_count;
} note_form;

/* NULL: well formed; else what is not. Spans into `note`. */
const char *note_parse(dx_bytes note, note_form *form);
/* Name of a key: no space, no "+"; an origin also keeps the rules of 3.1. */
bool note_name_ok(dx_bytes name);
bool note_origin_ok(dx_bytes name);

typedef enum { NOTE_ED25519 = 0x01, NOTE_P256 = 0x02, NOTE_COSIGN = 0x04, NOTE_MLDSA = 0x06 } note_type;

typedef struct {
    char name[256];
    uint8_t id[4];
    uint8_t type;
    uint8_t key[NOTE_KEY_MAX];
    size_t key_size;
} note_key;

/* Reads name+hex8+base64(type ‖ key). NULL: sound; else what is not (PV-107). */
const char *note_key_parse(dx_bytes vkey, note_key *key);
/* The key of a signer, under a name. */
DX_RC note_key_of(sign_key *signer, const char *name, note_key *key, dx_why *why);
/* Appends the vkey text. */
DX_RC note_key_print(const note_key *key, dx_buf *out);

typedef enum { NOTE_LINE_TRUE, NOTE_LINE_FALSE, NOTE_LINE_UNKNOWN /* a type we cannot verify */ } note_answer;
/* Is this line a true signature by `key` over the text of the note? *time_s: of a cosignature. */
note_answer note_line_verify(const note_form *form, const note_line *line, const note_key *key,
                             uint64_t *time_s);
bool note_line_by(const note_line *line, const note_key *key); /* name and id are those of the key */

/* Appends "— name base64\n" over `text`. */
DX_RC note_sign(dx_bytes text, sign_key *signer, const note_key *key, dx_buf *out, dx_why *why);

#endif
