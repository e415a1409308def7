/* Steps 4 and 5 of seal_check: is the content the one that was sealed, and does the JWS refer to base and
 * content? */
#include "trust/seal/seal_judge.h"

#include "trust/base/digest.h"

#include <openssl/evp.h>

/* Content as far as it is known; `digest_only`: its SHA-256 stands for it. */
typedef struct {
    bool wanted, known, digest_only;
    dx_bytes bytes;
} content;

static content content_of(const seal_judge *j)
{
    const seal_message *m = j->message;
    content c = {.wanted = seal_message_wants_body(m, j->request)};
    c.digest_only = m->body_sha256_known && (m->body_elsewhere || m->body.data == NULL);
    c.known = !m->body_elsewhere || c.digest_only;
    c.bytes = m->body;
    return c;
}

static bool digest_holds(seal_judge *j, const content *c)
{
    if (j->digest_form != CONTENT_DIGEST_OK)
        return seal_report_no(&j->report, "SEAL-10",
                              "Content-Digest has no usable member, or one that is malformed");
    seal_report_ok(&j->report, "SEAL-10", NULL);
    if (c->wanted && (!c->known || (c->digest_only && !j->digest.has_sha256)))
        return seal_report_no_as(&j->report, "SEAL-11", "SIGNED_DATA_NOT_FOUND",
                                 "the content is not at hand");
    bool holds = c->wanted && c->digest_only ? memcmp(j->digest.sha256, j->message->body_sha256, 32) == 0
                                             : content_digest_holds(&j->digest, c->bytes);
    if (!holds)
        return seal_report_no(&j->report, "SEAL-11", "the content is not the one that was sealed");
    return seal_report_ok(&j->report, "SEAL-11", NULL);
}

/* "bytes 0-11/100" spans 12; "bytes * / 100" (unsatisfied) spans none. */
static bool range_span(dx_bytes range, uint64_t *span)
{
    uint64_t first, last;
    dx_bytes rest = dx_bytes_part(range, 6, range.size);
    if (!dx_bytes_equal_nocase(dx_bytes_part(range, 0, 6), DX_BYTES("bytes ")) || rest.size == 0)
        return false;
    const uint8_t *dash = memchr(rest.data, '-', rest.size), *slash = memchr(rest.data, '/', rest.size);
    if (dash == NULL || slash == NULL || slash < dash)
        return false;
    if (!dx_bytes_u64(dx_bytes_of(rest.data, (size_t)(dash - rest.data)), INT64_MAX, &first) ||
        !dx_bytes_u64(dx_bytes_of(dash + 1, (size_t)(slash - dash - 1)), INT64_MAX, &last) || last < first)
        return false;
    *span = last - first + 1;
    return true;
}

static bool range_fits(seal_judge *j, const content *c)
{
    dx_bytes range = {0}, type = {0};
    uint64_t span;
    bool there = seal_judge_anywhere(j, "content-range", &range);
    if (!j->message->is_response)
        return true;
    if (there && j->message->status != 206 && j->message->status != 416)
        return seal_report_no(&j->report, "SEAL-19", "Content-Range on status %u", j->message->status);
    if (j->message->status != 206)
        return true;
    (void)seal_judge_anywhere(j, "content-type", &type);
    bool multipart = dx_bytes_equal_nocase(dx_bytes_part(type, 0, 20), DX_BYTES("multipart/byteranges"));
    if (!there)
        return multipart || seal_report_no(&j->report, "SEAL-19", "206 without Content-Range");
    if (!range_span(range, &span) || (!c->digest_only && c->known && span != c->bytes.size))
        return seal_report_no(&j->report, "SEAL-19", "Content-Range does not span the content");
    return seal_report_ok(&j->report, "SEAL-19", NULL);
}

bool seal_step_digest(seal_judge *j)
{
    content c = content_of(j);
    if (j->has_digest && !digest_holds(j, &c))
        return false;
    if (!c.wanted && c.bytes.size != 0)
        return seal_report_no(&j->report, "SEAL-15", "content where the message has none");
    if (c.wanted && !j->has_digest)
        return seal_report_no(&j->report, "SEAL-15", "content without Content-Digest");
    return range_fits(j, &c);
}

bool seal_hash(dx_bytes hash_m, dx_bytes in, uint8_t out[64], size_t *size)
{
    static const struct {
        const char *name, *algorithm;
    } hashes[] = {{"S256", "SHA2-256"},   {"S384", "SHA2-384"},   {"S512", "SHA2-512"},
                  {"S3-256", "SHA3-256"}, {"S3-384", "SHA3-384"}, {"S3-512", "SHA3-512"}};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        if (!dx_bytes_is(hash_m, hashes[i].name))
            continue;
        if (i == 0) { /* the one that we emit: without a fetch */
            dx_sha256(in, out);
            *size = 32;
            return true;
        }
        return EVP_Q_digest(NULL, hashes[i].algorithm, NULL, in.data, in.size, out, size) == 1;
    }
    return false;
}

/* hashV over the object, or over its base64url when b64 is not false (TS 119 182-1 5.2.8.3.3). */
static bool reference_holds(const seal_judge *j, size_t index, dx_bytes object)
{
    uint8_t hash[64];
    char text[DX_BASE64URL_SIZE(64)];
    size_t size = 0;
    if (j->jws.b64) {
        char *encoded = dx_arena_alloc(j->arena, DX_BASE64URL_SIZE(object.size));
        if (encoded == NULL)
            return false;
        dx_base64url(object, encoded);
        object = dx_bytes_text(encoded);
    }
    if (!seal_hash(j->jws.hash_m, object, hash, &size))
        return false;
    dx_base64url(dx_bytes_of(hash, size), text);
    return dx_bytes_is(j->jws.hash_v[index], text);
}

static bool body_reference_holds(const seal_judge *j, const content *c)
{
    char text[DX_BASE64URL_SIZE(32)];
    if (!c->digest_only)
        return reference_holds(j, 1, c->bytes);
    dx_base64url(dx_bytes_of(j->message->body_sha256, 32), text);
    return !j->jws.b64 && dx_bytes_is(j->jws.hash_m, "S256") && dx_bytes_is(j->jws.hash_v[1], text);
}

static bool counts_fit(seal_judge *j, const content *c)
{
    const jades *s = &j->jws;
    if (!s->sigd_shape_ok || s->par_count != s->hash_count || (s->has_ctys && s->cty_count != s->par_count))
        return seal_report_no(&j->report, "SEAL-17", "pars, hashV and ctys differ in number");
    for (size_t i = 0; i < s->par_count; i++)
        for (size_t k = 0; k < i; k++)
            if (dx_bytes_equal(s->pars[i], s->pars[k]))
                return seal_report_no(&j->report, "SEAL-17", "pars names one object twice");
    if (s->par_count == 0 || s->par_count > (c->wanted ? 2u : 1u))
        return seal_report_no(&j->report, "SEAL-17", "%zu objects where the message has %d", s->par_count,
                              c->wanted ? 2 : 1);
    return seal_report_ok(&j->report, "SEAL-17", NULL);
}

bool seal_step_references(seal_judge *j)
{
    content c = content_of(j);
    uint8_t hash[64];
    size_t size;
    if (!j->has_jws)
        return true;
    if (!j->jws.has_sigd || j->jws.sigd_extra || !dx_bytes_is(j->jws.mid, JADES_BY_URI_HASH))
        return seal_report_no(&j->report, "SEAL-16",
                              "sigD is missing, has a member of its own, or another mechanism");
    seal_report_ok(&j->report, "SEAL-16", NULL);
    if (!seal_hash(j->jws.hash_m, DX_BYTES(""), hash, &size))
        return seal_report_no(&j->report, "SEAL-14", "hashM names no usable algorithm");
    seal_report_ok(&j->report, "SEAL-14", NULL);
    if (!counts_fit(j, &c))
        return false;
    if (c.wanted && j->jws.par_count != 2)
        return seal_report_no(&j->report, "SEAL-15", "the content is not among the objects of the seal");
    if (!reference_holds(j, 0, j->base))
        return seal_report_no(&j->report, "SEAL-12", "the message is not the one that was sealed");
    seal_report_ok(&j->report, "SEAL-12", NULL);
    if (c.wanted && !body_reference_holds(j, &c))
        return seal_report_no(&j->report, "SEAL-13", "the second object is not the content");
    return !c.wanted || seal_report_ok(&j->report, "SEAL-13", NULL);
}
