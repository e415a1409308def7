#include "trust/path/path_private.h"

#include <openssl/err.h>

const char *path_certificate_open(dx_bytes der, path_certificate *out)
{
    *out = (path_certificate){.der = der};
    if (der.size > CERT_MAX_BYTES)
        return "ID-102";
    if (!cert_facts_read(der, &out->facts))
        return "ID-101";
    out->subject = out->facts.subject;
    out->spki = out->facts.spki;
    memcpy(out->sha256, out->facts.sha256, 32);
    out->from_s = out->facts.from_s;
    out->until_s = out->facts.until_s;
    out->dated = out->facts.dated;
    return NULL;
}

X509 *path_certificate_x509(path_certificate *c)
{
    const uint8_t *p = c->der.data;
    if (c->x == NULL)
        c->x = d2i_X509(NULL, &p, (long)c->der.size);
    ERR_clear_error();
    return c->x;
}

void path_certificate_close(path_certificate *c)
{
    X509_free(c->x);
    c->x = NULL;
}
