/* bench_trust.c -- what one judgement of a certificate costs, beside the signatures that it cannot do
 * without.
 *
 * B2: leaf, two P-256 intermediates that were never seen, a listed anchor whose key is decoded. B3: another
 * leaf below the same two (identity.md 16). Revocation is answered from elsewhere and not measured. Output: a
 * row per figure: median, range, goal. Usage: bench_trust [--gate] [--rounds N]; exit 1: --gate and a goal is
 * missed by more than a tenth.
 */
#include "trust/list/tlist_certificate.h"
#include "trust/list/tlist_object.h"
#include "trust/path/path.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOW_S  1795608000
#define CHAINS 64

typedef struct {
    EVP_PKEY *key;
    X509 *x;
    dx_bytes der;
} holder;

typedef struct {
    holder upper, lower, first, second; /* two intermediates, two leaves */
} chain;

static holder root;
static chain chains[CHAINS];

static void extend(X509 *x, X509 *issuer, const char *name, const char *value)
{
    static CONF *none; /* some kinds want one, though they find nothing in it */
    X509V3_CTX context;
    if (none == NULL)
        none = NCONF_new(NULL);
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509V3_set_nconf(&context, none);
    X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &context, name, value);
    if (e == NULL)
        abort();
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static void entry(X509_NAME *name, const char *type, const char *value)
{
    X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0);
}

static void make(holder *out, const char *common_name, size_t number, const holder *issuer, bool ca)
{
    static long serial = 1;
    char text[64];
    *out = (holder){.key = EVP_EC_gen("P-256"), .x = X509_new()};
    if (issuer == NULL)
        issuer = out;
    X509_NAME *name = X509_get_subject_name(out->x);
    snprintf(text, sizeof text, "%s %zu", common_name, number);
    entry(name, "C", "JP");
    entry(name, "O", "Example KK");
    if (!ca)
        entry(name, "2.5.4.97", "NTRJP-7000012050002");
    entry(name, "CN", text);
    X509_set_version(out->x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out->x), ++serial);
    X509_set_issuer_name(out->x, X509_get_subject_name(issuer->x));
    ASN1_TIME_set(X509_getm_notBefore(out->x), NOW_S - 86400);
    ASN1_TIME_set(X509_getm_notAfter(out->x), NOW_S + 86400);
    X509_set_pubkey(out->x, out->key);
    extend(out->x, issuer->x, "subjectKeyIdentifier", "hash");
    extend(out->x, issuer->x, "authorityKeyIdentifier", "keyid");
    extend(out->x, issuer->x, "keyUsage", ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (ca)
        extend(out->x, issuer->x, "basicConstraints", "critical,CA:TRUE");
    else
        extend(out->x, issuer->x, "extendedKeyUsage", "clientAuth");
    extend(out->x, issuer->x, "authorityInfoAccess", "OCSP;URI:http://ocsp.example/");
    extend(out->x, issuer->x, "certificatePolicies", "1.2.3.4");
    if (X509_sign(out->x, issuer->key, EVP_sha256()) <= 0)
        abort();
    uint8_t *der = NULL;
    int size = i2d_X509(out->x, &der);
    out->der = dx_bytes_of(der, (size_t)size);
}

static tlist_snapshot *snapshot_of_root(void)
{
    static tlist_certificate identity;
    static tlist_interval interval = {.until_s = INT64_MAX,
                                      .type = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC",
                                      .status = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
                                      .usable = true,
                                      .purposes = TLIST_FOR(ISSUER),
                                      .status_valid = true};
    static tlist_service service = {.provider = "Provider",
                                    .name = "Service",
                                    .certificates = &identity,
                                    .certificate_count = 1,
                                    .intervals = &interval,
                                    .interval_count = 1};
    static tlist_list list = {.facts = {.source = "eu",
                                        .scheme = "EU",
                                        .territory = "DE",
                                        .issued_s = NOW_S - 86400,
                                        .next_update_s = NOW_S + 86400,
                                        .confirmed_s = NOW_S,
                                        .url = "https://tl.example/"},
                              .services = &service,
                              .service_count = 1};
    tlist_list *lists[] = {&list};
    tlist_snapshot *snapshot;
    atomic_init(&list.refs, 1);
    if (!tlist_certificate_read(root.der, &identity) ||
        tlist_snapshot_of(lists, 1, NOW_S, &snapshot, NULL).code != DX_OK)
        abort();
    return snapshot;
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double judge(path_judge_state *state, const tlist_snapshot *snapshot, const chain *c,
                    const holder *leaf)
{
    dx_arena arena = {0};
    trust_verdict v;
    revocation_question questions[PATH_MAX_CERTS];
    size_t count;
    const dx_bytes presented[] = {c->lower.der, c->upper.der};
    const path_input in = {.leaf = leaf->der,
                           .presented = presented,
                           .presented_count = 2,
                           .snapshot = snapshot,
                           .at_s = NOW_S,
                           .home_scheme = "EU",
                           .revocation_off = true};
    double before = cpu_us();
    if (path_judge(state, &in, &arena, &v, questions, &count, NULL).code != DX_OK || v.answer != TRUST_YES ||
        v.path_count != 4) {
        fprintf(stderr, "bench: not a yes: %s %s\n", v.id, v.reason);
        exit(3);
    }
    double took = cpu_us() - before;
    dx_arena_fini(&arena);
    return took;
}

/* Three verifications and two decoded keys, of the same certificates. */
static double primitives(const chain *c)
{
    const holder *signed_[] = {&c->first, &c->lower, &c->upper};
    EVP_PKEY *issuers[] = {c->lower.key, c->upper.key, root.key};
    const uint8_t *tbs[3], *keys[2];
    uint8_t *made[5];
    int sizes[5];
    for (size_t i = 0; i < 3; i++) {
        made[i] = NULL;
        sizes[i] = i2d_re_X509_tbs(signed_[i]->x, &made[i]);
        tbs[i] = made[i];
    }
    for (size_t i = 0; i < 2; i++) {
        made[3 + i] = NULL;
        sizes[3 + i] = i2d_PUBKEY(issuers[i], &made[3 + i]);
    }
    double before = cpu_us();
    for (size_t i = 0; i < 3; i++) {
        const ASN1_BIT_STRING *signature;
        X509_get0_signature(&signature, NULL, signed_[i]->x);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        if (EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, issuers[i]) != 1 ||
            EVP_DigestVerify(context, signature->data, (size_t)signature->length, tbs[i], (size_t)sizes[i]) !=
                1)
            abort();
        EVP_MD_CTX_free(context);
    }
    for (size_t i = 0; i < 2; i++) {
        keys[i] = made[3 + i];
        EVP_PKEY *key = d2i_PUBKEY(NULL, &keys[i], sizes[3 + i]);
        if (key == NULL)
            abort();
        EVP_PKEY_free(key);
    }
    double took = cpu_us() - before;
    for (size_t i = 0; i < 5; i++)
        OPENSSL_free(made[i]);
    return took;
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return one < two ? -1 : one > two;
}

static bool missed;

static double row(const char *what, double *values, size_t count, const char *unit, double goal)
{
    qsort(values, count, sizeof *values, by_value);
    double median = values[count / 2];
    printf("%-58s %8.2f [%.2f-%.2f] %s", what, median, values[0], values[count - 1], unit);
    if (goal > 0) {
        printf("  goal %.2f: %s", goal, median <= goal ? "met" : "missed");
        missed |= median > goal * 1.1;
    }
    putchar('\n');
    return median;
}

int main(int argc, char **argv)
{
    static double cold[1024 * CHAINS], known[1024 * CHAINS], basic[1024 * CHAINS], ratio[1024], share[1024];
    bool gate = false;
    size_t rounds = 20, n = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--gate") == 0)
            gate = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = (size_t)atoi(argv[++i]);
    }
    if (rounds < 1 || rounds > 1024)
        return 2;
    make(&root, "Root", 0, NULL, true);
    for (size_t i = 0; i < CHAINS; i++) {
        make(&chains[i].upper, "Upper", i, &root, true);
        make(&chains[i].lower, "Lower", i, &chains[i].upper, true);
        make(&chains[i].first, "First", i, &chains[i].lower, false);
        make(&chains[i].second, "Second", i, &chains[i].lower, false);
    }
    tlist_snapshot *snapshot = snapshot_of_root();
    for (size_t r = 0; r <= rounds; r++) {
        path_judge_state *state;
        double sums[3] = {0};
        if (path_judge_new(&state, NULL).code != DX_OK)
            return 3;
        for (size_t i = 0; i < CHAINS; i++) {
            double b = primitives(&chains[i]), c = judge(state, snapshot, &chains[i], &chains[i].first),
                   k = judge(state, snapshot, &chains[i], &chains[i].second);
            if (r == 0 || i == 0) /* warms up: the root is decoded with the first chain */
                continue;
            basic[n] = b;
            cold[n] = c;
            known[n++] = k;
            sums[0] += b;
            sums[1] += c;
            sums[2] += k;
        }
        if (r > 0) {
            ratio[r - 1] = sums[1] / sums[0];
            share[r - 1] = sums[2] / sums[1];
        }
        path_judge_free(state);
    }
    row("3 P-256 verifications and 2 decoded keys", basic, n, "us", 0);
    row("B2 judgement with two unseen intermediates", cold, n, "us", 500);
    row("B2 over the verifications and keys", ratio, rounds, "", 1.6);
    row("B3 judgement with two known intermediates", known, n, "us", 0);
    row("B3 over B2", share, rounds, "", 0.4);
    tlist_snapshot_unref(snapshot);
    return gate && missed ? 1 : 0;
}
