#include "trust/path/path_qualified.h"

#include <openssl/err.h>
#include <openssl/x509.h>

/* Which certificates a verdict is about, told again from what was handed in. */

static bool take(dx_bytes der, tlist_key *out)
{
    cert_facts facts;
    if (!cert_facts_read(der, &facts))
        return false;
    *out = (tlist_key){facts.der, facts.spki, facts.subject, {0}};
    memcpy(out->sha256, facts.sha256, 32);
    return true;
}

/* The certificate with that digest, among those that came along or the listed ones that bear the issuer's
 * name. */
static bool find(const path_input *in, const tlist_key *child, const uint8_t sha256[32], tlist_key *out)
{
    const tlist_certificate *listed[16];
    cert_facts facts;
    if (!cert_facts_read(child->der, &facts))
        return false;
    size_t n = in->snapshot == NULL ? 0 : tlist_issuers(in->snapshot, facts.issuer, listed, 16);
    for (size_t i = 0; i < n; i++)
        if (memcmp(listed[i]->sha256, sha256, 32) == 0)
            return take(listed[i]->der, out);
    for (size_t i = 0; i < in->presented_count + in->configured_count; i++) {
        dx_bytes der = i < in->presented_count ? in->presented[i] : in->configured[i - in->presented_count];
        if (take(der, out) && memcmp(out->sha256, sha256, 32) == 0)
            return true;
    }
    return false;
}

static bool signed_by(dx_bytes child, dx_bytes issuer)
{
    const uint8_t *c = child.data, *i = issuer.data;
    X509 *a = d2i_X509(NULL, &c, (long)child.size), *b = d2i_X509(NULL, &i, (long)issuer.size);
    bool ok = a != NULL && b != NULL && X509_verify(a, X509_get0_pubkey(b)) == 1;
    X509_free(a);
    X509_free(b);
    ERR_clear_error();
    return ok;
}

/* A leaf that was refused by itself has had no path: the listed service that issued it is looked up here. */
static size_t add_issuer(const path_input *in, tlist_key path[PATH_MAX_CERTS])
{
    const tlist_certificate *listed[16];
    cert_facts facts;
    size_t n = in->snapshot != NULL && cert_facts_read(path[0].der, &facts)
                   ? tlist_issuers(in->snapshot, facts.issuer, listed, 16)
                   : 0;
    for (size_t i = 0; i < n; i++)
        if (signed_by(path[0].der, listed[i]->der) && take(listed[i]->der, &path[1]))
            return 2;
    return 1;
}

/* A certificate that signed the last one: nothing spoke against it, or something else than the signature did
 * against an anchor. */
static bool stands(const path_tried *t, size_t depth)
{
    return t->depth == depth && (t->id[0] == '\0' || (t->anchor && strcmp(t->id, "ID-202") != 0));
}

size_t path_reached(const path_input *input, const trust_verdict *verdict, tlist_key path[PATH_MAX_CERTS])
{
    size_t count = take(input->leaf, &path[0]);
    for (size_t i = 1; count == i && i < verdict->path_count && i < PATH_MAX_CERTS; i++)
        count += find(input, &path[i - 1], verdict->path_sha256[i], &path[i]);
    if (verdict->path_count > 0 || count == 0 || input->trace == NULL)
        return count;
    if (input->trace->tried_count == 0)
        return add_issuer(input, path);
    for (bool more = true; more && count < PATH_MAX_CERTS;) {
        more = false;
        /* An anchor ends the path; of intermediates the last one tried went furthest. */
        for (size_t i = 0; i < input->trace->tried_count; i++) {
            const path_tried *t = &input->trace->tried[i];
            if (stands(t, count) && find(input, &path[count - 1], t->sha256, &path[count])) {
                more = true;
                if (t->anchor)
                    return count + 1;
            }
        }
        count += more;
    }
    return count;
}
