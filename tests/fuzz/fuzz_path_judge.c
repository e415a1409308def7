/* room: trust_path */
/* fuzz_path_judge.c -- a mesh of certificates made from bytes, and a judgement about one of them.
 *
 * Input: one byte for the profile, one for the anchors, one for what the judgement is given, then six bytes
 * for each certificate, the leaf last: subject and issuer, keys, what it is, what it constrains, its
 * policies, its dates and damage. Held: every no has its id; asked again the answer is the same; the path of
 * a yes consists of signatures that libcrypto believes and ends in an anchor; more certificates never turn a
 * yes into a no.
 */
#include "trust/base/digest.h"
#include "trust/path/path.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define NOW_S    1795608000
#define RECIPE   6
#define MESH_MAX 20
#define NAMES    6
#define KEYS     6
#define KEPT     1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static EVP_PKEY *keys[KEYS];

typedef struct {
    uint8_t recipe[RECIPE];
    uint8_t *der;
    int size;
} kept_certificate;
static kept_certificate kept[KEPT];

static void add(X509 *x, const char *name, const char *value)
{
    static CONF *none; /* some kinds want one, though they find nothing in it */
    X509V3_CTX context;
    if (none == NULL)
        none = NCONF_new(NULL);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509V3_set_nconf(&context, none);
    X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &context, name, value);
    if (e == NULL)
        abort();
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static void name_of(X509_NAME *out, unsigned which)
{
    unsigned char text[] = {'n', (unsigned char)('0' + which)};
    X509_NAME_add_entry_by_txt(out, "CN", MBSTRING_ASC, text, 2, -1, 0);
}

static const char *const dns[] = {"DNS:a.example", "DNS:b.example", "DNS:*.example",
                                  "DNS:a.test,IP:192.0.2.1"};
static const char *const limits[] = {"critical,permitted;DNS:example", "critical,excluded;DNS:b.example",
                                     "critical,permitted;IP:192.0.2.0/255.255.255.0",
                                     "permitted;email:example"};
static const char *const usages[] = {"clientAuth", "serverAuth", "anyExtendedKeyUsage", "timeStamping"};
static const char *const policies[] = {"1.2.1", "1.2.2", "1.2.1,1.2.2", "2.5.29.32.0"};

static void describe(X509 *x, const uint8_t *r)
{
    bool ca = r[2] & 1;
    char text[32];
    if (ca) {
        snprintf(text, sizeof text, r[2] & 2 ? "critical,CA:TRUE,pathlen:%u" : "critical,CA:TRUE", r[2] >> 6);
        add(x, "basicConstraints", text);
    }
    if (r[2] & 4)
        add(x, "keyUsage", r[2] & 8 ? "critical,digitalSignature" : "critical,keyCertSign");
    if (r[2] & 16)
        add(x, "extendedKeyUsage", usages[r[3] & 3]);
    if (r[2] & 32)
        add(x, "subjectKeyIdentifier", "hash");
    if (r[3] & 4)
        add(x, "subjectAltName", dns[r[3] >> 6]);
    if (r[3] & 8)
        add(x, "nameConstraints", limits[r[3] >> 6]);
    if (r[4] & 1)
        add(x, "certificatePolicies", policies[r[4] >> 6]);
    if (r[4] & 2)
        add(x, "policyMappings", r[4] & 4 ? "critical,1.2.1:1.2.2" : "critical,1.2.2:1.2.1");
    if (r[4] & 8)
        add(x, "policyConstraints",
            r[4] & 16 ? "critical,requireExplicitPolicy:0" : "critical,inhibitPolicyMapping:1");
    if (r[4] & 32)
        add(x, "inhibitAnyPolicy", "critical,0");
}

/* Bytes 0, 1: subject and issuer, key and signing key; 2 to 4: describe; 5: dates and damage. */
static dx_bytes certificate(const uint8_t *r)
{
    uint32_t place = 2166136261u;
    for (size_t i = 0; i < RECIPE; i++)
        place = (place ^ r[i]) * 16777619u;
    kept_certificate *k = &kept[place % KEPT];
    if (k->der != NULL && memcmp(k->recipe, r, RECIPE) == 0)
        return dx_bytes_of(k->der, (size_t)k->size);
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1 + r[0]);
    name_of(X509_get_subject_name(x), r[0] % NAMES);
    name_of(X509_get_issuer_name(x), (r[0] >> 4) % NAMES);
    ASN1_TIME_set(X509_getm_notBefore(x), NOW_S - 86400 + ((r[5] & 1) ? 2 * 86400 : 0));
    ASN1_TIME_set(X509_getm_notAfter(x), NOW_S + 3 * 86400 - ((r[5] & 2) ? 4 * 86400 : 0));
    X509_set_pubkey(x, keys[r[1] % KEYS]);
    describe(x, r);
    if (X509_sign(x, keys[(r[1] >> 4) % KEYS], NULL) <= 0)
        abort();
    OPENSSL_free(k->der);
    k->der = NULL;
    k->size = i2d_X509(x, &k->der);
    memcpy(k->recipe, r, RECIPE);
    X509_free(x);
    if (r[5] & 4) /* anywhere: names, extensions, signature */
        k->der[(size_t)(r[5] >> 3) * (size_t)k->size / 32] ^= (uint8_t)(1 + r[0]);
    return dx_bytes_of(k->der, (size_t)k->size);
}

static X509 *decode(dx_bytes der)
{
    const uint8_t *p = der.data;
    return d2i_X509(NULL, &p, (long)der.size);
}

static dx_bytes by_digest(const path_input *in, const uint8_t sha256[32])
{
    uint8_t digest[32];
    dx_sha256(in->leaf, digest);
    if (memcmp(digest, sha256, 32) == 0)
        return in->leaf;
    for (size_t i = 0; i < in->presented_count + in->anchor_count; i++) {
        dx_bytes der = i < in->presented_count ? in->presented[i] : in->anchors[i - in->presented_count].der;
        dx_sha256(der, digest);
        if (memcmp(digest, sha256, 32) == 0)
            return der;
    }
    abort(); /* a path through a certificate that nobody gave */
}

/* Independent of the judge: signatures, one above the other, and an anchor at the end. */
static void believe(const path_input *in, const trust_verdict *v)
{
    bool ends = false;
    dx_bytes last = {0};
    for (size_t i = 0; i < v->path_count; i++) {
        dx_bytes above = by_digest(in, v->path_sha256[i]);
        X509 *child = i > 0 ? decode(last) : NULL, *issuer = decode(above);
        if (i > 0 && (X509_NAME_cmp(X509_get_issuer_name(child), X509_get_subject_name(issuer)) != 0 ||
                      X509_verify(child, X509_get0_pubkey(issuer)) != 1))
            abort();
        X509_free(child);
        X509_free(issuer);
        last = above;
    }
    for (size_t i = 0; i < in->anchor_count; i++)
        ends |= dx_bytes_equal(in->anchors[i].der, last) && !in->anchors[i].distrusted;
    if (!ends || v->path_count == 0)
        abort();
}

static trust_verdict judge(path_judge_state *state, const path_input *in)
{
    dx_arena arena = {0};
    trust_verdict v;
    revocation_question questions[PATH_MAX_CERTS];
    size_t count;
    if (path_judge(state, in, &arena, &v, questions, &count, NULL).code != DX_OK)
        abort();
    if ((v.answer == TRUST_YES) != (v.id[0] == 0))
        abort();
    if (v.answer == TRUST_YES)
        believe(in, &v);
    dx_arena_fini(&arena);
    return v;
}

static path_judge_state *fresh(void)
{
    path_judge_state *state;
    if (path_judge_new(&state, NULL).code != DX_OK)
        abort();
    return state;
}

static void begin(void)
{
    for (size_t i = 0; i < KEYS; i++) {
        uint8_t secret[32] = {(uint8_t)(i + 1)};
        keys[i] = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof secret);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_bytes mesh[MESH_MAX];
    path_anchor anchors[3];
    size_t count = 0;
    if (keys[0] == NULL)
        begin();
    if (size < 3 + 2 * RECIPE)
        return 0;
    for (size_t at = 3; at + RECIPE <= size && count < MESH_MAX; at += RECIPE) {
        mesh[count] = certificate(data + at);
        uint8_t *copy = malloc(mesh[count].size); /* another may take its place */
        memcpy(copy, mesh[count].data, mesh[count].size);
        mesh[count++].data = copy;
    }
    for (size_t i = 0; i < 3; i++)
        anchors[i] = (path_anchor){.der = mesh[(data[1] >> (2 * i) & 3) % count],
                                   .validity = data[1] & 64,
                                   .constraints = data[1] & 128,
                                   .leaf = data[2] & 8};
    anchors[2].distrusted = data[2] & 4;
    path_limits few = path_limits_default;
    few.cpu_ms = 10000; /* what a sanitizer costs is no part of the answer */
    path_input in = {.leaf = mesh[count - 1],
                     .presented = mesh,
                     .presented_count = count - 1,
                     .anchors = anchors,
                     .anchor_count = 1 + data[2] % 3,
                     .profile = (path_profile_id)(data[0] % (PATH_WEBPKI + 1)),
                     .at_s = NOW_S,
                     .host = data[2] & 16 ? "a.example" : NULL,
                     .policies = {.require_explicit = data[2] & 32, .inhibit_any = data[2] & 64},
                     .limits = &few,
                     .revocation_off = true};
    path_judge_state *one = fresh(), *two = fresh();
    trust_verdict all = judge(one, &in), again = judge(one, &in);
    if (strcmp(all.id, again.id) != 0)
        abort();
    in.presented_count /= 2;
    trust_verdict half = judge(two, &in);
    if (half.answer == TRUST_YES && all.answer != TRUST_YES && strcmp(all.id, "ID-215") != 0)
        abort();
    path_judge_free(one);
    path_judge_free(two);
    for (size_t i = 0; i < count; i++)
        free((uint8_t *)(uintptr_t)mesh[i].data);
    return 0;
}
