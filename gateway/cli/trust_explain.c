#include "gateway/cli/trust_explain.h"

#include <stdio.h>

/* What the verdict does not hold by itself: the path of a refusal, and what its services made of it. */

static tlist_purpose purpose_of(const trust_explanation *e)
{
    return strcmp(e->purpose, "stamp") == 0 ? TLIST_STAMP : TLIST_ISSUER;
}

const tlist_hit *trust_explanation_listed(const trust_explanation *e, size_t certificate, tlist_hit hits[4])
{
    size_t n =
        tlist_find(e->input->snapshot, &e->path[certificate], purpose_of(e), e->input->at_s, hits, 4, NULL);
    for (size_t i = 0; i < n; i++)
        if (hits[i].usable)
            return &hits[i];
    return n > 0 ? &hits[0] : NULL;
}

/* A judge that refuses does not ask what the services make of the certificate; whoever explains does. */
static void qualify_refused(trust_explanation *e)
{
    const qualification_question q = {.snapshot = e->input->snapshot,
                                      .path = e->path,
                                      .path_count = e->path_count,
                                      .stated = &e->stated,
                                      .web_policy = cert_has_policy(&e->facts, "0.4.0.194112.1.4") ||
                                                    cert_has_policy(&e->facts, "0.4.0.194112.1.5"),
                                      .not_before_s = e->facts.from_s,
                                      .at_s = e->input->at_s,
                                      .trace = &e->steps};
    qualification got;
    qualification_by by;
    const char *id;
    if (purpose_of(e) == TLIST_STAMP) {
        id = path_qualified_stamp(&q, e->input->at_s, e->input->at_s, &by);
        snprintf(e->now, sizeof e->now, "%s", id == NULL ? "eu-qtst" : "");
    } else {
        path_qualified_certificate(&q, &got);
        id = got.id;
        path_level(e->verdict, got.issued.is_qualified, got.issued.type, got.issued.qscd, e->issued);
        path_level(e->verdict, got.by != QUALIFIED_BY_NOBODY, got.type, got.qscd, e->now);
    }
    snprintf(e->why, sizeof e->why, "%s", id == NULL ? "" : id);
}

void trust_explanation_make(trust_explanation *e)
{
    const trust_verdict *v = e->verdict;
    e->readable = cert_facts_read(e->input->leaf, &e->facts);
    if (!e->readable)
        return;
    (void)path_statements_read(&e->facts, &e->stated);
    e->path_count = path_reached(e->input, v, e->path);
    if (v->level[0] == '\0' && e->path_count > 1 && e->input->snapshot != NULL) {
        qualify_refused(e);
        return;
    }
    e->steps = *e->input->trace;
    snprintf(e->issued, sizeof e->issued, "%s", v->level_issued);
    snprintf(e->now, sizeof e->now, "%s", v->level);
    snprintf(e->why, sizeof e->why, "%s", v->qualification_id);
}

const char *trust_explanation_answer(const trust_explanation *e)
{
    if (e->verdict->answer == TRUST_YES)
        return e->asked ? "YES" : "UNKNOWN";
    return e->verdict->kind == TRUST_KIND_UNKNOWN ? "UNKNOWN" : "NO";
}

const char *trust_explanation_reason(const trust_explanation *e)
{
    return e->verdict->answer == TRUST_YES && !e->asked ? "the certificate leads to a listed service with a "
                                                          "valid status; whether it is revoked was not asked"
                                                        : e->verdict->reason;
}

const char *trust_explanation_remedy(const trust_verdict *v, bool asked)
{
    static const struct {
        const char *from, *to, *text;
    } rows[] = {
        {"ID-101", "ID-122", "the peer: a certificate of the right form; its CA must issue another one"},
        {"ID-201", "ID-202", "the peer: present the intermediate certificates that belong to this one"},
        {"ID-203", "ID-203", "nobody: wait until the certificate is valid"},
        {"ID-204", "ID-204", "the peer: renew the certificate"},
        {"ID-206", "ID-212", "the CA: a path of certificates that may do what they did"},
        {"ID-213", "ID-218", "the peer: a certificate that is meant for this purpose"},
        {"ID-301", "ID-302",
         "the peer: a certificate under a listed service; the operator: a source that lists its issuer"},
        {"ID-303", "ID-305",
         "nothing the peer can do with this certificate; a certificate under a granted service of the right "
         "type"},
        {"ID-306", "ID-306", "the operator: sekisho trust update; the publisher: a new list"},
        {"ID-307", "ID-308", "the peer: a certificate of a service that is in standing for it"},
        {"ID-309", "ID-309", "the operator: whoever blocked it"},
        {"ID-401", "ID-403", "the peer: a new certificate"},
        {"ID-404", "ID-416",
         "the operator: ask again with --online, or hand in --ocsp and --crl; the CA: answers that can be "
         "believed"},
        {"ID-417", "ID-417", "nobody: the law lets only notified verifiers ask"},
        {"ID-501", "ID-511", "the peer: a certificate that names its organisation, and one only"},
        {"ID-901", "ID-905", "the operator: what is missing is on this side"},
    };
    if (v->id[0] == '\0')
        return asked ? "nothing" : "ask for revocation: --online, or hand in --ocsp and --crl";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(v->id, rows[i].from) >= 0 && strcmp(v->id, rows[i].to) <= 0)
            return rows[i].text;
    return "see sekisho explain for the id";
}
