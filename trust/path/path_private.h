/* path_private.h -- inside trust/path: one judgement and what it has found so far. */
#ifndef TRUST_PATH_PATH_PRIVATE_H
#define TRUST_PATH_PATH_PRIVATE_H

#include "trust/path/cert_facts.h"
#include "trust/path/path.h"
#include "trust/path/name_constraint.h"
#include "trust/path/path_algorithm.h"
#include "trust/path/path_memo.h"

#define GIVEN_MAX         64 /* presented, and as many configured; the rest is over the budget */
#define LEARNED_MAX       16
#define INTERMEDIATES_MAX (2 * GIVEN_MAX + LEARNED_MAX)
#define LEARNED_PER_NAME  4
#define LISTED_MAX        32 /* services of one name */
#define CANDIDATES_MAX    32

enum { PATH_PRESENTED, PATH_LEARNED, PATH_CONFIGURED };

typedef struct { /* one certificate of the search */
    cert_facts facts;
    dx_bytes der, subject, spki;
    uint8_t sha256[32];
    int64_t from_s, until_s;
    bool dated;     /* both dates could be read */
    uint8_t origin; /* of an intermediate */
    bool formed;    /* `form` has been asked for */
    const char *form;
    bool leads_nowhere; /* whatever stands below it */
} path_certificate;

struct path_judge_state {
    path_memo *memo;
};

typedef struct {
    const path_input *in;
    const path_rules *rules;
    path_limits limits;
    const dx_clock *clock;
    int64_t until_us; /* of the clock */
    path_memo *memo;
    dx_arena *arena;
    trust_verdict *out;
    const char *person; /* why the leaf is no organisation's, of profiles that want one; NULL: it is */
    path_certificate leaf;
    path_certificate *presented; /* all intermediates that may be used, wherever they come from */
    size_t presented_count, presented_room;
    path_certificate *chain[PATH_MAX_CERTS]; /* leaf first */
    const cert_facts *facts[PATH_MAX_CERTS]; /* of the chain */
    size_t depth;
    path_certificate *given;                 /* in->anchors, opened; without a key: could not be read */
    const path_anchor *anchor;               /* that ends the chain; NULL: a listed service does */
    unsigned nodes, signatures, comparisons; /* comparisons: left */
    unsigned shadow; /* below a listed CA without valid status: what is found here is ID-305, never a yes */
    unsigned bound_to_path; /* failures so far that another path might not have */
    int worst_depth;        /* of the failure that is told */
    bool no_memory;
    bool spent;    /* the budget: ID-215 */
    bool left_out; /* a candidate was, for being one too many */
    tlist_hit hits[8];
    size_t hit_count;
    struct crl_list **lists; /* of the evidence, read; NULL: not yet */
    size_t list_count;
    policy_outcome *policies;
    revocation_question *questions;
    size_t *question_count;
} path_search;

/* path_say.c. Fills id, reason, clause, slug from the table. */
void path_say(trust_verdict *v, const char *id, const char *more);
void path_say_yes(trust_verdict *v, bool listed);
void path_remark(trust_verdict *v, const char *id);
/* The graver of two ids, of equals the first; NULL is the lightest. */
const char *path_graver(const char *a, const char *b);

/* path_certificate.c. NULL: open; else "ID-101" or "ID-102". Spans look at `der`. */
const char *path_certificate_open(dx_bytes der, path_certificate *out);

/* path_signature.c: did the key make the signature? Remembered; PATH_EDGE_UNKNOWN: the budget is spent. */
path_edge path_signed_by(path_search *s, const path_certificate *child, dx_bytes issuer_spki);

/* path_candidates.c: what may stand above a certificate, best first. */
typedef struct {
    path_certificate *certificate; /* in the arena */
    const path_anchor *given;      /* of an anchor that somebody named */
    bool key_id_fits, valid;
} path_candidate;
bool path_open_anchors(path_search *s); /* false: no memory */
void path_add_intermediate(path_search *s, dx_bytes der, uint8_t origin);
size_t path_candidates(path_search *s, const path_certificate *child, path_candidate *out, size_t max);
size_t path_candidate_anchors(path_search *s, const path_certificate *child, path_candidate *out, size_t max);
bool path_distrusted(const path_search *s, const path_certificate *c);

/* path_search.c. True: an answer was found, a yes or a no that no other path may avoid. */
bool path_search_from_leaf(path_search *s);
bool path_in_time(path_search *s); /* false: the budget is spent */
/* The deepest failure is told, of equals the lowest id; in the shadow of a withdrawal only what it blocks. */
void path_fail(path_search *s, const char *id, const char *more);

/* path_whole.c: a chain that has reached an anchor. True as above. */
bool path_check_whole(path_search *s);

/* path_form.c: one certificate by itself; NULL: fine, else the id. Warnings become remarks of the verdict. */
const char *path_check_form(const path_search *s, const path_certificate *c);

/* path_check.c: use of one certificate as leaf or issuer. */
size_t path_intermediates(const path_search *s); /* of the chain so far, self-issued ones not counted */
const char *path_check_dates(const path_search *s, const path_certificate *c);
const char *path_check_issuer(const cert_facts *ca, size_t intermediates_below);
/* An extended key usage in a CA limits what is below it. */
const char *path_check_nested(const path_rules *rules, const cert_facts *ca);
const char *path_check_leaf(const path_search *s);
/* Form of an anchor, for rules that ask: not its serial number nor who issued it. */
const char *path_check_anchor_form(const path_search *s, const path_certificate *anchor);
/* Drops hits whose service demands policies that the leaf lacks; ID-308 when none is left. */
const char *path_check_policies(path_search *s);

/* A seal or a stamp is judged at a past time: an answer from after it serves it too. */
static inline bool path_looks_back(const path_search *s)
{
    return s->rules->past;
}

/* revocation.c: one certificate against the evidence. */
void path_check_revocation(path_search *s, const path_certificate *subject, const path_certificate *issuer,
                           revocation_view *out, const char **id);

/* revocation_ask.c: adds the question what has become of this certificate; lists_only: not by OCSP. NULL: it
 * is asked, else why it cannot be. */
const char *revocation_ask(path_search *s, const cert_facts *subject, const cert_facts *issuer,
                           bool lists_only);
const revocation_rules *revocation_rules_of(const path_search *s);

/* path_level.c: what the listed service makes of the leaf, from the hits of the anchor. */
void path_qualify(path_search *s);

#endif
