/* room: trust_path
 * CRLs and OCSP responses of public suites: boringssl-crl, boringssl-ocsp, openssl-ocsp.
 * Usage: conformance_revocation [-v] [--json FILE] .../path-validation
 */
#include "tests/conformance/suite.h"
#include "tests/conformance/suite_deviations.h"
#include "trust/base/clock.h"
#include "trust/base/io.h"
#include "trust/path/crl_judge.h"
#include "trust/path/revocation_ocsp.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX_BYTES (1u << 20)
#define BLOCKS_MAX     16

/* Form rules as in `rfc5280` (identity.md 5): the data are older than the rules of production. */
static const cert_faults form_rfc5280 =
#define F(fault, id, production, rfc5280, strict, webpki) ((rfc5280) ? (fault) : 0) |
#include "trust/path/cert_form_table.h"
#undef F
    0;

static dx_arena arena;

/* ---- files ---- */

static dx_bytes read_text(const char *path)
{
    dx_buf buf;
    dx_buf_init(&buf, FILE_MAX_BYTES);
    dx_bytes out = {NULL, 0};
    if (dx_io_read_file(&dx_io_system, path, buf.max, &buf, NULL).code == DX_OK)
        out = dx_arena_bytes(&arena, dx_buf_view(&buf));
    dx_buf_fini(&buf);
    return out;
}

/* Base64 with line ends in between. */
static dx_bytes decode(const char *text, size_t size)
{
    char *tight = dx_arena_alloc(&arena, size + 1);
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        if (strchr(" \t\r\n", text[i]) == NULL)
            tight[n++] = text[i];
    uint8_t *out = dx_arena_alloc(&arena, n + 1);
    size_t room = n;
    return dx_base64_decode(dx_bytes_of(tight, n), out, &room) ? dx_bytes_of(out, room) : (dx_bytes){NULL, 0};
}

/* PEM blocks under any label, which PEM readers do not take. */
typedef struct {
    char label[32];
    dx_bytes der;
} block;

static size_t read_blocks(const char *path, block *out)
{
    dx_bytes bytes = read_text(path);
    const char *at = dx_arena_text(&arena, bytes);
    size_t count = 0;
    while (at != NULL && count < BLOCKS_MAX && (at = strstr(at, "-----BEGIN ")) != NULL) {
        const char *end = strstr(at, "\n-----END ");
        if (end == NULL || sscanf(at, "-----BEGIN %31[^-]", out[count].label) != 1)
            break;
        const char *body = strchr(at, '\n');
        out[count++].der = decode(body, (size_t)(end - body));
        at = end;
    }
    return count;
}

static dx_bytes block_of(const block *blocks, size_t count, const char *label)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(blocks[i].label, label) == 0)
            return blocks[i].der;
    return (dx_bytes){NULL, 0};
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int64_t time_of(const json_t *object, const char *key)
{
    int64_t us = 0;
    return dx_time_parse(dx_bytes_text(text_of(object, key)), false, &us) ? us / 1000000 : 0;
}

static const char *state_name(revocation_state state)
{
    return state == REVOCATION_GOOD ? "GOOD" : state == REVOCATION_REVOKED ? "REVOKED" : "UNKNOWN";
}

/* A state that is neither the expected one nor a refusal in its place is never excused. */
static void weigh(const char *suite, const char *id, const char *expected, revocation_state state,
                  const char *why)
{
    bool wanted = strcmp(expected, "GOOD") == 0, good = state == REVOCATION_GOOD;
    if (wanted == good && strcmp(expected, state_name(state)) != 0)
        suite_fail(suite, id, "%s, and should be %s: %s", state_name(state), expected, why);
    else
        suite_deviations_weigh(suite, id, wanted, good, why);
}

/* ---- boringssl-crl, boringssl-ocsp ---- */

typedef struct {
    const json_t *index;
    const char *suite, *file;
    block blocks[BLOCKS_MAX];
    size_t count;
    cert_facts subject, issuer, above;
    bool read, has_above;
} sample;

static void open_sample(sample *s, const char *root)
{
    dx_bytes above;
    s->count = read_blocks(dx_arena_printf(&arena, "%s/%s/%s", root, s->suite, s->file), s->blocks);
    s->read = cert_facts_read(block_of(s->blocks, s->count, "CERTIFICATE"), &s->subject) &&
              cert_facts_read(block_of(s->blocks, s->count, "CA CERTIFICATE"), &s->issuer);
    above = block_of(s->blocks, s->count, "CA CERTIFICATE 2");
    s->has_above = above.data != NULL && cert_facts_read(above, &s->above);
}

static void judge_list(const sample *s, const char *expected)
{
    const cert_facts *above = &s->above;
    const crl_question q = {.subject = &s->subject,
                            .issuer = &s->issuer,
                            .signers = &above,
                            .signer_count = s->has_above,
                            .at_s = time_of(s->index, "verify_time"),
                            .until_s = time_of(s->index, "verify_time"),
                            .max_age_s = json_integer_value(json_object_get(s->index, "max_age_seconds")),
                            .algorithms = ALGORITHMS_LEGACY}; /* RSA of 1024 bits */
    crl_list list, *lists[] = {&list};
    crl_answer a = {.id = "a certificate could not be read"};
    if (s->read) {
        crl_read(block_of(s->blocks, s->count, "CRL"), &list);
        a = crl_judge(lists, 1, &q);
    }
    weigh(s->suite, s->file, expected, a.state, a.id == NULL ? "" : a.id);
}

static void judge_response(const sample *s, const char *expected)
{
    const ocsp_question q = {.subject = &s->subject,
                             .issuer = &s->issuer,
                             .at_s = time_of(s->index, "verify_time"),
                             .until_s = time_of(s->index, "verify_time"),
                             .max_age_s = json_integer_value(json_object_get(s->index, "max_age_seconds")),
                             .algorithms = ALGORITHMS_LEGACY,
                             .refused_faults = form_rfc5280};
    ocsp_answer a = {.id = "a certificate could not be read"};
    if (s->read)
        a = revocation_ocsp_check(block_of(s->blocks, s->count, "OCSP RESPONSE"), &q);
    weigh(s->suite, s->file, expected, a.state, a.id == NULL ? "" : a.id);
}

static void run_boringssl(const char *root, const char *suite, const char *key,
                          void (*judge)(const sample *s, const char *expected))
{
    json_t *index = json_load_file(dx_arena_printf(&arena, "%s/%s/tests.json", root, suite), 0, NULL), *test;
    size_t i;
    if (index == NULL)
        suite_skip(suite, "all", "no index");
    json_array_foreach(json_object_get(index, "tests"), i, test)
    {
        sample *s = DX_ARENA_NEW(&arena, sample);
        s->index = index;
        s->suite = suite;
        s->file = text_of(test, "file");
        open_sample(s, root);
        judge(s, text_of(test, key));
    }
    json_decref(index);
    suite_deviations_check(suite);
}

/* ---- openssl-ocsp ---- */

/* The certificate that a case is about: what stands behind the last `_` of its id names it,
 * `ND1_Cert_EE.pem`. */
static bool find_subject(const char *folder, const char *id, cert_facts *out)
{
    const char *name = strrchr(id, '_') == NULL ? id : strrchr(id, '_') + 1;
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%s_Cert_", name);
    DIR *dir = opendir(folder);
    bool found = false;
    for (struct dirent *e; dir != NULL && !found && (e = readdir(dir)) != NULL;) {
        block blocks[BLOCKS_MAX];
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
            read_blocks(dx_arena_printf(&arena, "%s/%s", folder, e->d_name), blocks) > 0)
            found = cert_facts_read(blocks[0].der, out);
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static void run_openssl(const char *root, const char *suite)
{
    const char *folder = dx_arena_printf(&arena, "%s/%s", root, suite);
    json_t *index = json_load_file(dx_arena_printf(&arena, "%s/tests.json", folder), 0, NULL), *test;
    size_t i;
    if (index == NULL)
        suite_skip(suite, "all", "no index");
    json_array_foreach(json_object_get(index, "tests"), i, test)
    {
        cert_facts subject, issuer;
        block blocks[BLOCKS_MAX];
        const ocsp_question q = {.subject = &subject,
                                 .issuer = &issuer,
                                 .at_s = time_of(test, "time"),
                                 .until_s = time_of(test, "time"),
                                 .any_time = true,
                                 .algorithms = ALGORITHMS_LEGACY,
                                 .refused_faults = form_rfc5280};
        ocsp_answer a = {.id = "a certificate could not be read"};
        const char *id = text_of(test, "id");
        dx_bytes text = read_text(dx_arena_printf(&arena, "%s/%s", folder, text_of(test, "response")));
        if (read_blocks(dx_arena_printf(&arena, "%s/%s", folder, text_of(test, "ca")), blocks) > 0 &&
            cert_facts_read(blocks[0].der, &issuer) && find_subject(folder, id, &subject))
            a = revocation_ocsp_check(decode((const char *)text.data, text.size), &q);
        suite_deviations_weigh(suite, id, strcmp(text_of(test, "expected"), "accept") == 0,
                               a.state == REVOCATION_GOOD, a.id == NULL ? "" : a.id);
    }
    json_decref(index);
    suite_deviations_check(suite);
}

int main(int argc, char **argv)
{
    const char *root = suite_begin("revocation", argc, argv);
    if (!suite_deviations_read("tests/conformance/deviations.txt"))
        suite_fail("revocation", "deviations.txt", "cannot be read");
    run_boringssl(root, "boringssl-crl", "expected", judge_list);
    run_boringssl(root, "boringssl-ocsp", "revocation", judge_response);
    run_openssl(root, "openssl-ocsp");
    dx_arena_fini(&arena);
    return suite_end();
}
