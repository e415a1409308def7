/* path_private.h -- inside trust/path: one judgement and what it has found so far. */
#ifndef TRUST_PATH_PATH_PRIVATE_H
#define TRUST_PATH_PATH_PRIVATE_H

#include "trust/path/path.h"

#include <openssl/x509.h>

#define NODES_MAX      128
#define SIGNATURES_MAX 64
#define PRESENTED_MAX  16
#define DEPTH_MAX      10

typedef struct { /* one certificate of the search */
    X509 *x;
    dx_bytes der, subject, spki;
    uint8_t sha256[32];
    bool bad; /* form: never an issuer */
} path_certificate;

struct path_judge_state {
    unsigned long judgements;
};

typedef struct {
    const path_input *in;
    dx_arena *arena;
    trust_verdict *out;
    path_certificate leaf, presented[PRESENTED_MAX];
    size_t presented_count;
    path_certificate *chain[DEPTH_MAX]; /* leaf first */
    size_t depth;
    path_certificate listed[DEPTH_MAX]; /* anchors looked at, one per depth */
    unsigned nodes, signatures;
    int worst_depth; /* of the failure that is told */
    tlist_hit hits[8];
    size_t hit_count;
    revocation_question *questions;
    size_t *question_count;
} path_search;

struct dx_rc path_library_failure(dx_why *why);
/* Fills id, reason, clause, slug from the table. */
void path_say(trust_verdict *v, const char *id, const char *more);
void path_remark(trust_verdict *v, const char *id);
bool path_certificate_open(dx_bytes der, dx_arena *arena, path_certificate *out);
void path_certificate_close(path_certificate *c);
int64_t path_time(const ASN1_TIME *t);

/* path_check.c: form and use of one certificate as leaf or issuer; NULL: fine, else the id. */
const char *path_check_form(const path_certificate *c);
const char *path_check_issuer(const path_certificate *ca, size_t intermediates_below);
const char *path_check_leaf(const path_search *s);
const char *path_check_names(const path_search *s); /* name constraints over the whole chain */

/* revocation.c: one certificate against the evidence. */
void path_check_revocation(path_search *s, size_t index, const path_certificate *subject,
                           const path_certificate *issuer, revocation_view *out, const char **id);

/* organisation.c */
const char *organisation_read(X509 *x, organisation *out, trust_verdict *remarks);
/* path_qualified.c */
void path_qualify(path_search *s);

#endif
