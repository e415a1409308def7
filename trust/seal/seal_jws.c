/* A seal without its message: a JWS in compact or JSON form beside its objects, raised levels included. The
 * steps are those of seal_check, as far as there is something to judge. */
#include "trust/seal/seal_judge.h"

#include "trust/base/digest.h"

#define PAYLOAD_MAX_BYTES (64 * 1024 * 1024)

typedef struct {
    const seal_object *objects;
    size_t count;
} objects;

static const seal_object *by_name(const objects *all, dx_bytes name)
{
    for (size_t i = 0; i < all->count; i++)
        if (dx_bytes_is(name, all->objects[i].name))
            return &all->objects[i];
    return NULL;
}

static bool hash_is(seal_judge *j, const seal_object *object, dx_bytes hash_v)
{
    uint8_t hash[64];
    char text[DX_BASE64URL_SIZE(64)];
    size_t size = 0;
    dx_bytes content = object->content;
    if (hash_v.size != 0 && hash_v.data[hash_v.size - 1] == '=') /* padded by foreign writers */
        hash_v.size--;
    if (object->digest_only) {
        dx_base64url(dx_bytes_of(object->sha256, 32), text);
        return !j->jws.b64 && dx_bytes_is(j->jws.hash_m, "S256") && dx_bytes_is(hash_v, text);
    }
    if (j->jws.b64) {
        char *encoded = dx_arena_alloc(j->arena, DX_BASE64URL_SIZE(content.size));
        if (encoded == NULL)
            return false;
        dx_base64url(content, encoded);
        content = dx_bytes_text(encoded);
    }
    if (!seal_hash(j->jws.hash_m, content, hash, &size))
        return false;
    dx_base64url(dx_bytes_of(hash, size), text);
    return dx_bytes_is(hash_v, text);
}

/* By name first, else by digest: names of foreign files are URIs that nobody's disk knows. */
static bool reference(seal_judge *j, const objects *all, size_t index)
{
    const char *id = index == 0 ? "SEAL-12" : "SEAL-13";
    const seal_object *object = by_name(all, j->jws.pars[index]);
    bool holds = object != NULL && hash_is(j, object, j->jws.hash_v[index]);
    for (size_t i = 0; object == NULL && !holds && i < all->count; i++)
        holds = hash_is(j, &all->objects[i], j->jws.hash_v[index]);
    if (holds)
        return seal_report_ok(&j->report, id, NULL);
    if (object == NULL)
        return seal_report_no_as(&j->report, id, "SIGNED_DATA_NOT_FOUND",
                                 "the object " DX_TEXT_FMT " is not at hand",
                                 DX_TEXT_ARG(dx_bytes_part(j->jws.pars[index], 0, 96)));
    return seal_report_no(&j->report, id, "the object %s is not the one that was sealed", object->name);
}

static bool by_uri_hash(seal_judge *j, const objects *all)
{
    const jades *s = &j->jws;
    uint8_t hash[64];
    size_t size;
    if (!seal_hash(s->hash_m, DX_BYTES(""), hash, &size))
        return seal_report_no(&j->report, "SEAL-14", "hashM names no usable algorithm");
    seal_report_ok(&j->report, "SEAL-14", NULL);
    if (!s->sigd_shape_ok || s->par_count == 0 || s->par_count != s->hash_count ||
        (s->has_ctys && s->cty_count != s->par_count))
        return seal_report_no(&j->report, "SEAL-17", "pars, hashV and ctys differ in number");
    for (size_t i = 0; i < s->par_count; i++)
        for (size_t k = 0; k < i; k++)
            if (dx_bytes_equal(s->pars[i], s->pars[k]))
                return seal_report_no(&j->report, "SEAL-17", "pars names one object twice");
    seal_report_ok(&j->report, "SEAL-17", NULL);
    for (size_t i = 0; i < s->par_count; i++)
        if (!reference(j, all, i))
            return false;
    return true;
}

/* The objects one after the other; `encode`: each in base64url (TS 119 182-1 5.2.8.3.2). */
static struct dx_rc add_objects(const seal_judge *j, const objects *all, bool encode, dx_buf *out)
{
    for (size_t i = 0; i < j->jws.par_count; i++) {
        const seal_object *object = by_name(all, j->jws.pars[i]);
        if (object == NULL || object->digest_only)
            return (struct dx_rc){DX_NOT_FOUND};
        dx_bytes content = object->content;
        if (encode) {
            char *text = dx_arena_alloc(j->arena, DX_BASE64URL_SIZE(content.size));
            if (text == NULL)
                return (struct dx_rc){DX_NO_MEMORY};
            dx_base64url(content, text);
            content = dx_bytes_text(text);
        }
        struct dx_rc rc = dx_buf_add(out, content);
        if (rc.code != DX_OK)
            return rc;
    }
    return DX_OKAY;
}

/* Lines of header fields, given as objects by their names (TS 119 182-1 5.2.8.2). */
static struct dx_rc add_headers(const seal_judge *j, const objects *all, dx_buf *out)
{
    for (size_t i = 0; i < j->jws.par_count; i++) {
        const seal_object *object = NULL;
        for (size_t k = 0; object == NULL && k < all->count; k++)
            if (dx_bytes_is_nocase(j->jws.pars[i], all->objects[k].name))
                object = &all->objects[k];
        if (object == NULL)
            return (struct dx_rc){DX_NOT_FOUND};
        DX_TRY(i == 0 ? DX_OKAY : dx_buf_add_byte(out, '\n'));
        for (size_t k = 0; k < j->jws.pars[i].size; k++) {
            uint8_t c = j->jws.pars[i].data[k];
            DX_TRY(dx_buf_add_byte(out, c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c));
        }
        DX_TRY(dx_buf_add_text(out, ": "));
        DX_TRY(dx_buf_add(out, seal_message_trim(object->content)));
    }
    return DX_OKAY;
}

static bool gathered(seal_judge *j, const objects *all, bool headers)
{
    dx_buf buf;
    dx_buf_init(&buf, PAYLOAD_MAX_BYTES);
    struct dx_rc rc = headers ? add_headers(j, all, &buf) : add_objects(j, all, j->jws.b64, &buf);
    if (rc.code == DX_OK)
        j->payload = dx_arena_bytes(j->arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    if (rc.code != DX_OK)
        return seal_report_no_as(&j->report, "SEAL-12", "SIGNED_DATA_NOT_FOUND",
                                 "an object of the seal is not at hand");
    return true;
}

static bool references(seal_judge *j, const objects *all)
{
    if (!j->jws.has_sigd) {
        if (j->jws.payload_text.data == NULL)
            return seal_report_no(&j->report, "SEAL-16", "neither a payload nor sigD");
        j->payload = j->jws.payload_text;
        return true;
    }
    if (j->jws.sigd_extra)
        return seal_report_no(&j->report, "SEAL-16", "a private member inside sigD");
    if (dx_bytes_is(j->jws.mid, JADES_BY_URI_HASH))
        return seal_report_ok(&j->report, "SEAL-16", NULL) && by_uri_hash(j, all);
    bool headers = dx_bytes_is(j->jws.mid, JADES_HTTP);
    if (!headers && !dx_bytes_is(j->jws.mid, JADES_BY_URI))
        return seal_report_no(&j->report, "SEAL-16", "a mechanism that is not known");
    seal_report_ok(&j->report, "SEAL-16", NULL);
    if (!j->jws.sigd_shape_ok || j->jws.par_count == 0)
        return seal_report_no(&j->report, "SEAL-17", "sigD names no objects");
    if (headers && j->jws.b64)
        return seal_report_no(&j->report, "SEAL-23", "HttpHeaders goes with b64 false only");
    return gathered(j, all, headers);
}

/* What arcTst covers: payload ‖ "." ‖ protected ‖ "." ‖ signature ‖ "." ‖ the earlier elements as they stand.
 */
static bool archive_text(seal_judge *j, const objects *all, size_t index, dx_bytes *out)
{
    const jades *s = &j->jws;
    dx_buf buf;
    dx_buf_init(&buf, PAYLOAD_MAX_BYTES);
    struct dx_rc rc = s->has_sigd && !dx_bytes_is(s->mid, JADES_HTTP) ? add_objects(j, all, false, &buf)
                                                                      : dx_buf_add(&buf, j->payload);
    const dx_bytes parts[] = {DX_BYTES("."), s->protected_text, DX_BYTES("."), s->signature_text,
                              DX_BYTES(".")};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc.code == DX_OK; i++)
        rc = dx_buf_add(&buf, parts[i]);
    for (size_t i = 0; i < index && rc.code == DX_OK; i++)
        rc = dx_buf_add(&buf, s->etsi_u[i]);
    if (rc.code == DX_OK)
        *out = dx_arena_bytes(j->arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    return rc.code == DX_OK && out->data != NULL;
}

static bool raised_levels(seal_judge *j, const objects *all)
{
    for (size_t i = 0; i < j->jws.token_count; i++) {
        const jades_token *token = &j->jws.tokens[i];
        dx_bytes text = j->jws.signature_text;
        if (token->is_archive && !archive_text(j, all, token->index, &text))
            return seal_report_no_as(&j->report, "SEAL-12", "SIGNED_DATA_NOT_FOUND",
                                     "an object under arcTst is not at hand");
        if (!seal_step_stamp_text(j, token->der, text))
            return false;
    }
    return true;
}

static bool all_steps(seal_judge *j, dx_bytes text, const objects *all)
{
    seal_verdict *v = j->report.verdict;
    jades_fault fault = jades_read(text, false, j->arena, &j->jws);
    v->present = true;
    if (fault.id != NULL)
        return seal_report_no(&j->report, fault.id, "%s", fault.detail);
    seal_report_ok(&j->report, "SEAL-20", NULL);
    j->has_jws = true;
    j->created_s = v->created_s = j->jws.claimed_s;
    dx_base64url(dx_bytes_of(j->jws.x5t_s256, 32), v->keyid);
    j->keyid = dx_bytes_text(v->keyid);
    char *compact = dx_arena_printf(j->arena, DX_TEXT_FMT ".." DX_TEXT_FMT,
                                    DX_TEXT_ARG(j->jws.protected_text), DX_TEXT_ARG(j->jws.signature_text));
    j->jws_text = dx_bytes_text(compact);
    if (compact == NULL) {
        j->report.no_memory = true;
        return false;
    }
    dx_sha256(j->jws_text, v->leaf);
    const seal_object *base = by_name(all, DX_BYTES("seal-base.txt"));
    if (base != NULL && !base->digest_only) {
        dx_sha256(base->content, v->base_sha256);
        v->base_known = true;
    }
    return references(j, all) && seal_step_certificate(j) && seal_step_signatures(j) &&
           raised_levels(j, all) && (j->spec->inspect_now || seal_step_lifetime(j));
}

DX_RC seal_check_jws(dx_bytes jws, const seal_object *given, size_t object_count, const seal_check_spec *spec,
                     dx_arena *arena, seal_verdict *out, dx_why *why)
{
    const objects all = {given, object_count};
    seal_judge *j = seal_judge_begin(spec, arena, out, why);
    if (j == NULL)
        return (struct dx_rc){DX_NO_MEMORY};
    return seal_judge_end(j, all_steps(j, jws, &all), out, why);
}
