/* path_private.h -- inside trust/path: one judgement and what it has found so far. */
#ifndef TRUST_PATH_PATH_PRIVATE_H
#define TRUST_PATH_PATH_PRIVATE_H

#include "trust/path/path.h"

#include <openssl/x509.h>

#define CERTIFICATE_MAX_BYTES 16384
#define NODES_MAX             128
#define SIGNATURES_MAX        64
#define PRESENTED_MAX         16
#define DEPTH_MAX             10

typedef struct { /* one certificate of the search */
    cert_facts facts;
    X509 *x;
    dx_bytes der, subject, spki;
    uint8_t sha256[32];
    int64_t from_s, until_s;
    bool dated; /* both dates could be read */
} path_certificate;

struct path_judge_state {
    unsigned long judgements;
};

typedef struct {
    const path_input *in;
    dx_arena *arena;
    trust_verdict *out;
    const char *person; /* why the leaf is no organisation's, of profiles that want one; NULL: it is */
    path_certificate leaf, presented[PRESENTED_MAX];
    size_t presented_count;
    path_certificate *chain[DEPTH_MAX]; /* leaf first */
    size_t depth;
    path_certificate listed[DEPTH_MAX]; /* anchors looked at, one per depth */
    unsigned nodes, signatures;
    unsigned shadow; /* below a listed CA without valid status: what is found here is ID-305, never a yes */
    int worst_depth; /* of the failure that is told */
    bool no_memory;
    bool spent; /* the budget: ID-215 */
    tlist_hit hits[8];
    size_t hit_count;
    revocation_question *questions;
    size_t *question_count;
} path_search;

/* path_say.c. Fills id, reason, clause, slug from the table. */
void path_say(trust_verdict *v, const char *id, const char *more);
void path_say_yes(trust_verdict *v);
void path_remark(trust_verdict *v, const char *id);
/* The graver of two ids, of equals the first; NULL is the lightest. */
const char *path_graver(const char *a, const char *b);

/* path_certificate.c. NULL: open; else "ID-101", "ID-102" or "ID-901". */
const char *path_certificate_open(dx_bytes der, dx_arena *arena, path_certificate *out);
void path_certificate_close(path_certificate *c);

/* path_algorithm.c: identity.md 5.2, for whatever carries a signature. */
bool path_algorithm_ok(const X509_ALGOR *algorithm);
bool path_key_ok(const EVP_PKEY *key);

/* path_search.c. True: an answer was found, a yes or a no that no other path may avoid. */
bool path_search_from_leaf(path_search *s);
/* The deepest failure is told, of equals the first; in the shadow of a withdrawal only what it blocks. */
void path_fail(path_search *s, const char *id, const char *more);

/* path_whole.c: a chain that has reached a listed service. True as above. */
bool path_check_whole(path_search *s);

/* path_form.c: one certificate by itself; NULL: fine, else the id. Warnings become remarks of the verdict. */
const char *path_check_form(const path_search *s, const path_certificate *c);

/* path_names.c */
const char *path_check_name_form(const path_search *s, X509 *x);
const char *path_check_names(const path_search *s); /* name constraints over the whole chain */

/* path_check.c: use of one certificate as leaf or issuer. */
const char *path_check_issuer(const path_certificate *ca, size_t intermediates_below);
const char *path_check_leaf(const path_search *s);
/* Drops hits whose service demands policies that the leaf lacks; ID-308 when none is left. */
const char *path_check_policies(path_search *s);

/* A seal or a stamp is judged at a past time: an answer from after it serves it too. */
static inline bool path_looks_back(const path_search *s)
{
    return s->in->profile == PATH_TSU || s->in->profile == PATH_SEAL;
}

/* revocation.c: one certificate against the evidence. */
void path_check_revocation(path_search *s, const path_certificate *subject, const path_certificate *issuer,
                           revocation_view *out, const char **id);

/* path_level.c: what the listed service makes of the leaf, from the hits of the anchor. */
void path_qualify(path_search *s);

#endif
