#include "trust/path/path_private.h"

#include "trust/base/asn1_time.h"
#include "trust/base/digest.h"

#include <openssl/err.h>

const char *path_certificate_open(dx_bytes der, dx_arena *arena, path_certificate *out)
{
    const uint8_t *p = der.data;
    uint8_t *name = NULL, *key = NULL;
    *out = (path_certificate){.der = der};
    if (der.size > CERTIFICATE_MAX_BYTES)
        return "ID-102";
    out->x = der.size == 0 ? NULL : d2i_X509(NULL, &p, (long)der.size);
    int name_size = out->x == NULL ? -1 : i2d_X509_NAME(X509_get_subject_name(out->x), &name);
    int key_size = out->x == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(out->x), &key);
    const char *id =
        out->x != NULL && p == der.data + der.size && name_size > 0 && key_size > 0 ? NULL : "ID-101";
    if (id == NULL) {
        out->subject = dx_arena_bytes(arena, dx_bytes_of(name, (size_t)name_size));
        out->spki = dx_arena_bytes(arena, dx_bytes_of(key, (size_t)key_size));
        dx_sha256(der, out->sha256);
        (void)cert_facts_read(der, &out->facts);
        out->dated = asn1_time_s(X509_get0_notBefore(out->x), &out->from_s) &&
                     asn1_time_s(X509_get0_notAfter(out->x), &out->until_s);
        if (out->subject.data == NULL || out->spki.data == NULL)
            id = "ID-901";
    }
    OPENSSL_free(name);
    OPENSSL_free(key);
    ERR_clear_error();
    if (id != NULL)
        path_certificate_close(out);
    return id;
}

void path_certificate_close(path_certificate *c)
{
    X509_free(c->x);
    c->x = NULL;
}
