#include "trust/seal/seal_credential.h"

#include "trust/base/digest.h"
#include "trust/seal/seal_certificate.h"

#include <stdlib.h>

static bool copy(dx_bytes from, dx_bytes *to)
{
    uint8_t *data = malloc(from.size == 0 ? 1 : from.size);
    if (data == NULL)
        return false;
    if (from.size != 0)
        memcpy(data, from.data, from.size);
    *to = dx_bytes_of(data, from.size);
    return true;
}

/* Key and certificate belong together when what one signs the other verifies. */
static DX_RC probe(sign_key *key, dx_bytes spki, dx_why *why)
{
    static const uint8_t digest[64] = {0x5e, 0xa1};
    static const sign_form forms[] = {SIGN_ECDSA_FIXED, SIGN_ECDSA_FIXED, SIGN_ECDSA_FIXED, SIGN_RSA_PSS,
                                      SIGN_EDDSA};
    sign_form form = forms[sign_kind(key)];
    dx_bytes text = dx_bytes_of(digest, 32);
    sign_value value;
    if (!dx_bytes_equal(sign_public_spki(key), spki))
        return DX_FAIL(why, CONFIG, "dfft-seal-v1 2", "the seal certificate is not of the seal key");
    DX_TRY(sign_now(key, form, text, &value, why));
    struct dx_rc rc = sign_verify(spki, form, text, dx_bytes_of(value.bytes, value.size), why);
    if (rc.code != DX_OK)
        return DX_FAIL(why, CONFIG, "dfft-seal-v1 2",
                       "the seal certificate does not verify what the seal key signs");
    return DX_OKAY;
}

static DX_RC fill(seal_credential *c, dx_bytes certificate, const dx_bytes *chain, size_t chain_count,
                  dx_why *why)
{
    seal_certificate *read = NULL;
    if (chain_count > SEAL_CREDENTIAL_CHAIN_MAX)
        return DX_FAIL(why, CONFIG, "dfft-seal-v1 2",
                       "more than %d certificates in the chain of the seal certificate",
                       SEAL_CREDENTIAL_CHAIN_MAX);
    DX_TRY(seal_certificate_open(certificate, &read, why));
    bool usable = read->usage_ok;
    dx_bytes spki = read->spki;
    struct dx_rc rc =
        usable
            ? probe(c->key, spki, why)
            : DX_FAIL_ID(why, CONFIG, "SEAL-41", "RFC 5280 4.2.1.3",
                         "the seal certificate's key usage has neither digitalSignature nor nonRepudiation");
    c->bits = read->bits;
    seal_certificate_close(read);
    DX_TRY(rc);
    if (!copy(certificate, &c->certificate))
        return DX_FAIL(why, NO_MEMORY, "", "no room for a credential");
    for (; c->chain_count < chain_count; c->chain_count++)
        if (!copy(chain[c->chain_count], &c->chain[c->chain_count]))
            return DX_FAIL(why, NO_MEMORY, "", "no room for a credential");
    uint8_t sha256[32];
    dx_sha256(certificate, sha256);
    dx_base64url(dx_bytes_of(sha256, 32), c->keyid);
    return DX_OKAY;
}

DX_RC seal_credential_new(sign_key *key, dx_bytes certificate_der, const dx_bytes *chain, size_t chain_count,
                          seal_credential **out, dx_why *why)
{
    *out = NULL;
    seal_credential *c = calloc(1, sizeof *c);
    if (c == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no room for a credential");
    c->references = 1;
    c->key = sign_ref(key);
    struct dx_rc rc = fill(c, certificate_der, chain, chain_count, why);
    if (rc.code != DX_OK) {
        seal_credential_unref(c);
        return rc.code == DX_NO_MEMORY ? rc : (struct dx_rc){DX_CONFIG};
    }
    *out = c;
    return DX_OKAY;
}

seal_credential *seal_credential_ref(seal_credential *credential)
{
    __atomic_add_fetch(&credential->references, 1, __ATOMIC_RELAXED);
    return credential;
}

static void drop(dx_bytes bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

void seal_credential_unref(seal_credential *credential)
{
    if (credential == NULL || __atomic_sub_fetch(&credential->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    drop(credential->certificate);
    for (size_t i = 0; i < credential->chain_count; i++)
        drop(credential->chain[i]);
    sign_unref(credential->key);
    free(credential);
}

dx_bytes seal_credential_certificate(const seal_credential *credential)
{
    return credential->certificate;
}

const char *seal_credential_keyid(const seal_credential *credential)
{
    return credential->keyid;
}
