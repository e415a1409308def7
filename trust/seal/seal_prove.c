/* Steps 7 to 9 of seal_check: the signatures, for whom the message is, and who witnessed its time. */
#include "trust/seal/seal_judge.h"

#include "trust/base/digest.h"

#include <stdio.h>

static bool fits(const seal_judge *j, const seal_algorithm *a)
{
    const seal_certificate *c = j->certificate;
    return a != NULL && c->known_kind && a->kind == c->kind && (c->kind != SIGN_RSA || c->bits >= 2048) &&
           !(c->pss_only && a->form == SIGN_RSA_PKCS1) && (a->form != SIGN_EDDSA || j->spec->allow_eddsa);
}

static bool choose(seal_judge *j, const seal_algorithm **httpsig, const seal_algorithm **jws)
{
    dx_bytes name;
    if (j->list.list != NULL) {
        bool named = httpsig_text(j->list.list, "alg", &name);
        *httpsig = named                        ? seal_algorithm_httpsig(name)
                   : j->certificate->known_kind ? seal_algorithm_httpsig_of_key(j->certificate->kind)
                                                : NULL;
        if ((named || j->signature.present) && !fits(j, *httpsig))
            return seal_report_no(&j->report, "SEAL-24",
                                  "alg of the signature is not accepted or does not fit the key");
    }
    if (j->has_jws) {
        *jws = seal_algorithm_jws(j->jws.alg);
        if (!fits(j, *jws))
            return seal_report_no(&j->report, "SEAL-24",
                                  "alg of the JWS is not accepted or does not fit the key");
    }
    return seal_report_ok(&j->report, "SEAL-24", NULL);
}

static bool length_fits(const seal_judge *j, const seal_algorithm *a, dx_bytes value)
{
    return value.size == (a->value_bytes != 0 ? a->value_bytes : (j->certificate->bits + 7) / 8);
}

static bool holds(seal_judge *j, const char *id, const seal_algorithm *a, dx_bytes text, dx_bytes value)
{
    dx_why why = {0};
    struct dx_rc rc = seal_algorithm_verify(a, j->certificate->spki, text, value, &why);
    if (rc.code == DX_OK)
        return seal_report_ok(&j->report, id, NULL);
    if (rc.code == DX_BAD_SIGNATURE)
        return seal_report_no(&j->report, id, "%s", why.text);
    return seal_report_no_as(&j->report, id, "CRYPTO_CONSTRAINTS_FAILURE", "%s",
                             why.text); /* could not find out */
}

/* protected ‖ "." ‖ payload (RFC 7515 5.1, RFC 7797 3). */
static dx_bytes signing_input(seal_judge *j)
{
    size_t head = j->jws.protected_text.size;
    uint8_t *text = dx_arena_alloc(j->arena, head + 1 + j->payload.size);
    if (text == NULL)
        return (dx_bytes){0};
    memcpy(text, j->jws.protected_text.data, head);
    text[head] = '.';
    if (j->payload.size != 0)
        memcpy(text + head + 1, j->payload.data, j->payload.size);
    return dx_bytes_of(text, head + 1 + j->payload.size);
}

bool seal_step_signatures(seal_judge *j)
{
    const seal_algorithm *httpsig = NULL, *jws = NULL;
    if (!choose(j, &httpsig, &jws))
        return false;
    if ((j->signature.present && !length_fits(j, httpsig, j->signature.value)) ||
        (j->has_jws && !length_fits(j, jws, j->jws.signature)))
        return seal_report_no(&j->report, "SEAL-28", "a signature value has not the length of its algorithm");
    seal_report_ok(&j->report, "SEAL-28", NULL);
    if (j->signature.present && !holds(j, "SEAL-31", httpsig, j->base, j->signature.value))
        return false;
    if (!j->has_jws)
        return true;
    dx_bytes input = signing_input(j);
    if (input.data == NULL) {
        j->report.no_memory = true;
        return false;
    }
    dx_sha256(input, j->report.verdict->jws_input_sha256);
    j->report.verdict->jws_known = true;
    return holds(j, "SEAL-30", jws, input, j->jws.signature);
}

bool seal_step_addressee(seal_judge *j)
{
    const seal_check_spec *spec = j->spec;
    if (spec->audience_ids != NULL) {
        bool ours = false;
        for (size_t i = 0; i < spec->audience_count; i++)
            ours |= dx_bytes_is(j->audience, spec->audience_ids[i]);
        if (!ours)
            return seal_report_no(&j->report, "SEAL-48", "addressed to " DX_TEXT_FMT,
                                  DX_TEXT_ARG(dx_bytes_part(j->audience, 0, 96)));
        seal_report_ok(&j->report, "SEAL-48", NULL);
    }
    if (spec->seen == NULL)
        return true;
    if (spec->seen(spec->seen_context, dx_bytes_text(j->report.verdict->signer.id), j->message_id))
        return seal_report_no(&j->report, "SEAL-49", "a message of this id was accepted before");
    return seal_report_ok(&j->report, "SEAL-49", NULL);
}

/* ---- time evidence ---- */

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from == NULL ? "" : from);
}

static stamp_verdict ask_stamp(const seal_judge *j, bool is_record, dx_bytes der, dx_bytes hash,
                               const stamp_trust *trust, stamp_facts *facts)
{
    *facts = (stamp_facts){0};
    if (is_record)
        return evidence_record_check(der, hash.data, trust, j->arena, facts);
    const stamp_expect expect = {.imprint = hash,
                                 .skew_s = j->spec->skew_s,
                                 .not_before_us = j->created_s * 1000000,
                                 .ess_v1_note = true};
    return stamp_check(der, &expect, trust, j->arena, facts);
}

/* Named anchors tell the territory of an authority by which of them believes it. */
static stamp_verdict ask_anchors(const seal_judge *j, bool is_record, dx_bytes der, dx_bytes hash,
                                 stamp_facts *facts)
{
    const seal_check_spec *spec = j->spec;
    dx_bytes all[8];
    size_t count = spec->tsa_anchor_count > 8 ? 8 : spec->tsa_anchor_count;
    for (size_t i = 0; i < count; i++)
        all[i] = spec->tsa_anchors[i].anchor;
    stamp_trust trust = {.anchors = all,
                         .anchor_count = count,
                         .crls = spec->crls,
                         .crl_count = spec->crl_count,
                         .evidence = spec->evidence,
                         .revocation_off = spec->revocation_off};
    stamp_verdict verdict = ask_stamp(j, is_record, der, hash, &trust, facts);
    for (size_t i = 0; verdict.ok && i < count; i++) {
        stamp_facts again;
        trust.anchors = &all[i];
        trust.anchor_count = 1;
        if (ask_stamp(j, is_record, der, hash, &trust, &again).ok) {
            copy_text(facts->territory, sizeof facts->territory, spec->tsa_anchors[i].territory);
            return verdict;
        }
    }
    return verdict;
}

/* STAMP-13 and 14 for evidence that we did not ask for: not ahead of the time of checking, not before the
 * seal. */
static bool time_fits(seal_judge *j, const stamp_facts *facts)
{
    stamp_verdict no = {.indeterminate = true};
    int64_t slack = j->spec->skew_s * 1000000 + facts->accuracy_us;
    const char *clause = NULL, *text;
    if (facts->time_us > j->spec->at_s * 1000000 + slack) {
        memcpy(no.id, "STAMP-13", 9);
        no.sub_indication = "SIG_CONSTRAINTS_FAILURE";
    } else if (facts->time_us < j->created_s * 1000000 - slack) {
        memcpy(no.id, "STAMP-14", 9);
        no.sub_indication = "TIMESTAMP_ORDER_FAILURE";
    } else {
        return true;
    }
    text = stamp_check_text(no.id, &clause);
    copy_text(no.text, sizeof no.text, text);
    copy_text(no.clause, sizeof no.clause, clause);
    return seal_report_stamp(&j->report, &no);
}

static stamp_verdict ask(const seal_judge *j, bool is_record, dx_bytes der, dx_bytes hash, stamp_facts *facts)
{
    const stamp_trust trust = {.snapshot = j->spec->snapshot,
                               .judge = j->spec->judge,
                               .evidence = j->spec->evidence,
                               .revocation_off = j->spec->revocation_off};
    return j->spec->snapshot != NULL ? ask_stamp(j, is_record, der, hash, &trust, facts)
                                     : ask_anchors(j, is_record, der, hash, facts);
}

static bool believe(seal_judge *j, const stamp_verdict *verdict, const stamp_facts *facts)
{
    seal_verdict *v = j->report.verdict;
    if (!seal_report_stamp(&j->report, verdict) || !time_fits(j, facts))
        return false;
    if (v->stamp_count < sizeof v->stamps / sizeof *v->stamps)
        v->stamps[v->stamp_count++] = *facts;
    if (facts->time_us / 1000000 < j->proven_s)
        j->proven_s = facts->time_us / 1000000;
    return true;
}

bool seal_step_stamp(seal_judge *j, bool is_record, dx_bytes der, dx_bytes hash)
{
    stamp_facts facts;
    stamp_verdict verdict = ask(j, is_record, der, hash, &facts);
    return believe(j, &verdict, &facts);
}

bool seal_step_stamp_text(seal_judge *j, dx_bytes der, dx_bytes text)
{
    static const dx_hash_kind kinds[] = {DX_HASH_SHA256, DX_HASH_SHA384, DX_HASH_SHA512};
    stamp_facts facts, first_facts = {0};
    stamp_verdict verdict, first = {0};
    uint8_t hash[64];
    for (size_t i = 0; i < 3; i++) {
        dx_digest(kinds[i], text, hash);
        verdict = ask(j, false, der, dx_bytes_of(hash, dx_hash_size(kinds[i])), &facts);
        if (verdict.ok || strcmp(verdict.id, "STAMP-03") != 0)
            return believe(j, &verdict, &facts);
        if (i == 0)
            first = verdict;
    }
    return believe(j, &first, &first_facts);
}

/* Each territory that is asked for must have stamped; two stamps of one count once. */
static bool territories(seal_judge *j)
{
    const seal_verdict *v = j->report.verdict;
    for (size_t i = 0; i < j->spec->territory_count; i++) {
        bool found = false;
        for (size_t k = 0; k < v->stamp_count; k++)
            found |= strcmp(v->stamps[k].territory, j->spec->territories[i]) == 0;
        if (!found) {
            stamp_verdict no = {
                .id = "STAMP-12", .indeterminate = true, .sub_indication = "SIG_CONSTRAINTS_FAILURE"};
            const char *clause = NULL;
            (void)stamp_check_text(no.id, &clause);
            copy_text(no.clause, sizeof no.clause, clause);
            copy_text(no.text, sizeof no.text, "a territory that must have stamped is missing");
            return seal_report_stamp(&j->report, &no);
        }
    }
    return true;
}

bool seal_step_time(seal_judge *j)
{
    uint8_t *leaf = j->report.verdict->leaf, imprint[32];
    /* what is stamped: the compact JWS and its signature text; without one the raw signature (seals.md 7.1)
     */
    dx_sha256(j->has_jws ? j->jws_text : j->signature.value, leaf);
    dx_sha256(j->has_jws ? j->jws.signature_text : j->signature.value, imprint);
    for (size_t i = 0; i < j->time_count; i++)
        if (!seal_step_stamp(j, j->times[i].is_record, j->times[i].der,
                             dx_bytes_of(j->times[i].is_record ? leaf : imprint, 32)))
            return false;
    return territories(j);
}
