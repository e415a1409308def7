/* trust_explain.h -- the story of one judgement, for `sekisho trust explain`: text for people, JSON for
 * programs.
 *
 * Both tell the same verdict of the gateway's own judge; nothing is judged here. Of a person's certificate
 * they show neither name nor number. Threads: values.
 */
#ifndef GATEWAY_CLI_TRUST_EXPLAIN_H
#define GATEWAY_CLI_TRUST_EXPLAIN_H

#include "gateway/cli/cli.h"

#include "trust/path/path_qualified.h"

typedef struct {
    const path_input *input; /* with its trace */
    const trust_verdict *verdict;
    const char *purpose;  /* tls seal stamp */
    bool at_given, asked; /* asked: revocation was, online or by files */
    bool readable;        /* the leaf: facts and stated stand */
    cert_facts facts;
    path_statements stated;
    tlist_key path[PATH_MAX_CERTS]; /* as far as it was built */
    size_t path_count;
    path_trace steps; /* of qualification; the judge's own, or made for a path that was refused */
    char issued[24], now[24], why[8]; /* levels at issuance and now, and why not */
} trust_explanation;

/* Fills the rest from input and verdict. */
void trust_explanation_make(trust_explanation *e);
/* "YES" "NO" "UNKNOWN": a yes without word about revocation is not known. */
const char *trust_explanation_answer(const trust_explanation *e);
const char *trust_explanation_reason(const trust_explanation *e);
/* Who can do something about it, and what. */
const char *trust_explanation_remedy(const trust_verdict *verdict, bool asked);
/* The service in the list that this certificate of the path is the identity of, at the control time; NULL:
 * none. */
const tlist_hit *trust_explanation_listed(const trust_explanation *e, size_t certificate, tlist_hit hits[4]);

void trust_explain_text(const trust_explanation *e);
json_t *trust_explain_json(const trust_explanation *e); /* yours; NULL: no memory */

#endif
