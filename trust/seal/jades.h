/* jades.h -- the JAdES proof: its header written once and kept, a JWS read without mercy.
 *
 * Standard: RFC 7515, RFC 7797, RFC 7518; ETSI TS 119 182-1. Limits: 64 KiB a JWS, depth 16.
 * Threads: pure; works in the caller's arena.
 */
#ifndef TRUST_SEAL_JADES_H
#define TRUST_SEAL_JADES_H

#include "trust/base/arena.h"

#define JADES_MAX_BYTES   (1024 * 1024) /* flattened, with validation data */
#define JADES_OBJECTS_MAX 16
#define JADES_BY_URI_HASH "http://uri.etsi.org/19182/ObjectIdByURIHash"
#define JADES_BY_URI      "http://uri.etsi.org/19182/ObjectIdByURI"
#define JADES_HTTP        "http://uri.etsi.org/19182/HttpHeaders"

/* ---- writing ---- */
typedef struct {
    const char *alg, *keyid;
    int64_t iat_s;
    dx_bytes message_id;
    const dx_bytes *x5c;
    size_t x5c_count;
    const uint8_t *base_sha256, *body_sha256; /* body NULL: no second object */
    dx_bytes content_type;                    /* as in the field; empty when there is none */
} jades_header;

/* Appends base64url(protected header) and a dot: the signing input (dfft-seal-v1 4). */
DX_RC jades_input(const jades_header *header, dx_arena *arena, dx_bytes *out, dx_why *why);
/* Media type in lower case, without parameters and "application/" (TS 119 182-1 5.2.8.1). */
dx_bytes jades_cty(dx_bytes content_type, dx_arena *arena);

/* ---- reading ---- */
typedef enum { JADES_REF_NONE, JADES_REF_X5T_S256, JADES_REF_OTHER } jades_reference;

typedef struct {
    bool is_archive; /* arcTst; else sigTst */
    size_t index;    /* of its element in etsi_u */
    dx_bytes der;
} jades_token;

typedef struct {
    dx_bytes protected_text, signature_text; /* base64url as received */
    dx_bytes payload_text;                   /* foreign attached payloads; NULL data: detached */
    dx_bytes signature;
    dx_bytes alg;
    bool b64;          /* false: objects are hashed as they are */
    int64_t claimed_s; /* iat or sigT */
    dx_bytes jti;      /* NULL data: none */
    bool has_exp;
    int64_t exp_s; /* the sealer says: not from then on (RFC 7519 4.1.4) */
    jades_reference reference;
    uint8_t x5t_s256[32];
    dx_bytes x5t_o_alg, x5t_o; /* JADES_REF_OTHER: hash name and value of x5t#o or of the first of sigX5ts */
    dx_bytes *x5c;             /* DER */
    size_t x5c_count;
    bool has_sigd, sigd_extra; /* a member that the standard does not know inside sigD */
    dx_bytes mid, hash_m;
    dx_bytes pars[JADES_OBJECTS_MAX], hash_v[JADES_OBJECTS_MAX]; /* hash_v: as text */
    size_t par_count, hash_count, cty_count;
    bool has_ctys, sigd_shape_ok; /* arrays of texts, within limits */
    dx_bytes *etsi_u;             /* raw base64url texts */
    size_t etsi_u_count;
    jades_token *tokens; /* of sigTst and arcTst, in order */
    size_t token_count;
} jades;

typedef struct {
    const char *id; /* NULL: sound; else the first failing SEAL id */
    const char *detail;
} jades_fault;

/* `of_profile`: only what DFFT-Seal may hold (compact, x5t#S256). */
jades_fault jades_read(dx_bytes text, bool of_profile, dx_arena *arena, jades *out);

#endif
