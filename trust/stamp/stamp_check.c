#include "trust/stamp/stamp.h"

#include "trust/base/der.h"
#include "trust/base/digest.h"
#include "trust/stamp/stamp_anchor.h"
#include "trust/stamp/stamp_private.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* Believing a token (seals.md 7.5): CMS verification plus our own reading of TSTInfo. TS_RESP_verify_token is not used: it
 * fails on RSASSA-PSS, wants every ESSCertID in the chain, and checks no signature unless told to. */

#define TOKEN_MAX_BYTES (64U << 10)

static const struct {
    const char *id, *sub, *clause, *text;
} checks[] = {
#define S(id, sub, clause, text) {id, sub, clause, text},
#include "trust/stamp/stamp_check_table.h"
#undef S
};

const char *stamp_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            if (clause != NULL)
                *clause = checks[i].clause;
            return checks[i].text;
        }
    return NULL;
}

stamp_verdict stamp_no(const char *id, const char *more)
{
    stamp_verdict v = {0};
    snprintf(v.id, sizeof v.id, "%s", id);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].id, id) == 0) {
            snprintf(v.clause, sizeof v.clause, "%s", checks[i].clause);
            snprintf(v.text, sizeof v.text, "%s%s%.80s", checks[i].text, more[0] ? ": " : "", more);
            v.sub_indication = checks[i].sub;
        }
    static const char *const failed[] = {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE"};
    v.indeterminate = true;
    for (size_t i = 0; i < 3; i++)
        if (v.sub_indication != NULL && strcmp(v.sub_indication, failed[i]) == 0)
            v.indeterminate = false;
    return v;
}

#define CHECK(call)                  \
    do {                             \
        stamp_verdict v_ = (call);   \
        if (!v_.ok)                  \
            return v_;               \
    } while (0)

static stamp_verdict yes(void)
{
    return (stamp_verdict){.ok = true};
}

stamp_verdict stamp_response_open(dx_bytes response, const stamp_tsa *tsa, dx_bytes *token)
{
    dx_bytes body, status, number;
    uint64_t code;
    *token = (dx_bytes){NULL, 0};
    if (response.size > TOKEN_MAX_BYTES || !der_only(response, DER_SEQUENCE, &body) || !der_take(&body, DER_SEQUENCE, &status) ||
        !der_take(&status, DER_INTEGER, &number) || !der_u64(number, &code))
        return stamp_no("STAMP-01", "not a TimeStampResp");
    if (code != 0 && !(code == 1 && tsa != NULL && tsa->accept_mods)) {
        char text[48];
        snprintf(text, sizeof text, "status %llu", (unsigned long long)code);
        return stamp_no("STAMP-01", text);
    }
    der_item item;
    dx_bytes rest = body;
    if (!der_next(&rest, &item) || rest.size > 0 || item.tag != DER_SEQUENCE)
        return stamp_no("STAMP-01", "no token");
    *token = item.whole;
    return yes();
}

typedef struct {
    dx_bytes         token;
    CMS_ContentInfo *cms;
    CMS_SignerInfo  *signer;
    X509            *certificate;
    dx_bytes         tst; /* the TSTInfo bytes */
    const stamp_expect *expect;
    const stamp_trust  *trust;
    dx_arena        *arena;
    stamp_facts     *facts;
    trust_verdict    verdict;
    revocation_question *questions;
    size_t          *question_count;
} check;

/* The unprotected outside: versions and kinds (RFC 5652 5.1, 5.3). */
static stamp_verdict check_form(check *c)
{
    dx_bytes outer, oid, signed_data, number, e, content, infos;
    uint64_t version;
    der_item item;
    if (c->token.size > TOKEN_MAX_BYTES || !der_only(c->token, DER_SEQUENCE, &outer) || !der_take(&outer, DER_OID, &oid) ||
        !der_oid_is(oid, "1.2.840.113549.1.7.2") || !der_take(&outer, DER_CONSTRUCTED(0), &signed_data) || outer.size > 0)
        return stamp_no("STAMP-02", "not SignedData");
    dx_bytes sd;
    if (!der_only(signed_data, DER_SEQUENCE, &sd) || !der_take(&sd, DER_INTEGER, &number) || !der_u64(number, &version) || version != 3)
        return stamp_no("STAMP-02", "SignedData is not version 3");
    if (!der_next(&sd, &item) || item.tag != DER_SET || !der_take(&sd, DER_SEQUENCE, &e) || !der_take(&e, DER_OID, &oid) ||
        !der_oid_is(oid, "1.2.840.113549.1.9.16.1.4") || !der_take(&e, DER_CONSTRUCTED(0), &content) || !der_only(content, DER_OCTET_STRING, &c->tst))
        return stamp_no("STAMP-02", "no TSTInfo inside");
    while (der_next(&sd, &item) && item.tag != DER_SET) {
    }
    if (item.tag != DER_SET || sd.size > 0)
        return stamp_no("STAMP-02", "no signers");
    infos = item.value;
    dx_bytes info;
    if (!der_take(&infos, DER_SEQUENCE, &info) || infos.size > 0)
        return stamp_no("STAMP-02", "not exactly one signer");
    if (!der_take(&info, DER_INTEGER, &number) || !der_u64(number, &version) || !der_next(&info, &item) ||
        version != (item.tag == DER_SEQUENCE ? 1U : 3U))
        return stamp_no("STAMP-02", "SignerInfo of another version");
    return yes();
}

static dx_hash_kind kind_of_size(size_t size, bool *known)
{
    *known = size == 32 || size == 48 || size == 64;
    return size == 48 ? DX_HASH_SHA384 : size == 64 ? DX_HASH_SHA512 : DX_HASH_SHA256;
}

static const char *oid_of_size(size_t size)
{
    return size == 32 ? "2.16.840.1.101.3.4.2.1" : size == 48 ? "2.16.840.1.101.3.4.2.2" : "2.16.840.1.101.3.4.2.3";
}

/* GeneralizedTime of RFC 3161 2.4.2: seconds, optional fraction without trailing zero, Z. */
static bool gen_time(dx_bytes v, int64_t *unix_us)
{
    if (v.size < 15 || v.data[v.size - 1] != 'Z')
        return false;
    uint8_t  head[15];
    int64_t  seconds, fraction = 0;
    unsigned scale = 0;
    memcpy(head, v.data, 14);
    head[14] = 'Z';
    if (!der_time(DER_GENERALIZED_TIME, dx_bytes_of(head, 15), &seconds))
        return false;
    if (v.size > 15) {
        if (v.data[14] != '.' || v.size == 16 || v.data[v.size - 2] == '0' || v.size > 26)
            return false;
        for (size_t i = 15; i + 1 < v.size; i++) {
            if (v.data[i] < '0' || v.data[i] > '9')
                return false;
            if (scale < 6) {
                fraction = fraction * 10 + (v.data[i] - '0');
                scale++;
            }
        }
        for (; scale < 6; scale++)
            fraction *= 10;
    }
    *unix_us = seconds * 1000000 + fraction;
    return true;
}

static bool read_accuracy(dx_bytes v, int64_t *us)
{
    uint64_t n;
    dx_bytes field;
    bool     present;
    *us = 0;
    if (!der_optional(&v, DER_INTEGER, &field, &present) || (present && !der_u64(field, &n)))
        return false;
    *us += present ? (int64_t)n * 1000000 : 0;
    if (!der_optional(&v, DER_CONTEXT(0), &field, &present) || (present && (!der_u64(field, &n) || n < 1 || n > 999)))
        return false;
    *us += present ? (int64_t)n * 1000 : 0;
    if (!der_optional(&v, DER_CONTEXT(1), &field, &present) || (present && (!der_u64(field, &n) || n < 1 || n > 999)))
        return false;
    *us += present ? (int64_t)n : 0;
    return v.size == 0;
}

static stamp_verdict check_info(check *c, bool *nonce_ok, bool *policy_ok)
{
    dx_bytes info, number, policy, imprint, algorithm, oid, hashed, serial, v;
    uint64_t version, nonce = 0;
    bool     present, ordering = false;
    stamp_facts *f = c->facts;
    if (!der_only(c->tst, DER_SEQUENCE, &info) || !der_take(&info, DER_INTEGER, &number) || !der_u64(number, &version) || version != 1)
        return stamp_no("STAMP-03", "TSTInfo is not version 1");
    if (!der_take(&info, DER_OID, &policy) || !der_oid_text(policy, f->policy, sizeof f->policy) || !der_take(&info, DER_SEQUENCE, &imprint) ||
        !der_take(&imprint, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid) || !der_take(&imprint, DER_OCTET_STRING, &hashed) ||
        imprint.size > 0 || !der_take(&info, DER_INTEGER, &serial) || !der_integer_ok(serial) || serial.size > 20)
        return stamp_no("STAMP-03", "TSTInfo is not well-formed");
    dx_hex(serial, f->serial);
    der_item when;
    if (!der_next(&info, &when) || when.tag != DER_GENERALIZED_TIME || !gen_time(when.value, &f->time_us))
        return stamp_no("STAMP-03", "genTime is not well-formed");
    f->accuracy_us = 1000000;
    if (!der_optional(&info, DER_SEQUENCE, &v, &present) || (present && !read_accuracy(v, &f->accuracy_us)))
        return stamp_no("STAMP-03", "accuracy is not well-formed");
    if (!der_optional(&info, DER_BOOLEAN, &v, &present) || (present && (!der_bool(v, &ordering) || !ordering)))
        return stamp_no("STAMP-03", "ordering is not well-formed");
    bool has_nonce;
    if (!der_optional(&info, DER_INTEGER, &v, &has_nonce) || (has_nonce && !der_integer_ok(v)))
        return stamp_no("STAMP-03", "nonce is not well-formed");
    *nonce_ok = !c->expect->has_nonce || (has_nonce && der_u64(v, &nonce) && nonce == c->expect->nonce);
    if (!der_optional(&info, DER_CONSTRUCTED(0), &v, &present) || !der_optional(&info, DER_CONSTRUCTED(1), &v, &present) || info.size > 0)
        return stamp_no("STAMP-03", "TSTInfo has members that do not belong there");
    bool known;
    (void)kind_of_size(c->expect->imprint.size, &known);
    if (!known || !der_oid_is(oid, oid_of_size(c->expect->imprint.size)) || !dx_bytes_equal(hashed, c->expect->imprint))
        return stamp_no("STAMP-03", "");
    f->imprint_size = hashed.size;
    memcpy(f->imprint, hashed.data, hashed.size);
    const stamp_tsa *tsa = c->expect->tsa;
    *policy_ok = tsa == NULL || tsa->policy_oid_count == 0;
    for (size_t i = 0; tsa != NULL && i < tsa->policy_oid_count; i++)
        *policy_ok |= strcmp(tsa->policy_oids[i], f->policy) == 0;
    return yes();
}

static stamp_verdict check_signer(check *c)
{
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(c->cms);
    STACK_OF(X509)           *bag = CMS_get1_certs(c->cms);
    if (infos == NULL || sk_CMS_SignerInfo_num(infos) != 1) {
        sk_X509_pop_free(bag, X509_free);
        return stamp_no("STAMP-02", "not exactly one signer");
    }
    c->signer = sk_CMS_SignerInfo_value(infos, 0);
    for (int i = 0; bag != NULL && i < sk_X509_num(bag) && c->certificate == NULL; i++)
        if (CMS_SignerInfo_cert_cmp(c->signer, sk_X509_value(bag, i)) == 0) {
            c->certificate = sk_X509_value(bag, i);
            X509_up_ref(c->certificate);
            CMS_SignerInfo_set1_signer_cert(c->signer, c->certificate);
        }
    sk_X509_pop_free(bag, X509_free);
    return c->certificate != NULL ? yes() : stamp_no("STAMP-07", "");
}

static dx_bytes signer_der(check *c)
{
    uint8_t *der = NULL;
    int      size = i2d_X509(c->certificate, &der);
    dx_bytes out = size > 0 ? dx_arena_bytes(c->arena, dx_bytes_of(der, (size_t)size)) : (dx_bytes){NULL, 0};
    OPENSSL_free(der);
    return out;
}

/* ESS signing-certificate v2 (v1 by rule): the first ESSCertID is the signer. */
static stamp_verdict check_attributes(check *c)
{
    int content = CMS_signed_get_attr_by_NID(c->signer, NID_pkcs9_contentType, -1), digest = CMS_signed_get_attr_by_NID(c->signer, NID_pkcs9_messageDigest, -1);
    if (content < 0 || digest < 0)
        return stamp_no("STAMP-06", "content-type or message-digest is missing");
    int  at = CMS_signed_get_attr_by_NID(c->signer, NID_id_smime_aa_signingCertificateV2, -1);
    bool v1 = at < 0;
    if (v1)
        at = CMS_signed_get_attr_by_NID(c->signer, NID_id_smime_aa_signingCertificate, -1);
    if (at < 0 || (v1 && !c->expect->ess_v1_note && !(c->expect->tsa != NULL && c->expect->tsa->ess_v1)))
        return stamp_no("STAMP-06", "no signing-certificate v2");
    X509_ATTRIBUTE  *attribute = CMS_signed_get_attr(c->signer, at);
    const ASN1_TYPE *value = X509_ATTRIBUTE_count(attribute) == 1 ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;
    if (value == NULL || value->type != V_ASN1_SEQUENCE)
        return stamp_no("STAMP-06", "signing-certificate is not well-formed");
    dx_bytes all, ids, id, algorithm, hash, oid, der = signer_der(c);
    bool     present;
    if (!der_only(dx_bytes_of(value->value.sequence->data, (size_t)value->value.sequence->length), DER_SEQUENCE, &all) ||
        !der_take(&all, DER_SEQUENCE, &ids) || !der_take(&ids, DER_SEQUENCE, &id) || !der_optional(&id, DER_SEQUENCE, &algorithm, &present))
        return stamp_no("STAMP-06", "signing-certificate is not well-formed");
    uint8_t ours[64];
    size_t  size = 32;
    if (v1) {
        unsigned n = 20;
        if (X509_digest(c->certificate, EVP_sha1(), ours, &n) != 1)
            return stamp_no("STAMP-06", "SHA-1 is not available");
        size = n;
    } else if (!present) {
        dx_sha256(der, ours);
    } else {
        dx_hash_kind kind;
        if (!der_take(&algorithm, DER_OID, &oid))
            return stamp_no("STAMP-06", "signing-certificate is not well-formed");
        if (der_oid_is(oid, oid_of_size(32)))
            kind = DX_HASH_SHA256;
        else if (der_oid_is(oid, oid_of_size(48)))
            kind = DX_HASH_SHA384;
        else if (der_oid_is(oid, oid_of_size(64)))
            kind = DX_HASH_SHA512;
        else
            return stamp_no("STAMP-06", "an unknown hash");
        dx_digest(kind, der, ours);
        size = dx_hash_size(kind);
    }
    if (!der_take(&id, DER_OCTET_STRING, &hash) || !dx_bytes_equal(hash, dx_bytes_of(ours, size)))
        return stamp_no("STAMP-06", "signing-certificate names another certificate");
    return yes();
}

static bool algorithms_fit(check *c, bool *unknown)
{
    X509_ALGOR        *digest = NULL, *signature = NULL;
    EVP_PKEY          *key = X509_get0_pubkey(c->certificate);
    int                digest_nid, sig_nid, of_digest = NID_undef, of_key = NID_undef;
    CMS_SignerInfo_get0_algs(c->signer, NULL, NULL, &digest, &signature);
    digest_nid = OBJ_obj2nid(digest->algorithm);
    sig_nid = OBJ_obj2nid(signature->algorithm);
    *unknown = digest_nid != NID_sha256 && digest_nid != NID_sha384 && digest_nid != NID_sha512;
    if (*unknown || key == NULL)
        return false;
    if (sig_nid == NID_rsassaPss)
        return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
    if (sig_nid == NID_rsaEncryption)
        return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048;
    if (OBJ_find_sigid_algs(sig_nid, &of_digest, &of_key) != 1) {
        *unknown = true;
        return false;
    }
    if (of_digest != digest_nid)
        return false;
    return of_key == NID_rsaEncryption ? EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048 : EVP_PKEY_is_a(key, "EC");
}

static stamp_verdict check_signature(check *c)
{
    bool unknown = false;
    if (!algorithms_fit(c, &unknown)) {
        stamp_verdict v = stamp_no("STAMP-08", unknown ? "the algorithm is not accepted" : "algorithm and key do not fit");
        if (unknown) {
            v.sub_indication = "CRYPTO_CONSTRAINTS_FAILURE";
            v.indeterminate = true;
        }
        return v;
    }
    bool ok = CMS_SignerInfo_verify(c->signer) == 1;
    if (ok) {
        BIO *content = BIO_new_mem_buf(c->tst.data, (int)c->tst.size);
        BIO *hashing = content == NULL ? NULL : CMS_dataInit(c->cms, content);
        uint8_t room[4096];
        while (hashing != NULL && BIO_read(hashing, room, sizeof room) > 0) {
        }
        ok = hashing != NULL && CMS_SignerInfo_verify_content(c->signer, hashing) == 1;
        if (hashing != NULL)
            BIO_free_all(hashing);
        else
            BIO_free(content);
    }
    ERR_clear_error();
    return ok ? yes() : stamp_no("STAMP-08", "");
}

static stamp_verdict check_usage(check *c)
{
    int                 critical = 0;
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c->certificate, NID_ext_key_usage, &critical, NULL);
    int                 count = eku == NULL ? 0 : sk_ASN1_OBJECT_num(eku);
    bool                found = false, strict = c->expect->tsa == NULL || c->expect->tsa->eku_strict;
    for (int i = 0; i < count; i++)
        found |= OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i)) == NID_time_stamp;
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    if (!found || critical != 1 || (strict && count != 1))
        return stamp_no("STAMP-09", "");
    uint32_t usage = X509_get_key_usage(c->certificate);
    if ((X509_get_extension_flags(c->certificate) & EXFLAG_KUSAGE) && (usage & ~(uint32_t)(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
        return stamp_no("STAMP-10", "");
    return yes();
}

/* The certificates of the bag, as candidates for intermediates. */
static size_t bag_of(check *c, dx_bytes *out, size_t max)
{
    STACK_OF(X509) *bag = CMS_get1_certs(c->cms);
    size_t          count = 0;
    for (int i = 0; bag != NULL && i < sk_X509_num(bag) && count < max; i++) {
        uint8_t *der = NULL;
        int      size = i2d_X509(sk_X509_value(bag, i), &der);
        if (size > 0)
            out[count++] = dx_arena_bytes(c->arena, dx_bytes_of(der, (size_t)size));
        OPENSSL_free(der);
    }
    sk_X509_pop_free(bag, X509_free);
    return count;
}

static stamp_verdict check_chain(check *c)
{
    dx_bytes     bag[16];
    size_t       count = bag_of(c, bag, 16);
    stamp_facts *f = c->facts;
    int64_t      at_s = f->time_us / 1000000;
    if (c->trust->snapshot == NULL) {
        stamp_anchor_input in = {.leaf = signer_der(c), .bag = bag, .bag_count = count, .anchors = c->trust->anchors,
                                 .anchor_count = c->trust->anchor_count, .crls = c->trust->crls, .crl_count = c->trust->crl_count, .at_s = at_s};
        const char *why = stamp_anchor_check(&in);
        return why == NULL ? yes() : stamp_no("STAMP-11", why);
    }
    path_input          input = {.leaf = signer_der(c), .presented = bag, .presented_count = count, .snapshot = c->trust->snapshot,
                                 .profile = PATH_TSU, .at_s = at_s, .evidence = c->trust->evidence, .revocation_off = c->trust->revocation_off};
    dx_why              why = {0};
    if (path_judge(c->trust->judge, &input, c->arena, &c->verdict, c->questions, c->question_count, &why).code != DX_OK)
        return stamp_no("STAMP-11", why.text);
    if (c->verdict.answer != TRUST_YES) {
        bool status = strcmp(c->verdict.id, "ID-304") == 0 || strcmp(c->verdict.id, "ID-303") == 0;
        char text[96];
        snprintf(text, sizeof text, "%s %.80s", c->verdict.id, c->verdict.reason);
        return stamp_no(status ? "STAMP-12" : "STAMP-11", text);
    }
    snprintf(f->territory, sizeof f->territory, "%s", c->verdict.anchor.territory);
    snprintf(f->status, sizeof f->status, "%.31s", c->verdict.anchor.status);
    snprintf(f->class_, sizeof f->class_, "%s", path_stamp_class(&c->verdict));
    const char *want = c->trust->want_class != NULL ? c->trust->want_class : c->expect->tsa != NULL ? c->expect->tsa->class_ : NULL;
    if (want != NULL && strcmp(want, "listed") != 0 && strcmp(want, "private") != 0 && strcmp(want, f->class_) != 0)
        return stamp_no("STAMP-12", f->class_);
    return yes();
}

static stamp_verdict check_time(check *c)
{
    const stamp_expect *e = c->expect;
    const stamp_facts  *f = c->facts;
    int64_t             slack_us = f->accuracy_us + e->skew_s * 1000000;
    if (e->received_us != 0 && (f->time_us < e->sent_us - slack_us || f->time_us > e->received_us + slack_us))
        return stamp_no("STAMP-13", "");
    if (e->not_before_us != 0 && f->time_us < e->not_before_us - e->skew_s * 1000000)
        return stamp_no("STAMP-14", "");
    return yes();
}

static stamp_verdict check_all(check *c)
{
    bool nonce_ok = false, policy_ok = false;
    CHECK(check_form(c));
    const uint8_t *p = c->token.data;
    c->cms = d2i_CMS_ContentInfo(NULL, &p, (long)c->token.size);
    if (c->cms == NULL || p != c->token.data + c->token.size)
        return stamp_no("STAMP-02", "not readable as CMS");
    CHECK(check_info(c, &nonce_ok, &policy_ok));
    if (!nonce_ok)
        return stamp_no("STAMP-04", "");
    if (!policy_ok)
        return stamp_no("STAMP-05", c->facts->policy);
    CHECK(check_signer(c));
    CHECK(check_attributes(c));
    CHECK(check_signature(c));
    CHECK(check_usage(c));
    CHECK(check_chain(c));
    return check_time(c);
}

stamp_verdict stamp_check(dx_bytes token, const stamp_expect *expect, const stamp_trust *trust, dx_arena *arena, stamp_facts *facts)
{
    revocation_question questions[PATH_MAX_CERTS];
    size_t              count = 0;
    return stamp_check_asking(token, expect, trust, arena, facts, questions, &count);
}

stamp_verdict stamp_check_asking(dx_bytes token, const stamp_expect *expect, const stamp_trust *trust, dx_arena *arena, stamp_facts *facts,
                                 revocation_question *questions, size_t *question_count)
{
    check c = {.token = token, .expect = expect, .trust = trust, .arena = arena, .facts = facts, .questions = questions,
               .question_count = question_count};
    *facts = (stamp_facts){0};
    dx_sha256(token, facts->sha256);
    stamp_verdict v = check_all(&c);
    if (c.certificate != NULL) {
        dx_sha256(signer_der(&c), facts->signer_sha256);
        X509_NAME_get_text_by_NID(X509_get_subject_name(c.certificate), NID_commonName, facts->signer_name, sizeof facts->signer_name);
    }
    X509_free(c.certificate);
    CMS_ContentInfo_free(c.cms);
    ERR_clear_error();
    return v;
}
