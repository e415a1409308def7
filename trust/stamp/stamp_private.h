/* stamp_private.h -- inside trust/stamp: a token taken apart, and the steps of believing one. */
#ifndef TRUST_STAMP_STAMP_PRIVATE_H
#define TRUST_STAMP_STAMP_PRIVATE_H

#include "trust/base/der.h"
#include "trust/base/digest.h"
#include "trust/stamp/stamp.h"

#include <openssl/x509.h>

/* The largest token read at all: those of real authorities with a whole chain and revocation data stay below
 * 16 KiB. */
#define STAMP_TOKEN_MAX (64 * 1024)
#define STAMP_CERTS_MAX 32
#define STAMP_OIDS_MAX  16
#define STAMP_TSTINFO   "1.2.840.113549.1.9.16.1.4"

typedef enum {
#define C(name, id, clause, text, sub) CHECK_##name,
#include "trust/stamp/stamp_check_table.h"
#undef C
} stamp_check_id;

/* A refusal under `id`; `sub` NULL takes the row's sub-indication. Always fills and gives false. */
bool stamp_no(stamp_verdict *verdict, stamp_check_id id, const char *sub, const char *text, ...)
    __attribute__((format(printf, 4, 5)));

/* Hash algorithms we accept in imprints, digests and trees. */
bool stamp_hash_of_oid(dx_bytes oid, dx_hash_kind *kind);
/* An AlgorithmIdentifier (contents) that names a hash, with absent or NULL parameters. */
bool stamp_hash_of_algorithm(dx_bytes algorithm, dx_hash_kind *kind);

/* A copy of one BER item in which every length is definite and minimal and octet strings are in one piece.
 * False: not BER, not exactly one item, too deep, or out of memory. When `in` has that form already, *out is
 * `in` itself. */
bool stamp_ber_definite(dx_bytes in, dx_arena *arena, dx_bytes *out);

typedef struct {                    /* TSTInfo, RFC 3161 2.4.2 */
    dx_bytes policy, serial, nonce; /* contents of OID and INTEGERs */
    bool has_nonce, qts_statement;
    dx_hash_kind hash;
    dx_bytes imprint;
    int64_t time_us, accuracy_us;
} stamp_tstinfo;

typedef struct {      /* spans into the definite form of the token */
    dx_bytes digests; /* contents of digestAlgorithms */
    dx_bytes content; /* the TSTInfo */
    dx_bytes certs[STAMP_CERTS_MAX];
    size_t cert_count;
    dx_bytes issuer, serial; /* of the signer: Name (whole), INTEGER (contents); or: */
    dx_bytes key_id;
    dx_bytes digest_algorithm, signature_algorithm; /* contents of the AlgorithmIdentifiers */
    dx_bytes attributes;                            /* signedAttrs, contents; NULL data when absent */
    dx_bytes attributes_whole;
    dx_bytes signature;
    stamp_tstinfo info;
} stamp_token;

/* STAMP-02: the outer form. `token` may be BER. */
bool stamp_token_open(dx_bytes token, dx_arena *arena, stamp_token *out, stamp_verdict *verdict);
/* First half of STAMP-03: the TSTInfo. */
bool stamp_token_info(stamp_token *token, stamp_verdict *verdict);

/* The signer, once found: STAMP-07. */
typedef struct {
    dx_bytes der;
    X509 *x509;
} stamp_signer;
void stamp_signer_fini(stamp_signer *signer);
bool stamp_signer_find(const stamp_token *token, const stamp_tsa *tsa, stamp_signer *out,
                       stamp_verdict *verdict);
/* STAMP-06; `ess_v1` tells that only a SHA-1 reference was there. */
bool stamp_signer_attributes(const stamp_token *token, const stamp_signer *signer, bool accept_v1,
                             bool *ess_v1, stamp_verdict *verdict);
/* STAMP-08, 09, 10. */
bool stamp_signer_signature(const stamp_token *token, const stamp_signer *signer, dx_arena *arena,
                            stamp_verdict *verdict);
bool stamp_signer_usage(const stamp_signer *signer, bool eku_strict, stamp_verdict *verdict);

/* STAMP-11 with given anchors. `until_s`: a later proof of existence, or 0. */
bool stamp_chain_check(const stamp_token *token, const stamp_signer *signer, const stamp_trust *trust,
                       int64_t until_s, stamp_verdict *verdict);

/* What the judge wants to know before it can say more about the signer. */
typedef struct {
    revocation_question items[PATH_MAX_CERTS];
    size_t count;
    trust_verdict verdict; /* of the signer; zero when nobody was asked */
} stamp_questions;

/* stamp_check with what only this room needs: the later proof of existence, and the judge's questions (or
 * NULL). */
stamp_verdict stamp_check_token(dx_bytes token, const stamp_expect *expect, const stamp_trust *trust,
                                int64_t until_s, dx_arena *arena, stamp_facts *facts,
                                stamp_questions *questions);
/* Takes the imprint's algorithm, value and genTime out of a token that nobody has believed yet. */
bool stamp_token_peek(dx_bytes token, dx_arena *arena, stamp_tstinfo *info, dx_bytes *definite,
                      stamp_verdict *verdict);

/* Tag and minimal length of a DER item, for the writer and for what a reader must build again. */
DX_RC evidence_put_header(dx_buf *out, uint8_t tag, size_t size);

#endif
