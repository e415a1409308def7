/* tlist_verify.h -- is this tree signed, as a whole, by one of the announced signers? xmlsec stays behind
 * this page.
 *
 * A right XML signature is not enough: wrapped documents verify well. The structure of the signature is
 * checked first (TL-401 to TL-405), then the node that reference 1 digests is compared with the root that the
 * reader uses (TL-406).
 */
#ifndef TRUST_LIST_TLIST_VERIFY_H
#define TRUST_LIST_TLIST_VERIFY_H

#include "trust/list/tlist_certificate.h"
#include "trust/list/tlist_xml.h"

typedef struct {
    const uint8_t (*anchors)[32];
    size_t anchor_count;
    int64_t at_s;
    bool strict, legacy_xpath, rsa_digestinfo_either;
} tlist_verify_rules;

typedef struct {     /* spans live in the arena of the call */
    dx_bytes signer; /* DER */
    uint8_t signer_sha256[32];
    int64_t signed_s;
} tlist_signature;

DX_RC tlist_verify(tlist_tree *tree, const tlist_verify_rules *rules, dx_arena *arena, tlist_signature *out,
                   dx_why *why);

/* ---- the steps, for tests that drive one alone ---- */

typedef struct {
    const xmlNode *signature, *signed_info, *value, *key_info, *properties; /* properties: SignedProperties */
    const char *method;                                                     /* of SignatureMethod */
    unsigned references; /* 2, or 3 with one over KeyInfo */
} tlist_signature_parts;
/* TL-401 to TL-405. */
DX_RC tlist_signature_shape(const tlist_tree *tree, bool legacy_xpath, tlist_signature_parts *out,
                            dx_why *why);
/* TL-503 to TL-507 of the chosen certificate; in tlist_signer.c. */
DX_RC tlist_signer_check(tlist_tree *tree, const tlist_signature_parts *parts,
                         const tlist_verify_rules *rules, dx_arena *arena, tlist_signature *signature,
                         dx_why *why);

#endif
