#include "trust/base/digest.h"
#include "trust/path/path_private.h"
#include "trust/path/signed_bytes.h"

#include <openssl/err.h>

/* One signature of one certificate by the key of another, over the exact bytes (RFC 5280 6.1.3 a 1). Which
 * algorithms may be used is path_algorithm's; here the ones that may are carried out. */

static bool signature_ok(const cert_facts *child, EVP_PKEY *key, bool *no_memory)
{
    bool ok = key != NULL && signed_by_key(child->signature_algorithm, child->tbs, child->signature, key);
    *no_memory = !ok && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    ERR_clear_error();
    return ok;
}

/* The digest of the certificate stands for its bytes. */
static void edge_key(const path_certificate *child, dx_bytes spki, uint8_t out[32])
{
    uint8_t both[64];
    memcpy(both, child->sha256, 32);
    dx_sha256(spki, both + 32);
    dx_sha256(dx_bytes_of(both, sizeof both), out);
}

path_edge path_signed_by(path_search *s, const path_certificate *child, dx_bytes issuer_spki)
{
    uint8_t key[32];
    bool no_memory;
    edge_key(child, issuer_spki, key);
    path_edge edge = path_memo_edge(s->memo, key);
    if (edge != PATH_EDGE_UNKNOWN)
        return edge;
    s->spent |= s->signatures >= s->limits.signatures;
    if (!path_in_time(s))
        return PATH_EDGE_UNKNOWN;
    s->signatures++;
    bool good = signature_ok(&child->facts, path_memo_key(s->memo, issuer_spki), &no_memory);
    s->no_memory |= no_memory;
    if (!no_memory)
        path_memo_edge_put(s->memo, key, good);
    return good ? PATH_EDGE_GOOD : PATH_EDGE_BAD;
}
