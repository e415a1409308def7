/* room: trust_path
 * Certificates that were made to be read wrongly: BoringSSL's parser data, whole certificates and pieces of
 * one. Usage: conformance_certificates [-v] [--json FILE] .../path-validation
 *
 * A piece is put where it belongs in a certificate of our own that is otherwise sound. What is broken by its
 * name or by what the data say of it must be refused; what nothing speaks against, and libcrypto reads, must
 * be read.
 */
#include "tests/conformance/suite.h"
#include "tests/support/cert_make.h"
#include "trust/base/io.h"
#include "trust/base/json.h"
#include "trust/path/cert_facts.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUP      "boringssl-parse"
#define PIECE_MAX  8192
#define ERRORS_MAX 1024

/* A certificate around this TBS; nobody looks at its signature here. */
static void certificate_of(dx_bytes tbs, der_out *out)
{
    static der_out inside;
    inside.size = 0;
    der_put_raw(&inside, tbs);
    der_put_raw(&inside, DX_BYTES(CERT_ALGORITHM));
    der_put(&inside, DER_BIT_STRING, DX_BYTES("\x00sig"));
    der_put(out, DER_SEQUENCE, der_made(&inside));
}

/* A sound leaf of ours with this one extension. */
static void leaf_with(dx_bytes oid, dx_bytes value, der_out *out)
{
    static der_out list;
    list.size = 0;
    der_put_extension(&list, oid, false, value);
    cert_make(&(cert_parts){.bare = true, .extensions = der_made(&list)}, out);
}

/* ---- one file ---- */

typedef struct {
    der_out certificate;
    bool found;
    char errors[ERRORS_MAX];
} test_case;

/* False: a block that says nothing about a certificate. */
static bool take_block(test_case *c, const char *name, dx_bytes der)
{
    if (der.size > PIECE_MAX)
        return false;
    if (strcmp(name, "ERRORS") == 0) {
        snprintf(c->errors, sizeof c->errors, "%.*s", (int)der.size, (const char *)der.data);
        return true;
    }
    if (c->found) /* the parts of a certificate, spelled out again */
        return true;
    c->found = true;
    if (strcmp(name, "CERTIFICATE") == 0) {
        der_put_raw(&c->certificate, der);
    } else if (strcmp(name, "TBS CERTIFICATE") == 0) {
        certificate_of(der, &c->certificate);
    } else if (strcmp(name, "CERTIFICATE POLICIES") == 0) {
        leaf_with(DX_BYTES("\x55\x1d\x20"), der, &c->certificate);
    } else if (strcmp(name, "AUTHORITY_KEY_IDENTIFIER") == 0) {
        leaf_with(DX_BYTES("\x55\x1d\x23"), der, &c->certificate);
    } else {
        c->found = false;
    }
    return c->found;
}

/* Not a reader of PEM: one file has a stray colon behind its last line, others speak of blocks in comments.
 */
static char *line_with(char *text, const char *mark)
{
    char *at = strstr(text, mark);
    while (at != NULL && at != text && at[-1] != '\n')
        at = strstr(at + 1, mark);
    return at;
}

static bool next_block(char **rest, char name[64], dx_bytes *der)
{
    static char text[4 * PIECE_MAX];
    static uint8_t data[3 * PIECE_MAX];
    size_t size = sizeof data, n = 0;
    char *begin = line_with(*rest, "-----BEGIN ");
    if (begin == NULL || sscanf(begin, "-----BEGIN %63[A-Z_ ]-----", name) != 1)
        return false;
    char *p = strchr(begin, '\n'), *end = line_with(begin, "-----END ");
    for (; p != NULL && end != NULL && p < end && n < sizeof text; p++)
        if (*p != '\n' && *p != '\r')
            text[n++] = *p;
    if (p == NULL || end == NULL || !dx_base64_decode(dx_bytes_of(text, n), data, &size))
        return false;
    *rest = end;
    *der = dx_bytes_of(data, size);
    return true;
}

static bool read_case(const char *path, test_case *c)
{
    dx_buf file = {0};
    char name[64];
    dx_bytes der;
    memset(c, 0, sizeof *c);
    bool ok = dx_io_read_file(&dx_io_system, path, 1 << 15, &file, NULL).code == DX_OK &&
              dx_buf_add_byte(&file, '\0').code == DX_OK;
    for (char *rest = (char *)file.data; ok && next_block(&rest, name, &der);)
        ok = take_block(c, name, der);
    dx_buf_fini(&file);
    return ok && c->found;
}

/* What production refuses, and when nothing does, what the strict profile refuses. */
static const char *refusal(const cert_facts *f)
{
    static const struct {
        cert_faults fault;
        const char *id;
        bool production, strict;
    } rules[] = {
#define F(fault, id, production, rfc5280, strict, webpki) {fault, id, production, strict},
#include "trust/path/cert_form_table.h"
#undef F
    };
    for (int strict = 0; strict < 2; strict++)
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
            if ((f->faults & rules[i].fault) && (strict ? rules[i].strict : rules[i].production))
                return rules[i].id;
    return NULL;
}

/* Strings in names are compared, not normalised: what they hold beyond their type is no rule of form. */
static bool must_be_refused(const char *base, const test_case *c)
{
    return strncmp(base, "invalid", 7) == 0 || strncmp(base, "bad_", 4) == 0 ||
           strstr(base, "_trailing") != NULL ||
           (c->errors[0] != '\0' && strstr(c->errors, "normalizing string") == NULL);
}

static bool libcrypto_reads(const der_out *certificate)
{
    const uint8_t *p = certificate->data;
    X509 *x = d2i_X509(NULL, &p, (long)certificate->size);
    bool ok = x != NULL && p == certificate->data + certificate->size;
    X509_free(x);
    ERR_clear_error();
    return ok;
}

static void run(const char *folder, const char *file)
{
    char path[1024];
    static test_case c;
    cert_facts facts;
    const char *slash = strrchr(file, '/'), *base = slash == NULL ? file : slash + 1;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (!read_case(path, &c)) {
        suite_fail(GROUP, base, "the case cannot be read");
        return;
    }
    bool readable = cert_facts_read(der_made(&c.certificate), &facts);
    const char *id = !readable ? "ID-101" : refusal(&facts);
    if (must_be_refused(base, &c))
        suite_check(id != NULL, GROUP, base, "is read without a complaint; %s", c.errors);
    else if (libcrypto_reads(&c.certificate))
        suite_check(readable, GROUP, base, "cannot be read");
    else
        suite_pass(GROUP, base); /* no verdict: it was read through without harm */
}

int main(int argc, char **argv)
{
    char folder[800], index[900];
    const char *data = suite_begin("certificates", argc, argv);
    snprintf(folder, sizeof folder, "%s/boringssl-parse", data);
    snprintf(index, sizeof index, "%s/files.json", folder);
    json_t *files = json_load_file(index, JSON_REJECT_DUPLICATES, NULL), *file;
    if (!json_is_array(files))
        suite_skip(GROUP, "all", "no files.json in this data folder");
    size_t i;
    json_array_foreach(files, i, file) run(folder, json_string_value(file));
    json_decref(files);
    return suite_end();
}
