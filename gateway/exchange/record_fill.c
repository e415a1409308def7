#include "gateway/exchange/exchange.h"

#include "policy/policy_term.h"
#include "trust/base/digest.h"

#include <stdio.h>

#define RETENTION_DEFAULT "P3Y" /* APPI Enforcement Rules art. 19, 23: three years */

/* From an exchange to its leaf (provenance.md 4.2): each value is set once, from the place that knows it. */

static void fill_start(exchange *ex, prov_record *r)
{
    prov_set_str(r, "rec.id", ex->id);
    if (ex->declared.message_id.size > 0)
        prov_set_text(r, "rec.msg", ex->declared.message_id);
    prov_set_time(r, "time.start", ex->started_us);
    prov_set_time(r, "time.end", ex->ended_us);
    prov_set_str(r, "time.source", ex->view->config->gateway->time_source);
    prov_set_text(r, "request.method", ex->request->method);
    if (ex->request->has_query && ex->request->query.size > 0) {
        uint8_t sha256[32];
        dx_sha256(ex->request->query, sha256);
        prov_commit(r, "request.query", sha256);
    }
    prov_set_str(r, "trace", ex->trace);
    prov_set_text(r, "case", ex->declared.case_);
}

/* The digest of an organisation's certificate. A person's is written nowhere: an HMAC over issuer and serial
 * under the operator's key stands for it (identity.md 10.4). */
static void peer_key(exchange *ex, uint8_t out[32])
{
    cert_facts facts;
    memcpy(out, ex->peer->leaf_sha256, 32);
    if (ex->judged->verdict.org.kind != ORGANISATION_PERSON)
        return;
    memset(out, 0, 32); /* what cannot be keyed stays unsaid */
    if (!cert_facts_read(ex->peer->leaf, &facts))
        return;
    size_t size = facts.issuer.size + facts.serial.size;
    uint8_t *subject = dx_arena_alloc(&ex->arena, size);
    if (subject == NULL)
        return;
    memcpy(subject, facts.issuer.data, facts.issuer.size);
    memcpy(subject + facts.issuer.size, facts.serial.data, facts.serial.size);
    dx_hmac_sha256(dx_bytes_of(ex->gate->subject_key, sizeof ex->gate->subject_key),
                   dx_bytes_of(subject, size), out);
    explicit_bzero(subject, size);
}

static void fill_peer(exchange *ex, prov_record *r)
{
    const trust_verdict *v = &ex->judged->verdict;
    uint8_t key[32];
    peer_key(ex, key);
    prov_set_sha256(r, "peer.cert_sha256", key);
    prov_set_str(r, "peer.kind", ex->regulator ? "authority" : "org");
    if (ex->ruling.flow != NULL)
        prov_set_str(r, "peer.side", strcmp(ex->ruling.flow, "import") == 0 ? "exporter" : "importer");
    if (v->assurance.known) {
        prov_set_int(r, "peer.assurance.l", v->assurance.l);
        prov_set_int(r, "peer.assurance.s", v->assurance.s);
        prov_set_int(r, "peer.assurance.t", v->assurance.t);
        prov_set_int(r, "peer.assurance.r", v->assurance.r);
    }
    prov_set_str(r, "peer.trust.answer", v->answer == TRUST_YES ? "yes" : "no");
    if (v->answer != TRUST_YES)
        prov_set_str(r, "peer.trust.code", v->id);
    prov_set_str(r, "peer.trust.clause", v->clause);
    if (v->anchor.set) {
        prov_set_str(r, "peer.tl.scheme", v->anchor.scheme);
        prov_set_str(r, "peer.tl.territory", v->anchor.territory);
        prov_set_int(r, "peer.tl.seq", (int64_t)v->anchor.sequence);
        prov_set_sha256(r, "peer.tl.sha256", v->anchor.list_sha256);
        prov_set_sha256(r, "peer.tl.service", v->anchor.service_sha256);
        prov_set_str(r, "peer.tl.status", v->anchor.status);
        prov_set_time_s(r, "peer.tl.since", v->anchor.since_s);
        prov_set_time_s(r, "peer.tl.issued", v->anchor.issued_s);
        if (v->anchor.next_update_s != 0)
            prov_set_time_s(r, "peer.tl.next", v->anchor.next_update_s);
        prov_set_bool(r, "peer.tl.compiled", v->anchor.origin == TLIST_ORIGIN_OPERATOR_COMPILED);
        if (v->recognition.mapped_type[0] != 0) { /* original values above, translated ones here */
            prov_set_str(r, "peer.tl.mapped.type", v->recognition.mapped_type);
            prov_set_str(r, "peer.tl.mapped.status", v->recognition.mapped_status);
        }
        if (v->anchor.lotl_sequence != 0) {
            prov_set_int(r, "peer.tl.lotl.seq", (int64_t)v->anchor.lotl_sequence);
            prov_set_sha256(r, "peer.tl.lotl.sha256", v->anchor.lotl_sha256);
        }
    }
    if (v->path_count > 1) {
        static const char *const states[] = {"unknown", "good", "revoked"};
        static const char *const vias[] = {"none", "ocsp", "crl", "none"};
        const revocation_view *rv = &v->revocation[0];
        prov_set_str(r, "peer.revocation.state", states[rv->state]);
        prov_set_str(r, "peer.revocation.via", vias[rv->via]);
        if (rv->via == REVOCATION_VIA_OCSP || rv->via == REVOCATION_VIA_CRL) {
            prov_set_sha256(r, "peer.revocation.sha256", rv->evidence_sha256);
            prov_set_time_s(r, "peer.revocation.produced",
                            rv->produced_s != 0 ? rv->produced_s : rv->this_update_s);
        }
    }
}

static void fill_parties(exchange *ex, prov_record *r)
{
    const policy_ruling *p = &ex->ruling;
    const config_gateway *us = ex->view->config->gateway;
    const organisation *peer = &ex->judged->verdict.org;
    bool import = p->flow != NULL && strcmp(p->flow, "import") == 0;
    prov_set_str(r, "direction", import ? "in" : "out");
    const char *near_side = import ? "importer" : "exporter", *far_side = import ? "exporter" : "importer";
    const struct {
        const char *side, *org, *name, *country;
    } sides[] = {{near_side, us->organisation, us->name, us->territory},
                 {far_side, peer->id, peer->name, peer->country}};
    for (size_t i = 0; i < 2; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s.org", sides[i].side);
        prov_set_str(r, path, sides[i].org);
        snprintf(path, sizeof path, "%s.name", sides[i].side);
        if (prov_fits(PROV_EXCHANGE, path, dx_bytes_text(sides[i].name))) /* a certificate may say anything */
            prov_set_str(r, path, sides[i].name);
        snprintf(path, sizeof path, "%s.country", sides[i].side);
        prov_set_str(r, path, sides[i].country);
    }
}

/* A decision names both sides. A peer whose certificate names no organisation that a leaf may hold was
 * refused, and its record says by which certificate it came. */
static bool has_parties(const exchange *ex)
{
    const organisation *peer = &ex->judged->verdict.org;
    return prov_fits(PROV_EXCHANGE, "importer.org", dx_bytes_text(peer->id)) &&
           prov_fits(PROV_EXCHANGE, "importer.country", dx_bytes_text(peer->country));
}

static void fill_decision(exchange *ex, prov_record *r)
{
    const policy_ruling *p = &ex->ruling;
    fill_parties(ex, r);
    prov_set_str(r, "decision.answer", p->answer == POLICY_PERMIT ? "permit" : "deny");
    prov_set_str(r, "decision.code", p->code);
    prov_set_str(r, "decision.clause", p->clause);
    prov_set_str(r, "decision.rule", p->rule);
    prov_set_str(r, "decision.mode", "enforce");
    static const uint8_t none[32];
    const policy *bundle = ex->view->policy;
    prov_set_int(r, "decision.serial", bundle == NULL ? 0 : policy_serial(bundle));
    prov_set_sha256(r, "decision.bundle_sha256", bundle == NULL ? none : policy_sha256(bundle));
    dx_buf inputs;
    dx_buf_init(&inputs, 65536);
    if (policy_facts_print(ex->facts, &inputs).code == DX_OK) {
        uint8_t sha256[32];
        dx_sha256(dx_buf_view(&inputs), sha256);
        prov_commit(r, "decision.inputs", sha256);
    }
    dx_buf_fini(&inputs);
    prov_set_str(r, "retention.class", p->retention_class != NULL ? p->retention_class : "appi-3y");
    policy_duration keep;
    if (p->oblige.retention_min == NULL ||
        !policy_duration_parse(dx_bytes_text(p->oblige.retention_min), &keep))
        (void)policy_duration_parse(dx_bytes_text(RETENTION_DEFAULT), &keep);
    char until[DX_TIME_SIZE];
    dx_time_print(policy_duration_add(ex->ended_us / 1000000, keep, 1), until);
    until[10] = 0; /* the date */
    prov_set_str(r, "retention.delete_after", until);
    if (p->agreement_id != NULL) {
        prov_set_str(r, "agreement.id", p->agreement_id);
        prov_set_int(r, "agreement.version", p->agreement_version);
        prov_set_sha256(r, "agreement.sha256", p->agreement_sha256);
    }
    if (p->partnership_id != NULL) {
        prov_set_str(r, "partnership.id", p->partnership_id);
        prov_set_int(r, "partnership.version", p->partnership_version);
    }
    prov_set_str(r, "basis.code", p->basis_code);
    prov_set_str(r, "basis.instrument", p->basis_instrument);
    prov_set_str(r, "basis.ref", p->basis_ref);
    if (p->dataset_id != NULL) {
        prov_set_str(r, "dataset.id", p->dataset_id);
        prov_set_int(r, "dataset.version", p->dataset_version);
        prov_set_bool(r, "labels.personal", p->personal);
    }
    prov_set_str(r, "request.route", p->route);
    for (size_t i = 0; i < ex->declared.purpose_count; i++)
        prov_add_text(r, "purpose.ids", ex->declared.purpose[i]);
    if (ex->declared.purpose_count > 0) {
        prov_set_str(r, "purpose.asserted_by",
                     exchange_seal_covers(ex, "dfft-purpose") ? "peer-signed" : "peer");
    } else if (p->answer == POLICY_PERMIT) {
        prov_add_str(r, "purpose.ids", p->basis_code);
        prov_set_str(r, "purpose.asserted_by", "agreement");
    }
    for (size_t i = 0; i < ex->declared.destination_count; i++)
        prov_add_text(r, "destination", ex->declared.destination[i]);
    if (ex->declared.destination_count == 0 && p->answer == POLICY_PERMIT)
        prov_add_str(r, "destination", ex->judged->verdict.org.country);
    if (p->answer == POLICY_PERMIT)
        prov_set_bool(r, "onward_allowed", false);
}

static void fill_answer(exchange *ex, prov_record *r)
{
    bool released = !ex->refused && !ex->gone;
    prov_set_str(r, "outcome.state", released ? "released" : ex->refused ? "denied" : "aborted");
    if (ex->refused && ex->ruled && ex->ruling.answer == POLICY_PERMIT)
        prov_set_str(r, "outcome.state", "failed");
    prov_set_int(r, "outcome.status", ex->answer.status != 0 ? ex->answer.status : 499);
    if (!released)
        prov_set_str(r, "outcome.cause",
                     ex->refused ? ex->problem_slug
                     : ex->cut   ? "peer-cut"
                                 : "client-aborted");
    if (ex->sealed) {
        prov_set_str(r, "seal.profile", "dfft-seal-v1");
        prov_set_str(r, "seal.format", ex->seal.format);
        prov_set_str(r, "seal.level", ex->seal.level);
        prov_set_sha256(r, "seal.sha256", ex->seal.sha256);
        uint8_t sha256[32];
        dx_sha256(seal_credential_certificate(ex->view->credential), sha256);
        prov_set_sha256(r, "seal.cert_sha256", sha256);
        const policy_level level = ex->view->can.seal.level;
        if (level.l > 0) { /* its r tells on what kind of list our own certificate rests */
            prov_set_int(r, "seal.assurance.l", level.l);
            prov_set_int(r, "seal.assurance.s", level.s);
            prov_set_int(r, "seal.assurance.t", level.t);
            prov_set_int(r, "seal.assurance.r", level.r);
        }
    }
    for (size_t i = 0; i < ex->stamp_count; i++) {
        prov_add_object(r, "ts");
        prov_set_str(r, "ts.mode", ex->stamped_mode == STAMP_TOKEN ? "token" : "batch");
        prov_set_str(r, "ts.by", ex->stamp_by[i]);
        prov_set_time_s(r, "ts.time", ex->stamps[i].time_us / 1000000);
        prov_set_str(r, "ts.serial", ex->stamps[i].serial);
        prov_set_str(r, "ts.territory", ex->stamps[i].territory);
        prov_set_str(r, "ts.status", ex->stamps[i].status);
        prov_set_sha256(r, "ts.sha256", ex->stamps[i].sha256);
    }
    if (!released)
        return;
    prov_set_int(r, "bytes.in", (int64_t)ex->body.size);
    prov_set_int(r, "bytes.out", (int64_t)ex->answer_body.size);
    uint8_t sha256[32];
    dx_sha256(ex->answer_body, sha256);
    prov_commit(r, "payload.in", sha256);
    prov_commit(r, "payload.out", sha256);
    if (ex->body.size > 0) {
        dx_sha256(dx_buf_view(&ex->body), sha256);
        prov_commit(r, "request.body", sha256);
    }
    if (ex->records >= 0)
        prov_set_int(r, "records", ex->records);
    prov_set_int(r, "items.n", (int64_t)ex->ruling.item_count);
    for (size_t i = 0; i < ex->ruling.item_count && i < 64; i++)
        prov_add_str(r, "items.names", ex->ruling.items[i]);
}

static void fill_query(exchange *ex, prov_record *r)
{
    const organisation *org = &ex->judged->verdict.org;
    char scope[200];
    prov_set_str(r, "rec.id", ex->id);
    prov_set_time(r, "time.start", ex->started_us);
    prov_set_str(r, "time.source", ex->view->config->gateway->time_source);
    prov_set_str(r, "query.reader.org", org->id);
    prov_set_str(r, "query.reader.country", org->country);
    prov_set_str(r, "query.reader.authority", ex->ruling.authority_id);
    prov_set_sha256(r, "query.reader.cert_sha256", ex->peer->leaf_sha256);
    snprintf(scope, sizeof scope, "%s@%d/%s", ex->ruling.authority_id, (int)ex->ruling.authority_version,
             ex->ruling.grant_id);
    prov_set_str(r, "query.scope", scope);
    prov_set_str(r, "query.call", ex->query.call);
    if (ex->query.filter.size > 0) {
        uint8_t sha256[32];
        dx_sha256(ex->query.filter, sha256);
        prov_commit(r, "query.filter", sha256);
    }
    prov_set_text(r, "query.case", ex->declared.case_);
    prov_set_int(r, "query.rows", (int64_t)ex->query.rows);
    if (ex->query.any) {
        prov_set_int(r, "query.first", (int64_t)ex->query.first);
        prov_set_int(r, "query.last", (int64_t)ex->query.last);
    }
    prov_set_str(r, "query.at", ex->query.at);
    prov_set_str(r, "query.tier", "meta");
    prov_set_bool(r, "query.conf", false);
}

DX_RC exchange_record(exchange *ex, prov_record **out, dx_why *why)
{
    /* An authority that was let in leaves a query leaf; everybody else, refused readers too, an exchange
     * leaf. */
    bool query = ex->regulator && ex->ruled && ex->ruling.answer == POLICY_PERMIT && ex->query.call != NULL;
    prov_record *r = prov_record_new(&ex->arena, query ? PROV_QUERY : PROV_EXCHANGE);
    if (r == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the record");
    if (query) {
        fill_query(ex, r);
    } else {
        prov_set_str(r, "phase", "whole");
        fill_start(ex, r);
        if (ex->judged != NULL)
            fill_peer(ex, r);
        if (ex->ruled && ex->judged != NULL && has_parties(ex))
            fill_decision(ex, r);
        fill_answer(ex, r);
    }
    *out = r;
    return DX_OKAY;
}
