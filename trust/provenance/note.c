#include "trust/provenance/note.h"

#include "trust/base/digest.h"

#include <stdlib.h>

static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a space */

/* Space in the sense of Unicode White_Space, so that no reader sees two words where we see one. */
static bool has_space(dx_bytes s)
{
    static const char *const wide[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
                                       "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    for (size_t i = 0; i < s.size; i++) {
        dx_bytes rest = dx_bytes_part(s, i, s.size);
        if (s.data[i] <= ' ' || s.data[i] == 0x7f)
            return true;
        for (size_t k = 0; k < sizeof wide / sizeof *wide; k++)
            if (dx_bytes_starts(rest, wide[k]))
                return true;
        if (dx_bytes_starts(rest, "\xe2\x80") && rest.size > 2 && rest.data[2] >= 0x80 &&
            rest.data[2] <= 0x8a)
            return true;
    }
    return false;
}

bool note_name_ok(dx_bytes name)
{
    return name.size > 0 && dx_bytes_utf8_ok(name) && memchr(name.data, '+', name.size) == NULL &&
           !has_space(name);
}

bool note_origin_ok(dx_bytes name)
{
    return note_name_ok(name) && name.size <= NOTE_ORIGIN_MAX && name.data[name.size - 1] != '/' &&
           memmem(name.data, name.size, "://", 3) == NULL;
}

static const char *parse_line(dx_bytes line, note_line *out)
{
    static _Thread_local uint8_t raw[NOTE_MAX_BYTES / 4 * 3];
    size_t size = sizeof raw;
    if (!dx_bytes_starts(line, dash))
        return "a signature line does not start with an em dash";
    line = dx_bytes_part(line, sizeof dash - 1, line.size);
    const uint8_t *space = line.size > 0 ? memchr(line.data, ' ', line.size) : NULL;
    if (space == NULL)
        return "a signature line has no key name";
    out->name = dx_bytes_of(line.data, (size_t)(space - line.data));
    out->encoded = dx_bytes_part(line, out->name.size + 1, line.size);
    if (!note_name_ok(out->name))
        return "a signature line has a bad key name";
    if (!dx_base64_decode(out->encoded, raw, &size) || size < 5)
        return "a signature is not canonical base64 of a key id and a value";
    memcpy(out->id, raw, 4);
    return NULL;
}

const char *note_parse(dx_bytes note, note_form *form)
{
    memset(form, 0, sizeof *form);
    if (note.size > NOTE_MAX_BYTES)
        return "note is over 98,304 bytes";
    if (!dx_bytes_utf8_ok(note))
        return "note is not UTF-8";
    for (size_t i = 0; i < note.size; i++)
        if (note.data[i] < 0x20 && note.data[i] != '\n')
            return "control character in note";
    size_t at = note.size;
    while (at >= 2 && memcmp(note.data + at - 2, "\n\n", 2) != 0)
        at--;
    if (at < 2)
        return "no empty line before the signatures";
    form->text = dx_bytes_part(note, 0, at - 1);
    dx_bytes rest = dx_bytes_part(note, at, note.size);
    if (rest.size == 0 || rest.data[rest.size - 1] != '\n')
        return "signatures are missing, or the last line has no LF";
    while (rest.size > 0) {
        size_t n = (size_t)((const uint8_t *)memchr(rest.data, '\n', rest.size) - rest.data);
        if (form->line_count == NOTE_LINES_MAX)
            return "more than 16 signature lines";
        const char *bad = parse_line(dx_bytes_part(rest, 0, n), &form->lines[form->line_count++]);
        if (bad != NULL)
            return bad;
        rest = dx_bytes_part(rest, n + 1, rest.size);
    }
    return NULL;
}

/* Key ids: SHA-256(name ‖ LF ‖ type ‖ key), but for ECDSA SHA-256(SPKI) alone (signed-note, type 0x02). */
static void key_id(note_key *key)
{
    uint8_t text[sizeof key->name + 2 + NOTE_KEY_MAX], digest[32];
    size_t n = 0;
    if (key->type != NOTE_P256) {
        n = strlen(key->name);
        memcpy(text, key->name, n);
        text[n++] = '\n';
        text[n++] = key->type;
    }
    memcpy(text + n, key->key, key->key_size);
    dx_sha256(dx_bytes_of(text, n + key->key_size), digest);
    memcpy(key->id, digest, 4);
}

static const uint8_t ed25519_spki[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                         0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static dx_bytes spki_of(const note_key *key, uint8_t room[44])
{
    if (key->type == NOTE_P256)
        return dx_bytes_of(key->key, key->key_size);
    memcpy(room, ed25519_spki, sizeof ed25519_spki);
    memcpy(room + sizeof ed25519_spki, key->key, 32);
    return dx_bytes_of(room, 44);
}

static const char *key_sound(const note_key *key)
{
    sign_key_kind kind;
    unsigned bits;
    uint8_t room[44];
    switch (key->type) {
    case NOTE_ED25519:
    case NOTE_COSIGN:
        return key->key_size == 32 ? NULL : "an Ed25519 key has 32 bytes";
    case NOTE_MLDSA:
        return key->key_size == 1312 ? NULL : "an ML-DSA-44 key has 1,312 bytes";
    case NOTE_P256:
        if (sign_spki_kind(spki_of(key, room), &kind, &bits, NULL).code != DX_OK || kind != SIGN_P256)
            return "not the SubjectPublicKeyInfo of a P-256 key";
        return NULL;
    default:
        return "signature type is not one of ours";
    }
}

const char *note_key_parse(dx_bytes vkey, note_key *key)
{
    memset(key, 0, sizeof *key);
    const uint8_t *plus = vkey.size > 0 ? memchr(vkey.data, '+', vkey.size) : NULL;
    if (plus == NULL)
        return "vkey is not name+hex+base64";
    dx_bytes name = dx_bytes_of(vkey.data, (size_t)(plus - vkey.data));
    dx_bytes rest = dx_bytes_part(vkey, name.size + 1, vkey.size);
    uint8_t id[4], raw[NOTE_KEY_MAX + 1];
    size_t id_size = sizeof id, size = sizeof raw;
    if (!note_name_ok(name) || name.size >= sizeof key->name || rest.size < 10 || rest.data[8] != '+')
        return "vkey is not name+hex+base64";
    if (!dx_hex_decode(dx_bytes_part(rest, 0, 8), id, &id_size))
        return "key id is not eight lower-case hex digits";
    if (!dx_base64_decode(dx_bytes_part(rest, 9, rest.size), raw, &size) || size < 2)
        return "key is not canonical base64";
    memcpy(key->name, name.data, name.size);
    key->type = raw[0];
    key->key_size = size - 1;
    memcpy(key->key, raw + 1, size - 1);
    key_id(key);
    if (memcmp(key->id, id, 4) != 0)
        return "key id belongs to another key";
    return key_sound(key);
}

DX_RC note_key_of(sign_key *signer, const char *name, note_key *key, dx_why *why)
{
    dx_bytes spki = sign_public_spki(signer);
    memset(key, 0, sizeof *key);
    if (!note_origin_ok(dx_bytes_text(name)))
        return DX_FAIL_ID(why, CONFIG, "PV-104", "provenance.md 3.1", "%s is not a usable origin", name);
    memcpy(key->name, name, strlen(name));
    if (sign_kind(signer) == SIGN_ED25519 && spki.size == 44) {
        key->type = NOTE_ED25519;
        key->key_size = 32;
        memcpy(key->key, spki.data + 12, 32);
    } else if (sign_kind(signer) == SIGN_P256 && spki.size <= sizeof key->key) {
        key->type = NOTE_P256;
        key->key_size = spki.size;
        memcpy(key->key, spki.data, spki.size);
    } else {
        return DX_FAIL_ID(why, CONFIG, "PV-107", "provenance.md 3.1",
                          "a log signs with Ed25519 and P-256 keys only");
    }
    key_id(key);
    return DX_OKAY;
}

DX_RC note_key_print(const note_key *key, dx_buf *out)
{
    uint8_t raw[NOTE_KEY_MAX + 1];
    char id[9], text[DX_BASE64_SIZE(sizeof raw)];
    raw[0] = key->type;
    memcpy(raw + 1, key->key, key->key_size);
    dx_hex(dx_bytes_of(key->id, 4), id);
    dx_base64(dx_bytes_of(raw, key->key_size + 1), text);
    return dx_buf_addf(out, "%s+%s+%s", key->name, id, text);
}

bool note_line_by(const note_line *line, const note_key *key)
{
    return dx_bytes_is(line->name, key->name) && memcmp(line->id, key->id, 4) == 0;
}

static note_answer verify(const note_key *key, dx_bytes message, dx_bytes value)
{
    uint8_t room[44], digest[32];
    dx_bytes spki = spki_of(key, room);
    if (key->type == NOTE_P256) {
        dx_sha256(message, digest);
        return sign_verify(spki, SIGN_ECDSA, dx_bytes_of(digest, 32), value, NULL).code == DX_OK
                   ? NOTE_LINE_TRUE
                   : NOTE_LINE_FALSE;
    }
    if (value.size != 64)
        return NOTE_LINE_FALSE;
    return sign_verify(spki, SIGN_EDDSA, message, value, NULL).code == DX_OK ? NOTE_LINE_TRUE
                                                                             : NOTE_LINE_FALSE;
}

static note_answer verify_cosignature(const note_form *form, const note_key *key, dx_bytes value,
                                      uint64_t *time_s)
{
    if (value.size != 72)
        return NOTE_LINE_FALSE;
    *time_s = 0;
    for (unsigned i = 0; i < 8; i++)
        *time_s = *time_s << 8 | value.data[i];
    if (*time_s == 0 || *time_s > INT64_MAX)
        return NOTE_LINE_FALSE;
    dx_buf message;
    dx_buf_init(&message, NOTE_MAX_BYTES + 64);
    note_answer answer = NOTE_LINE_FALSE;
    if (dx_buf_addf(&message, "cosignature/v1\ntime %llu\n", (unsigned long long)*time_s).code == DX_OK &&
        dx_buf_add(&message, form->text).code == DX_OK)
        answer = verify(key, dx_buf_view(&message), dx_bytes_part(value, 8, 64));
    dx_buf_fini(&message);
    return answer;
}

note_answer note_line_verify(const note_form *form, const note_line *line, const note_key *key,
                             uint64_t *time_s)
{
    uint8_t raw[4 + 8 + 2420 + 64];
    size_t size = sizeof raw;
    uint64_t ignored;
    if (time_s == NULL)
        time_s = &ignored;
    *time_s = 0;
    if (!dx_base64_decode(line->encoded, raw, &size) || size < 5)
        return NOTE_LINE_FALSE;
    dx_bytes value = dx_bytes_of(raw + 4, size - 4);
    if (key->type == NOTE_COSIGN)
        return verify_cosignature(form, key, value, time_s);
    if (key->type == NOTE_MLDSA) /* OpenSSL 3.0 has no ML-DSA: kept, not judged */
        return NOTE_LINE_UNKNOWN;
    return verify(key, form->text, value);
}

DX_RC note_sign(dx_bytes text, sign_key *signer, const note_key *key, dx_buf *out, dx_why *why)
{
    sign_value value;
    uint8_t digest[32], raw[4 + 128];
    char encoded[DX_BASE64_SIZE(sizeof raw)];
    if (key->type == NOTE_P256) {
        dx_sha256(text, digest);
        DX_TRY(sign_now(signer, SIGN_ECDSA, dx_bytes_of(digest, 32), &value, why));
    } else {
        DX_TRY(sign_now(signer, SIGN_EDDSA, text, &value, why));
    }
    if (value.size > sizeof raw - 4)
        return DX_FAIL(why, INTERNAL, "", "a signature of %zu bytes", value.size);
    memcpy(raw, key->id, 4);
    memcpy(raw + 4, value.bytes, value.size);
    dx_base64(dx_bytes_of(raw, value.size + 4), encoded);
    return dx_buf_addf(out, "%s%s %s\n", dash, key->name, encoded);
}
