#include "trust/path/path_private.h"

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
