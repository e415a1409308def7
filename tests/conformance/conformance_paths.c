/* room: trust_path
 * Paths: NIST PKITS, x509-limbo, BetterTLS and BoringSSL's chains, each with the profile that it asks for.
 * Usage: conformance_paths [-v] [--json FILE] .../path-validation
 */
#include "tests/conformance/paths.h"
#include "tests/conformance/suite.h"
#include "tests/conformance/suite_deviations.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static dx_arena arena;
static struct {
    unsigned cases, right, false_accepts, excused_accepts, false_rejects, openssl_cases, openssl_right;
    uint32_t slowest_us;
    char slowest[96];
} totals;

dx_arena *paths_arena(void)
{
    return &arena;
}

/* ---- reading ---- */

dx_bytes paths_file(const char *path)
{
    dx_buf buf;
    dx_bytes out = {0};
    dx_buf_init(&buf, 64u << 20);
    if (dx_io_read_file(&dx_io_system, path, buf.max, &buf, NULL).code == DX_OK && buf.size > 0)
        out = dx_arena_bytes(&arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    return out;
}

json_t *paths_json(const char *path)
{
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

const char *paths_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

bool paths_pem(dx_bytes text, dx_bytes *out, size_t *count, size_t max)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    char *name = NULL, *header = NULL;
    uint8_t *der = NULL;
    long size = 0;
    size_t before = *count;
    while (*count < max && PEM_read_bio(bio, &name, &header, &der, &size) == 1) {
        out[(*count)++] = dx_arena_bytes(&arena, dx_bytes_of(der, (size_t)size));
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    return *count > before;
}

dx_bytes paths_oid(const char *dotted)
{
    uint8_t der[128];
    int size = a2d_ASN1_OBJECT(der, sizeof der, dotted, -1);
    return size > 0 ? dx_arena_bytes(&arena, dx_bytes_of(der, (size_t)size)) : (dx_bytes){0};
}

/* ---- one case ---- */

static void weigh(const path_case *c, const trust_verdict *v)
{
    bool yes = v->answer == TRUST_YES;
    bool declared = suite_deviations_declared(c->suite, c->id, c->wanted, yes);
    const char *direction = yes ? "false-accept" : "false-reject";
    totals.cases++;
    totals.openssl_cases += c->baseline >= 0;
    totals.openssl_right += c->baseline == (int)c->wanted;
    if (yes == c->wanted) {
        totals.right++;
        suite_pass(c->suite, c->id);
        return;
    }
    if (yes && c->excusable)
        totals.excused_accepts++;
    else if (yes)
        totals.false_accepts++;
    else
        totals.false_rejects++;
    if (declared && (!yes || c->excusable))
        suite_pass(c->suite, c->id); /* declared with its reason */
    else
        suite_fail(c->suite, c->id, "%s: %s %s", direction, yes ? "accepted" : v->id, v->reason);
}

static void judge(path_judge_state *state, const path_case *c, const path_input *input, trust_verdict *v)
{
    revocation_question questions[PATH_MAX_CERTS];
    size_t count;
    dx_why why;
    int64_t before_us = dx_mono_us(&dx_clock_thread_cpu);
    if (path_judge(state, input, &arena, v, questions, &count, &why).code != DX_OK)
        suite_fail(c->suite, c->id, "could not be judged: %s", why.text);
    uint32_t took_us = (uint32_t)(dx_mono_us(&dx_clock_thread_cpu) - before_us);
    if (took_us > totals.slowest_us) {
        totals.slowest_us = took_us;
        snprintf(totals.slowest, sizeof totals.slowest, "%s", c->id);
    }
    if (took_us > CASE_LIMIT_US)
        suite_fail(c->suite, c->id, "took %u us of CPU for %u nodes and %u signatures", took_us, v->nodes,
                   v->signatures);
}

const revocation_rules *paths_revocation(void)
{
    static revocation_rules rules;
    rules = revocation_rules_default;
    rules.crl_max_age_s = 0;
    return &rules;
}

void paths_judge(const path_case *c, path_input *input, trust_verdict *out)
{
    trust_verdict local, *v = out != NULL ? out : &local;
    path_judge_state *state;
    if (path_judge_new(&state, NULL).code != DX_OK)
        abort();
    judge(state, c, input, v);
    weigh(c, v);
    path_judge_free(state);
}

void paths_refuse(const path_case *c, const char *why)
{
    totals.right--;
    suite_fail(c->suite, c->id, "%s", why);
}

void paths_summary(const char *suite, const char *name)
{
    suite_deviations_check(suite);
    if (totals.cases > 0) {
        printf("%-28s %u of %u as expected; accepted wrongly %u (and %u optional), refused wrongly %u; "
               "slowest %.1f ms (%s)",
               name, totals.right, totals.cases, totals.false_accepts, totals.excused_accepts,
               totals.false_rejects, totals.slowest_us / 1000.0, totals.slowest);
        if (totals.openssl_cases > 0)
            printf("; OpenSSL 3.0.22: %u of %u", totals.openssl_right, totals.openssl_cases);
        putchar('\n');
    }
    memset(&totals, 0, sizeof totals);
    dx_arena_fini(&arena);
    arena = (dx_arena){0};
}

int main(int argc, char **argv)
{
    char folder[1024];
    const char *data = suite_begin("paths", argc, argv);
    if (!suite_deviations_read("tests/conformance/deviations.txt")) {
        fprintf(stderr, "tests/conformance/deviations.txt: missing or malformed (run me from the root)\n");
        return 2;
    }
    static const struct {
        const char *name, *index;
    } limbo[] = {{"x509-limbo", "limbo-dev.json"}, {"bettertls", "bettertls-dev.json"}};
    snprintf(folder, sizeof folder, "%s/nist-pkits", data);
    paths_pkits(folder);
    for (size_t i = 0; i < sizeof limbo / sizeof *limbo; i++) {
        snprintf(folder, sizeof folder, "%s/%s", data, limbo[i].name);
        paths_limbo(limbo[i].name, folder, limbo[i].index);
    }
    snprintf(folder, sizeof folder, "%s/boringssl-chain", data);
    paths_chain(folder);
    return suite_end();
}
