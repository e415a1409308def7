/* path_world.h -- certificates, OCSP responses, CRLs and a snapshot of one's own, for tests of whoever judges
 * paths.
 *
 * A world lives from world_begin to world_end; everything made in between is freed there.
 */
#ifndef TESTS_UNIT_TRUST_PATH_PATH_WORLD_H
#define TESTS_UNIT_TRUST_PATH_PATH_WORLD_H

#include "trust/base/digest.h"
#include "trust/list/tlist_certificate.h"
#include "trust/list/tlist_object.h"
#include "trust/path/path.h"

#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW_S    1795608000 /* 2026-11-25T12:00:00Z */
#define DAY_S    86400
#define OCSP_URL "authorityInfoAccess=OCSP;URI:http://ocsp.example/"
#define ORG      "C=JP|O=Example KK|2.5.4.97=NTRJP-7000012050002"

#pragma GCC diagnostic ignored "-Wunused-function" /* each test takes what it needs */

typedef struct {
    EVP_PKEY *key;
    X509 *x;
    dx_bytes der;
} holder;

typedef struct {          /* zero: a P-256 leaf of ten days, signed with SHA-256 */
    const char *subject;  /* "C=JP|O=Example|CN=x" */
    const holder *issuer; /* NULL: itself */
    const holder *same_key_as;
    const char *extensions[12]; /* "name=value" of openssl's configuration */
    int64_t from_s, until_s;
    const EVP_MD *md;
    const char *not_before_text; /* raw contents of a UTCTime */
    bool rsa, pss, no_ids;       /* no_ids: without key identifiers */
    int pss_salt;                /* with pss; 0: as long as the hash */
    unsigned rsa_bits, rsa_e;    /* 0: 2048, 65537 */
} certificate_recipe;

typedef struct {
    dx_arena arena;
    holder holders[96];
    size_t holder_count;
    tlist_list *list;
    tlist_snapshot *snapshot;
    tlist_service services[8];
    tlist_certificate identities[8];
    tlist_interval intervals[8][3];
    path_judge_state *judge;
    /* of the last judgement */
    trust_verdict verdict;
    revocation_question questions[PATH_MAX_CERTS];
    size_t question_count;
    struct dx_rc rc;
    dx_why why;
} path_world;

static void world_begin(path_world *w)
{
    *w = (path_world){0};
    w->list = calloc(1, sizeof *w->list);
    assert_non_null(w->list);
    atomic_init(&w->list->refs, 1);
    w->list->facts = (tlist_facts){.source = "eu",
                                   .scheme = "EU",
                                   .territory = "DE",
                                   .sequence = 7,
                                   .issued_s = NOW_S - 400 * (int64_t)DAY_S,
                                   .next_update_s = NOW_S + 90 * (int64_t)DAY_S,
                                   .confirmed_s = NOW_S,
                                   .origin = TLIST_ORIGIN_PUBLISHER_SIGNED,
                                   .url = "https://tl.example/"};
    w->list->services = w->services;
    assert_int_equal(path_judge_new(&w->judge, NULL).code, DX_OK);
}

static void world_end(path_world *w)
{
    tlist_snapshot_unref(w->snapshot);
    tlist_list_unref(w->list);
    path_judge_free(w->judge);
    for (size_t i = 0; i < w->holder_count; i++) {
        X509_free(w->holders[i].x);
        EVP_PKEY_free(w->holders[i].key);
    }
    dx_arena_fini(&w->arena);
}

static dx_bytes world_keep(path_world *w, uint8_t *der, int size)
{
    assert_true(size > 0);
    dx_bytes out = dx_arena_bytes(&w->arena, dx_bytes_of(der, (size_t)size));
    OPENSSL_free(der);
    return out;
}

static void add_subject(X509_NAME *name, const char *subject)
{
    char copy[1024], *rest = copy;
    snprintf(copy, sizeof copy, "%s", subject);
    for (char *part; (part = strsep(&rest, "|")) != NULL;) {
        char *value = strchr(part, '=');
        assert_non_null(value);
        *value++ = '\0';
        assert_int_equal(
            X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0),
            1);
    }
}

static X509_EXTENSION *world_extension(X509V3_CTX *context, const char *text)
{
    char name[128];
    const char *value = strchr(text, '=');
    assert_non_null(value);
    snprintf(name, sizeof name, "%.*s", (int)(value - text), text);
    CONF *none = NCONF_new(NULL); /* some kinds want one, though they find nothing in it */
    X509V3_set_nconf(context, none);
    X509_EXTENSION *e = X509V3_EXT_nconf(none, context, name, value + 1);
    NCONF_free(none);
    if (e == NULL)
        fail_msg("not an extension: %s", text);
    return e;
}

static EVP_PKEY *rsa_key(unsigned bits, unsigned e)
{
    EVP_PKEY *key = NULL;
    BIGNUM *exponent = BN_new();
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(c), 1);
    BN_set_word(exponent, e != 0 ? e : 65537);
    EVP_PKEY_CTX_set_rsa_keygen_bits(c, bits != 0 ? (int)bits : 2048);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, exponent);
    assert_int_equal(EVP_PKEY_generate(c, &key), 1);
    EVP_PKEY_CTX_free(c);
    BN_free(exponent);
    return key;
}

static holder *world_certificate(path_world *w, certificate_recipe r)
{
    static long serial = 1000;
    assert_true(w->holder_count < sizeof w->holders / sizeof *w->holders);
    holder *h = &w->holders[w->holder_count++];
    h->key = r.same_key_as != NULL ? r.same_key_as->key
             : r.rsa || r.pss      ? rsa_key(r.rsa_bits, r.rsa_e)
                                   : EVP_EC_gen("P-256");
    if (r.same_key_as != NULL)
        EVP_PKEY_up_ref(h->key);
    X509 *x = h->x = X509_new();
    const holder *issuer = r.issuer == NULL ? h : r.issuer;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    add_subject(X509_get_subject_name(x), r.subject);
    X509_set_issuer_name(x, X509_get_subject_name(issuer->x));
    ASN1_TIME_set(X509_getm_notBefore(x), r.from_s != 0 ? r.from_s : NOW_S - 5 * DAY_S);
    ASN1_TIME_set(X509_getm_notAfter(x), r.until_s != 0 ? r.until_s : NOW_S + 5 * DAY_S);
    if (r.not_before_text != NULL)
        ASN1_STRING_set(X509_getm_notBefore(x), r.not_before_text, -1);
    X509_set_pubkey(x, h->key);
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer->x, x, NULL, NULL, 0);
    const char *ids[] = {"subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"};
    for (size_t i = 0; i < 2 && !r.no_ids; i++) {
        X509_EXTENSION *e = world_extension(&context, ids[i]);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    for (size_t i = 0; i < 12 && r.extensions[i] != NULL; i++) {
        X509_EXTENSION *e = world_extension(&context, r.extensions[i]);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    EVP_MD_CTX *sign = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key = NULL;
    const EVP_MD *md = r.md != NULL ? r.md : EVP_sha256();
    assert_int_equal(EVP_DigestSignInit(sign, &key, md, NULL, issuer->key), 1);
    if (r.pss) {
        EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(key, r.pss_salt != 0 ? r.pss_salt : EVP_MD_get_size(md));
    }
    assert_true(X509_sign_ctx(x, sign) > 0);
    EVP_MD_CTX_free(sign);
    uint8_t *der = NULL;
    int size = i2d_X509(x, &der);
    h->der = world_keep(w, der, size);
    return h;
}

static holder *world_authority(path_world *w, const char *subject, const holder *issuer, const char *more)
{
    certificate_recipe r = {.subject = subject,
                            .issuer = issuer,
                            .from_s = NOW_S - 2000 * (int64_t)DAY_S,
                            .until_s = NOW_S + 2000 * (int64_t)DAY_S,
                            .extensions = {"basicConstraints=critical,CA:TRUE",
                                           "keyUsage=critical,keyCertSign,cRLSign", OCSP_URL, more}};
    return world_certificate(w, r);
}

static holder *world_peer(path_world *w, const char *subject, const holder *issuer, const char *more)
{
    return world_certificate(
        w, (certificate_recipe){.subject = subject,
                                .issuer = issuer,
                                .extensions = {"keyUsage=critical,digitalSignature",
                                               "extendedKeyUsage=clientAuth", OCSP_URL, more}});
}

/* ---- lists ---- */

/* A service CA/QC, granted for ever; change what you want before world_list. */
static tlist_interval *world_service(path_world *w, const holder *h)
{
    size_t n = w->list->service_count++;
    static const char *const info[] = {"http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForeSeals"};
    assert_true(tlist_certificate_read(h->der, &w->identities[n]));
    w->intervals[n][0] =
        (tlist_interval){.from_s = NOW_S - 1000 * (int64_t)DAY_S,
                         .until_s = INT64_MAX,
                         .type = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC",
                         .status = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
                         .info = info,
                         .info_count = 1,
                         .usable = true,
                         .purposes = TLIST_FOR(ISSUER) | TLIST_FOR(STAMP),
                         .status_valid = true};
    w->services[n] = (tlist_service){.provider = "Provider",
                                     .name = "Service",
                                     .certificates = &w->identities[n],
                                     .certificate_count = 1,
                                     .intervals = w->intervals[n],
                                     .interval_count = 1};
    return w->intervals[n];
}

static void world_list(path_world *w)
{
    tlist_snapshot_unref(w->snapshot);
    assert_int_equal(tlist_snapshot_of(&w->list, 1, NOW_S, &w->snapshot, NULL).code, DX_OK);
}

/* ---- answers about revocation ---- */

typedef struct { /* zero: "good", an hour ago, for a day, by the issuer itself */
    const holder *subject, *issuer, *signer;
    int status, reason;
    int64_t revoked_s, this_s, next_s; /* next_s -1: none */
    const EVP_MD *md;
    const holder *about;            /* the certificate named in the response; NULL: the subject */
    int64_t produced_s;             /* 0: with this_s */
    const char *critical;           /* an extension of the single response */
    const holder *name_of, *key_of; /* of the issuer in the CertID; NULL: the issuer's */
    const EVP_MD *id_md;            /* of the CertID; NULL: SHA-1 */
    int statuses[3];                /* of more single responses: 1 + status; 0: no more */
    const char *nonce;
    bool no_certificates, by_key;
} ocsp_recipe;

static OCSP_CERTID *ocsp_id(const ocsp_recipe *r)
{
    return OCSP_cert_id_new(r->id_md != NULL ? r->id_md : EVP_sha1(),
                            X509_get_subject_name((r->name_of != NULL ? r->name_of : r->issuer)->x),
                            X509_get0_pubkey_bitstr((r->key_of != NULL ? r->key_of : r->issuer)->x),
                            X509_get0_serialNumber((r->about != NULL ? r->about : r->subject)->x));
}

static dx_bytes world_ocsp(path_world *w, ocsp_recipe r)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = ocsp_id(&r);
    ASN1_TIME *from = ASN1_TIME_set(NULL, r.this_s != 0 ? r.this_s : NOW_S - 3600),
              *until = r.next_s < 0 ? NULL : ASN1_TIME_set(NULL, r.next_s != 0 ? r.next_s : NOW_S + 82800),
              *revoked = ASN1_TIME_set(NULL, r.revoked_s);
    OCSP_SINGLERESP *single = OCSP_basic_add1_status(
        basic, id, r.status, r.reason, r.status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from, until);
    assert_non_null(single);
    if (r.critical != NULL) {
        X509V3_CTX context = {0};
        X509_EXTENSION *e = world_extension(&context, r.critical);
        OCSP_SINGLERESP_add_ext(single, e, -1);
        X509_EXTENSION_free(e);
    }
    for (size_t i = 0; i < 3 && r.statuses[i] != 0; i++) {
        int status = r.statuses[i] - 1;
        assert_non_null(OCSP_basic_add1_status(
            basic, id, status, r.reason, status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from, until));
    }
    if (r.nonce != NULL)
        OCSP_basic_add1_nonce(basic, (unsigned char *)(uintptr_t)r.nonce, (int)strlen(r.nonce));
    const holder *signer = r.signer != NULL ? r.signer : r.issuer;
    ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)(uintptr_t)OCSP_resp_get0_produced_at(basic),
                             r.produced_s != 0 ? r.produced_s
                             : r.this_s != 0   ? r.this_s
                                               : NOW_S - 3600);
    assert_int_equal(OCSP_basic_sign(basic, signer->x, signer->key, r.md != NULL ? r.md : EVP_sha256(), NULL,
                                     OCSP_NOTIME | (r.no_certificates ? OCSP_NOCERTS : 0U) |
                                         (r.by_key ? OCSP_RESPID_KEY : 0U)),
                     1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    uint8_t *der = NULL;
    int size = i2d_OCSP_RESPONSE(response, &der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(revoked);
    return world_keep(w, der, size);
}

typedef struct { /* zero: empty, an hour ago, for a day */
    const holder *issuer, *signer;
    const holder *listed;
    int64_t listed_s, this_s, next_s; /* next_s -1: none */
    const char *listed_text;          /* raw contents of the date of the entry */
    const char *extensions[4], *entry_extension;
    bool bare;    /* without number and key identifier */
    bool emptied; /* a list of entries that holds none */
    int version;  /* 0: version 2; -1: none, which is version 1; else as it is written */
    const EVP_MD *md;
} crl_recipe;

static dx_bytes world_crl(path_world *w, crl_recipe r)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_new();
    X509V3_CTX context;
    if (r.version >= 0)
        X509_CRL_set_version(crl, r.version == 0 ? X509_CRL_VERSION_2 : r.version);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(r.issuer->x));
    X509_CRL_set1_lastUpdate(crl, ASN1_TIME_set(time, r.this_s != 0 ? r.this_s : NOW_S - 3600));
    if (r.next_s >= 0)
        X509_CRL_set1_nextUpdate(crl, ASN1_TIME_set(time, r.next_s != 0 ? r.next_s : NOW_S + 82800));
    X509V3_set_ctx(&context, r.issuer->x, NULL, NULL, crl, 0);
    const char *usual[] = {"authorityKeyIdentifier=keyid", "2.5.29.20=ASN1:INTEGER:7"};
    for (size_t i = 0; i < 2 && !r.bare; i++) {
        X509_EXTENSION *e = world_extension(&context, usual[i]);
        X509_CRL_add_ext(crl, e, -1);
        X509_EXTENSION_free(e);
    }
    for (size_t i = 0; i < 4 && r.extensions[i] != NULL; i++) {
        X509_EXTENSION *e = world_extension(&context, r.extensions[i]);
        X509_CRL_add_ext(crl, e, -1);
        X509_EXTENSION_free(e);
    }
    if (r.listed != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(r.listed->x));
        ASN1_TIME_set(time, r.listed_s);
        if (r.listed_text != NULL)
            ASN1_STRING_set(time, r.listed_text, -1);
        X509_REVOKED_set_revocationDate(entry, time);
        if (r.entry_extension != NULL) {
            X509_EXTENSION *e = world_extension(&context, r.entry_extension);
            X509_REVOKED_add_ext(entry, e, -1);
            X509_EXTENSION_free(e);
        }
        X509_CRL_add0_revoked(crl, entry);
        if (r.emptied)
            X509_REVOKED_free(sk_X509_REVOKED_pop(X509_CRL_get_REVOKED(crl)));
    }
    assert_true(X509_CRL_sign(crl, (r.signer != NULL ? r.signer : r.issuer)->key,
                              r.md != NULL ? r.md : EVP_sha256()) > 0);
    uint8_t *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    X509_CRL_free(crl);
    ASN1_TIME_free(time);
    return world_keep(w, der, size);
}

/* ---- judging ---- */

/* "" is yes. */
static const char *world_judge(path_world *w, path_input input)
{
    input.snapshot = w->snapshot;
    if (input.at_s == 0)
        input.at_s = NOW_S;
    if (input.home_scheme == NULL)
        input.home_scheme = "EU";
    w->rc = path_judge(w->judge, &input, &w->arena, &w->verdict, w->questions, &w->question_count, &w->why);
    if (w->rc.code == DX_OK) {
        assert_int_equal(w->verdict.answer == TRUST_YES, w->verdict.id[0] == '\0'); /* every no has its id */
        if (getenv("SHOW") != NULL)
            print_message("%s %s remarks %s\n", w->verdict.id, w->verdict.reason, w->verdict.remarks);
    }
    return w->verdict.id;
}

#endif
