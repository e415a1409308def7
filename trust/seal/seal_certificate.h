/* seal_certificate.h -- the certificate behind a seal: reading it, and believing it by given anchors.
 *
 * Judging is the path room's, against a trust snapshot or, for `verify --anchor`, the anchors that somebody
 * names. Standard: RFC 5280 4.1, 6.1, 6.3. Threads: pure; a certificate belongs to one check.
 */
#ifndef TRUST_SEAL_SEAL_CERTIFICATE_H
#define TRUST_SEAL_SEAL_CERTIFICATE_H

#include "trust/seal/seal.h"

typedef struct {
    dx_bytes der, spki; /* spans of what was handed in */
    sign_key_kind kind;
    unsigned bits;
    bool known_kind; /* a kind of key that can seal at all */
    bool pss_only;   /* an RSASSA-PSS key never makes PKCS #1 v1.5 */
    bool usage_ok;   /* key usage is there and has digitalSignature or nonRepudiation */
    int64_t not_before_s, not_after_s;
    char organisation[96], name[257]; /* organizationIdentifier 2.5.4.97, organizationName */
    void *x509;
} seal_certificate;

/* DX_MALFORMED: not one DER certificate. Close with seal_certificate_close. */
DX_RC seal_certificate_open(dx_bytes der, seal_certificate **out, dx_why *why);
void seal_certificate_close(seal_certificate *certificate);

typedef enum {
    SEAL_PATH_NONE = 0,
    SEAL_PATH_OK,
    SEAL_PATH_WEAK /* none, for an algorithm or a key that is not accepted */
} seal_path_answer;
typedef enum { SEAL_REVOCATION_UNKNOWN = 0, SEAL_REVOCATION_GOOD, SEAL_REVOCATION_REVOKED } seal_revocation;

/* Does a path lead from `leaf` to one of the anchors at that time (trust/path, the row of seals)? Answers too
 * whether one of the CRLs, signed by the leaf's issuer, names it, and since when. */
seal_path_answer seal_certificate_path(const seal_certificate *leaf, const seal_check_spec *spec,
                                       const dx_bytes *others, size_t other_count, int64_t at_s,
                                       seal_revocation *revocation, int64_t *revoked_s);

#endif
