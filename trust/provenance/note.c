#include "trust/base/digest.h"
#include "trust/provenance/prov_private.h"

#include <inttypes.h>
#include <stdio.h>

/* C2SP signed-note and tlog-checkpoint (provenance.md 3.1). One value has one spelling. */

#define NOTE_MAX_BYTES 98304
#define LINES_MAX      16
static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a blank */

bool canonical_base64(dx_bytes text, uint8_t *out, size_t *size)
{
    return dx_base64_decode(text, out, size);
}

bool origin_ok(dx_bytes o)
{
    if (o.size == 0 || o.size > 128 || o.data[o.size - 1] == '/' || !dx_bytes_utf8_ok(o))
        return false;
    for (size_t i = 0; i < o.size; i++)
        if (o.data[i] <= 0x20 || o.data[i] == '+' || o.data[i] == 0x7f)
            return false;
    return memmem(o.data, o.size, "://", 3) == NULL; /* schemeless */
}

static void key_id(note_key *k)
{
    uint8_t text[512], sha256[32];
    size_t  n = 0;
    if (k->type != 2) { /* type 0x02 has no name in its id */
        n = strlen(k->name);
        memcpy(text, k->name, n);
        text[n++] = '\n';
        text[n++] = k->type;
    }
    memcpy(text + n, k->key, k->key_size);
    dx_sha256(dx_bytes_of(text, n + k->key_size), sha256);
    memcpy(k->id, sha256, 4);
}

bool note_key_parse(const char *vkey, note_key *out)
{
    dx_bytes       in = dx_bytes_text(vkey);
    const uint8_t *plus = memchr(in.data, '+', in.size);
    uint8_t        id[4], raw[2048];
    size_t         id_size = 4, size = sizeof raw;
    *out = (note_key){0};
    if (plus == NULL || in.size > 4096)
        return false;
    dx_bytes name = dx_bytes_part(in, 0, (size_t)(plus - in.data));
    dx_bytes rest = dx_bytes_part(in, name.size + 1, in.size);
    if (!origin_ok(name) || name.size >= sizeof out->name || rest.size < 10 || rest.data[8] != '+' || !dx_hex_decode(dx_bytes_part(rest, 0, 8), id, &id_size) ||
        !dx_base64_decode(dx_bytes_part(rest, 9, rest.size), raw, &size) || size < 2)
        return false;
    memcpy(out->name, name.data, name.size);
    out->type = raw[0];
    bool known = (out->type == 1 || out->type == 4) ? size == 33 : out->type == 2 ? size > 33 && size - 1 <= sizeof out->key : out->type == 6 && size == 1313;
    if (!known)
        return false;
    if (out->type == 6) { /* parsed and kept by name and id; not verified by this library */
        memcpy(out->id, id, 4);
        return true;
    }
    out->key_size = size - 1;
    memcpy(out->key, raw + 1, out->key_size);
    sign_key_kind kind;
    unsigned      bits;
    if (out->type == 2 && (sign_spki_kind(dx_bytes_of(out->key, out->key_size), &kind, &bits, NULL).code != DX_OK || kind != SIGN_P256))
        return false;
    key_id(out);
    return memcmp(out->id, id, 4) == 0;
}

static const uint8_t ed25519_prefix[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static void key_of(const char *name, sign_key *key, note_key *out)
{
    dx_bytes spki = sign_public_spki(key);
    *out = (note_key){.type = sign_kind(key) == SIGN_ED25519 ? 1 : 2};
    snprintf(out->name, sizeof out->name, "%s", name);
    if (out->type == 1)
        spki = dx_bytes_part(spki, spki.size - 32, 32);
    out->key_size = spki.size;
    memcpy(out->key, spki.data, spki.size);
    key_id(out);
}

DX_RC note_vkey(const char *name, sign_key *key, dx_buf *out, dx_why *why)
{
    note_key k;
    uint8_t  raw[300];
    char     id[9], base64[420];
    (void)why;
    key_of(name, key, &k);
    raw[0] = k.type;
    memcpy(raw + 1, k.key, k.key_size);
    dx_hex(dx_bytes_of(k.id, 4), id);
    dx_base64(dx_bytes_of(raw, k.key_size + 1), base64);
    return dx_buf_addf(out, "%s+%s+%s\n", name, id, base64);
}

static bool signature_ok(const note_key *k, dx_bytes text, dx_bytes value)
{
    if (k->type == 2) {
        uint8_t sha256[32];
        dx_sha256(text, sha256);
        return sign_verify(dx_bytes_of(k->key, k->key_size), SIGN_ECDSA, dx_bytes_of(sha256, 32), value, NULL).code == DX_OK;
    }
    uint8_t spki[44];
    memcpy(spki, ed25519_prefix, 12);
    memcpy(spki + 12, k->key, 32);
    return value.size == 64 && sign_verify(dx_bytes_of(spki, 44), SIGN_EDDSA, text, value, NULL).code == DX_OK;
}

static bool take_line(dx_bytes *in, dx_bytes *line)
{
    const uint8_t *lf = in->size == 0 ? NULL : memchr(in->data, '\n', in->size);
    if (lf == NULL)
        return false;
    *line = dx_bytes_part(*in, 0, (size_t)(lf - in->data));
    *in = dx_bytes_part(*in, line->size + 1, in->size);
    return true;
}

bool checkpoint_read_text(dx_bytes text, checkpoint *out)
{
    dx_bytes size, root;
    size_t   n = 32;
    out->text = text;
    return take_line(&text, &out->origin) && origin_ok(out->origin) && take_line(&text, &size) && dx_bytes_u64(size, INT64_MAX, &out->size) &&
           take_line(&text, &root) && root.size == 44 && dx_base64_decode(root, out->root, &n) && n == 32 && text.size == 0;
}

static bool note_split(dx_bytes note, dx_bytes *text, dx_bytes *lines)
{
    if (note.size > NOTE_MAX_BYTES || !dx_bytes_utf8_ok(note))
        return false;
    for (size_t i = 0; i < note.size; i++)
        if (note.data[i] < 0x20 && note.data[i] != '\n')
            return false;
    for (size_t i = note.size; i-- > 1;)
        if (note.data[i] == '\n' && note.data[i - 1] == '\n') {
            *text = dx_bytes_part(note, 0, i);
            *lines = dx_bytes_part(note, i + 1, note.size);
            return lines->size > 0;
        }
    return false;
}

const char *checkpoint_open(dx_bytes note, const note_key *keys, size_t key_count, checkpoint *out)
{
    dx_bytes lines, line;
    merkle_hash empty;
    *out = (checkpoint){0};
    if (!note_split(note, &out->text, &lines) || !checkpoint_read_text(out->text, out))
        return "PV-104";
    bool     known_origin = false;
    unsigned count = 0;
    const char *bad = NULL;
    for (size_t i = 0; i < key_count; i++)
        known_origin |= (keys[i].type == 1 || keys[i].type == 2) && dx_bytes_is(out->origin, keys[i].name);
    while (lines.size > 0) {
        uint8_t raw[4096];
        size_t  size = sizeof raw;
        if (++count > LINES_MAX || !take_line(&lines, &line) || !dx_bytes_starts(line, dash))
            return "PV-104";
        line = dx_bytes_part(line, sizeof dash - 1, line.size);
        const uint8_t *blank = memchr(line.data, ' ', line.size);
        if (blank == NULL)
            return "PV-104";
        dx_bytes name = dx_bytes_part(line, 0, (size_t)(blank - line.data)), value = dx_bytes_part(line, name.size + 1, line.size);
        if (name.size == 0 || memchr(name.data, '+', name.size) != NULL || !dx_base64_decode(value, raw, &size) || size < 5)
            return "PV-104";
        for (size_t i = 0; i < key_count; i++) { /* every line of a known key, repeated ones too */
            const note_key *k = &keys[i];
            if ((k->type != 1 && k->type != 2) || !dx_bytes_is(name, k->name) || memcmp(k->id, raw, 4) != 0 || !dx_bytes_is(out->origin, k->name))
                continue;
            if (signature_ok(k, out->text, dx_bytes_of(raw + 4, size - 4)))
                out->good++;
            else
                bad = "PV-301";
        }
    }
    if (count == 0)
        return "PV-104";
    if (!known_origin)
        return "PV-305";
    if (bad != NULL || out->good == 0)
        return "PV-301";
    dx_sha256((dx_bytes){NULL, 0}, empty);
    return out->size == 0 && memcmp(out->root, empty, 32) != 0 ? "PV-203" : NULL;
}

static DX_RC sign_line(const char *origin, dx_bytes text, sign_key *key, dx_buf *out, dx_why *why)
{
    note_key   k;
    sign_value value;
    uint8_t    raw[SIGN_VALUE_MAX_BYTES + 4], sha256[32];
    char       base64[DX_BASE64_SIZE(SIGN_VALUE_MAX_BYTES + 4)];
    key_of(origin, key, &k);
    dx_sha256(text, sha256);
    DX_TRY(k.type == 1 ? sign_now(key, SIGN_EDDSA, text, &value, why) : sign_now(key, SIGN_ECDSA, dx_bytes_of(sha256, 32), &value, why));
    memcpy(raw, k.id, 4);
    memcpy(raw + 4, value.bytes, value.size);
    dx_base64(dx_bytes_of(raw, value.size + 4), base64);
    return dx_buf_addf(out, "%s%s %s\n", dash, origin, base64);
}

DX_RC checkpoint_sign(const char *origin, uint64_t size, const merkle_hash root, sign_key *ed25519, sign_key *p256, dx_buf *out, dx_why *why)
{
    char base64[DX_BASE64_SIZE(32)];
    dx_base64(dx_bytes_of(root, 32), base64);
    DX_TRY(dx_buf_addf(out, "%s\n%" PRIu64 "\n%s\n", origin, size, base64));
    char     text[400];
    dx_bytes kept = dx_bytes_of(text, out->size);
    if (out->size > sizeof text)
        return DX_FAIL(why, USAGE, "", "origin is too long");
    memcpy(text, out->data, out->size);
    DX_TRY(dx_buf_add_text(out, "\n"));
    DX_TRY(sign_line(origin, kept, ed25519, out, why));
    if (p256 != NULL)
        DX_TRY(sign_line(origin, kept, p256, out, why));
    return DX_OKAY;
}

/* ---- tlog-proof@v1 ---- */

#define PROOF_MAX_BYTES (NOTE_MAX_BYTES + 8192)

const char *proof_check(dx_bytes proof, dx_bytes leaf, const note_key *keys, size_t key_count, checkpoint *out, uint64_t *index)
{
    dx_bytes    line, in = proof;
    merkle_hash path[63], hash, root;
    size_t      count = 0;
    if (proof.size > PROOF_MAX_BYTES || !take_line(&in, &line) || !dx_bytes_is(line, "c2sp.org/tlog-proof@v1") || !take_line(&in, &line))
        return "PV-105";
    if (dx_bytes_starts(line, "extra ")) {
        uint8_t raw[8192];
        size_t  size = sizeof raw;
        if (!dx_base64_decode(dx_bytes_part(line, 6, line.size), raw, &size) || !take_line(&in, &line))
            return "PV-105";
    }
    if (!dx_bytes_starts(line, "index ") || !dx_bytes_u64(dx_bytes_part(line, 6, line.size), INT64_MAX, index))
        return "PV-105";
    for (;;) {
        size_t n = 32;
        if (!take_line(&in, &line))
            return "PV-105";
        if (line.size == 0)
            break;
        if (count == 63 || line.size != 44 || !dx_base64_decode(line, path[count++], &n) || n != 32)
            return "PV-105";
    }
    const char *id = checkpoint_open(in, keys, key_count, out);
    if (id != NULL)
        return id;
    merkle_leaf(leaf, hash);
    if (!merkle_inclusion_root(hash, *index, out->size, (const merkle_hash *)path, count, root) || memcmp(root, out->root, 32) != 0)
        return "PV-201";
    return NULL;
}

DX_RC prov_proof_check(dx_bytes tlog_proof, dx_bytes leaf, const char *const *vkeys, size_t vkey_count, prov_finding *finding, dx_why *why)
{
    note_key   keys[16];
    checkpoint c;
    *finding = (prov_finding){0};
    if (vkey_count > 16)
        return DX_FAIL(why, USAGE, "", "at most 16 keys");
    for (size_t i = 0; i < vkey_count; i++)
        if (!note_key_parse(vkeys[i], &keys[i]))
            return DX_FAIL_ID(why, USAGE, "PV-107", "C2SP signed-note", "not a verifier key: %.100s", vkeys[i]);
    const char *id = proof_check(tlog_proof, leaf, keys, vkey_count, &c, &finding->index);
    finding->ok = id == NULL;
    finding->leaves = 1;
    if (id != NULL)
        snprintf(finding->id, sizeof finding->id, "%s", id);
    return DX_OKAY;
}
