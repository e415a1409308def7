/* Certificate files of the folder, each read once, and what a service's certificates must be. */
#include "trust/base/asn1_time.h"
#include "trust/base/pem.h"
#include "trust/list/tlist_build_private.h"
#include "trust/list/tlist_certificate.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* PEM with exactly one certificate, or DER with nothing behind it. */
static const char *unwrap(build *b, dx_bytes file, const char *name, dx_bytes *der)
{
    dx_bytes more;
    dx_why why;
    *der = file;
    if (memmem(file.data, file.size, "-----BEGIN", 10) == NULL)
        return NULL;
    if (pem_next(&file, "CERTIFICATE", name, &b->arena, der, &why).code != DX_OK || der->data == NULL)
        return "no certificate in it";
    if (pem_next(&file, "CERTIFICATE", name, &b->arena, &more, &why).code != DX_OK || more.data != NULL)
        return "more than one certificate in it; name a file for each";
    return NULL;
}

static bool read_names(build *b, X509 *x, build_certificate *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(x);
    if (ski != NULL)
        out->ski = dx_arena_bytes(&b->arena,
                                  dx_bytes_of(ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski)));
    else if (X509_pubkey_digest(x, EVP_sha1(), digest, &size) == 1) /* RFC 5280 4.2.1.2 (1) */
        out->ski = dx_arena_bytes(&b->arena, dx_bytes_of(digest, size));
    BIO *text = BIO_new(BIO_s_mem());
    char *at = NULL;
    if (text != NULL && X509_NAME_print_ex(text, X509_get_subject_name(x), 0,
                                           XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
        long length = BIO_get_mem_data(text, &at);
        out->subject = dx_arena_text(&b->arena, dx_bytes_of(at, length < 0 ? 0 : (size_t)length));
    }
    BIO_free(text);
    return out->ski.data != NULL && out->subject != NULL && out->subject[0] != '\0' &&
           dx_bytes_utf8_ok(dx_bytes_text(out->subject));
}

static bool stamps_alone(X509 *x)
{
    int critical = -1;
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, &critical, NULL);
    bool alone = sk_ASN1_OBJECT_num(eku) == 1 && OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 0)) == NID_time_stamp;
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    return alone && critical == 1;
}

static const char *read_facts(build *b, dx_bytes der, X509 *x, build_certificate *out)
{
    tlist_certificate spans;
    EVP_PKEY *key = X509_get0_pubkey(x);
    if (!tlist_certificate_read(der, &spans) || key == NULL)
        return "not a certificate with a key that can be read";
    if (!asn1_time_s(X509_get0_notBefore(x), &out->from_s) ||
        !asn1_time_s(X509_get0_notAfter(x), &out->until_s))
        return "its validity cannot be read";
    out->der = dx_arena_bytes(&b->arena, der);
    if (!read_names(b, x, out) || out->der.data == NULL)
        return "its subject is empty or cannot be written";
    memcpy(out->sha256, spans.sha256, 32);
    dx_sha256(spans.spki, out->key_sha256);
    out->ca = X509_check_ca(x) == 1 && (X509_get_key_usage(x) & KU_KEY_CERT_SIGN) != 0;
    out->stamps = stamps_alone(x);
    out->rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    out->bits = EVP_PKEY_get_bits(key);
    return NULL;
}

static const char *load(build *b, const char *file, build_certificate *out)
{
    dx_buf content;
    dx_why why = {0};
    dx_bytes der;
    if (strchr(file, '/') != NULL || file[0] == '.')
        return "not the name of a file in the folder of certificates";
    char *path = dx_arena_printf(&b->arena, "%s/%s", b->spec->certs, file);
    dx_buf_init(&content, BUILD_CERT_FILE_MAX);
    if (path == NULL)
        return "no memory";
    struct dx_rc rc = dx_io_read_file(b->spec->io, path, BUILD_CERT_FILE_MAX, &content, &why);
    const char *fault = rc.code == DX_NOT_FOUND ? "there is no such file"
                        : rc.code != DX_OK      ? "the file cannot be read, or is larger than 64 KiB"
                                                : unwrap(b, dx_buf_view(&content), file, &der);
    if (fault == NULL) {
        const unsigned char *at = der.data;
        X509 *x = d2i_X509(NULL, &at, (long)der.size);
        fault = x == NULL || at != der.data + der.size ? "not one certificate in PEM or DER"
                                                       : read_facts(b, der, x, out);
        X509_free(x);
    }
    dx_buf_fini(&content);
    return fault;
}

const build_certificate *tlist_build_certificate(build *b, const build_row *row, const char *file)
{
    build_certificate *made = NULL;
    for (size_t i = 0; i < b->certificate_count; i++)
        if (strcmp(b->certificates[i]->file, file) == 0)
            return b->certificates[i];
    if (b->certificate_count == b->certificate_room) {
        size_t room = b->certificate_room == 0 ? 64 : 2 * b->certificate_room;
        build_certificate **all = DX_ARENA_ARRAY(&b->arena, build_certificate *, room);
        if (all != NULL && b->certificate_count > 0)
            memcpy(all, b->certificates, b->certificate_count * sizeof *all);
        b->certificates = all == NULL ? b->certificates : all;
        b->certificate_room = all == NULL ? b->certificate_room : room;
    }
    if (b->certificate_count < b->certificate_room)
        made = DX_ARENA_NEW(&b->arena, build_certificate);
    const char *fault = made == NULL ? "no memory" : load(b, file, made);
    if (fault != NULL) {
        tlist_build_say(b, false, row, BUILD_CERT, "%.80s: %s", file, fault);
        return NULL;
    }
    made->file = file;
    b->certificates[b->certificate_count++] = made;
    return made;
}

static void lint_one(build *b, const build_row *row, const build_certificate *c)
{
    bool past =
        !row->status->valid; /* what once was trusted may have been weaker, and says no to nobody new */
    char until[DX_TIME_SIZE];
    dx_time_print(c->until_s, until);
    if ((row->type->purposes & TLIST_FOR(ISSUER)) != 0 && !c->ca)
        tlist_build_say(b, false, row, BUILD_CERT,
                        "%.60s: not the certificate of a CA, and %s issues certificates", c->file,
                        row->cells[BUILD_TYPE].text);
    if ((row->type->purposes & TLIST_FOR(STAMP)) != 0 && !c->ca && !c->stamps)
        tlist_build_say(
            b, false, row, BUILD_CERT,
            "%.60s: neither a CA nor a time-stamping unit with timeStamping alone as critical extended key "
            "usage (RFC 3161 2.3)",
            c->file);
    if (c->bits < (c->rsa ? 2048 : 256))
        tlist_build_say(b, past, row, BUILD_CERT, "%.60s: the %s key has %d bits, less than %d", c->file,
                        c->rsa ? "RSA" : "elliptic-curve", c->bits, c->rsa ? 2048 : 256);
    if (c->from_s > b->spec->signing_s)
        tlist_build_say(b, true, row, BUILD_CERT, "%.60s: not valid yet", c->file);
    if (!past && c->until_s < b->spec->signing_s)
        tlist_build_say(b, true, row, BUILD_CERT, "%.60s: expired on %.10s", c->file, until);
}

void tlist_build_lint(build *b, const build_service *service)
{
    const build_row *row = service->intervals[0].row;
    size_t expired = 0;
    for (size_t i = 0; i < service->certificate_count; i++) {
        const build_certificate *c = service->certificates[i];
        lint_one(b, row, c);
        expired += c->until_s < b->spec->signing_s;
        if (memcmp(c->key_sha256, service->certificates[0]->key_sha256, 32) != 0)
            tlist_build_say(b, true, row, BUILD_CERT,
                            "%.60s: another key than %.60s; a service has one (TS 119 612 5.5.3)", c->file,
                            service->certificates[0]->file);
    }
    if (row->status->valid && service->certificate_count > 0 && expired == service->certificate_count)
        tlist_build_say(b, false, row, BUILD_CERT,
                        "every certificate of the service has expired, and it is %s",
                        row->cells[BUILD_STATUS].text);
}
