/* stamp_check.c -- believing a token: the checks of seals.md 7.5, cheap ones first, no chain is judged for a
 * signature that does not hold. The order is 02 03 04 05 07 06 08 09 10 11 12 13 14; 15 is a note. */
#include "trust/base/clock.h"
#include "trust/stamp/stamp_private.h"

#include <openssl/x509v3.h>
#include <stdio.h>

static const struct {
    const char *id, *clause, *text, *sub;
} rows[] = {
#define C(name, id, clause, text, sub) {id, clause, text, sub},
#include "trust/stamp/stamp_check_table.h"
#undef C
};

const char *stamp_check_text(const char *id, const char **clause)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].id, id) == 0) {
            if (clause != NULL)
                *clause = rows[i].clause;
            return rows[i].text;
        }
    }
    return NULL;
}

/* EN 319 102-1 5.1.3: what is broken for good fails, the rest may look different with more knowledge. */
static bool is_final(const char *sub)
{
    return strcmp(sub, "FORMAT_FAILURE") == 0 || strcmp(sub, "HASH_FAILURE") == 0 ||
           strcmp(sub, "SIG_CRYPTO_FAILURE") == 0;
}

bool stamp_no(stamp_verdict *verdict, stamp_check_id id, const char *sub, const char *text, ...)
{
    va_list args;
    *verdict = (stamp_verdict){.sub_indication = sub != NULL ? sub : rows[id].sub};
    verdict->indeterminate = !is_final(verdict->sub_indication);
    snprintf(verdict->id, sizeof verdict->id, "%s", rows[id].id);
    snprintf(verdict->clause, sizeof verdict->clause, "%s", rows[id].clause);
    va_start(args, text);
    vsnprintf(verdict->text, sizeof verdict->text, text, args);
    va_end(args);
    return false;
}

static bool check_imprint(const stamp_tstinfo *info, dx_bytes expected, stamp_verdict *verdict)
{
    if (dx_hash_size(info->hash) != expected.size)
        return stamp_no(verdict, CHECK_STAMP_03, NULL, "the imprint was made with another hash algorithm");
    if (!dx_bytes_equal(info->imprint, expected))
        return stamp_no(verdict, CHECK_STAMP_03, NULL, "the imprint is that of something else");
    return true;
}

static bool check_nonce(const stamp_tstinfo *info, const stamp_expect *expect, stamp_verdict *verdict)
{
    uint64_t nonce;
    if (!expect->has_nonce)
        return true;
    if (!info->has_nonce || !der_u64(info->nonce, &nonce) || nonce != expect->nonce)
        return stamp_no(verdict, CHECK_STAMP_04, NULL, "the nonce of the request is %s",
                        info->has_nonce ? "another one in the token" : "missing in the token");
    return true;
}

static bool check_policy(const stamp_tstinfo *info, const stamp_tsa *tsa, stamp_verdict *verdict)
{
    if (tsa == NULL || tsa->policy_oid_count == 0)
        return true;
    for (size_t i = 0; i < tsa->policy_oid_count; i++)
        if (der_oid_is(info->policy, tsa->policy_oids[i]))
            return true;
    return stamp_no(verdict, CHECK_STAMP_05, NULL, "the token's policy is not among those accepted from %s",
                    tsa->name);
}

#define MEMO_S 30 /* a revocation is noticed this much later, at most */

static bool remembers(const stamp_memo *memo, const uint8_t leaf[32], const stamp_trust *trust, int64_t at_s)
{
    return memo != NULL && at_s >= memo->from_s && at_s < memo->until_s &&
           memcmp(memo->leaf_sha256, leaf, 32) == 0 &&
           memcmp(memo->snapshot_id, tlist_snapshot_id(trust->snapshot), 32) == 0;
}

static void remember(stamp_memo *memo, const uint8_t leaf[32], const stamp_trust *trust, int64_t at_s,
                     const trust_verdict *judged)
{
    if (memo == NULL || judged->answer != TRUST_YES)
        return;
    memcpy(memo->leaf_sha256, leaf, 32);
    memcpy(memo->snapshot_id, tlist_snapshot_id(trust->snapshot), 32);
    memo->from_s = at_s;
    memo->until_s = judged->good_until_s < at_s + MEMO_S ? judged->good_until_s : at_s + MEMO_S;
    memo->verdict = *judged;
}

/* STAMP-11 by the snapshot: the same judge that judges peers, at genTime. */
static bool judge_signer(const stamp_token *token, const stamp_signer *signer, const stamp_trust *trust,
                         int64_t until_s, dx_arena *arena, stamp_questions *questions, stamp_verdict *verdict)
{
    dx_why why = {0};
    const path_input input = {.leaf = signer->der,
                              .presented = token->certs,
                              .presented_count = token->cert_count,
                              .snapshot = trust->snapshot,
                              .profile = PATH_TSU,
                              .at_s = token->info.time_us / 1000000,
                              .proof_s = until_s,
                              .evidence = trust->evidence,
                              .revocation_off = trust->revocation_off};
    trust_verdict *judged = &questions->verdict;
    uint8_t leaf[32];
    dx_sha256(signer->der, leaf);
    if (until_s == 0 && remembers(trust->memo, leaf, trust, input.at_s)) {
        *judged = trust->memo->verdict;
    } else {
        if (path_judge(trust->judge, &input, arena, judged, questions->items, &questions->count, &why).code !=
            DX_OK)
            return stamp_no(verdict, CHECK_STAMP_11, NULL, "the signer could not be judged: %.120s",
                            why.text);
        if (until_s == 0) /* a remembered verdict is never remembered again */
            remember(trust->memo, leaf, trust, input.at_s, judged);
    }
    /* A service that is there but not in standing at genTime is a matter of STAMP-12. */
    if (judged->answer != TRUST_YES &&
        (strcmp(judged->id, "ID-303") == 0 || strcmp(judged->id, "ID-304") == 0 ||
         strcmp(judged->id, "ID-305") == 0))
        return stamp_no(verdict, CHECK_STAMP_12, NULL, "%.8s: %.150s", judged->id, judged->reason);
    if (judged->answer != TRUST_YES)
        return stamp_no(verdict, CHECK_STAMP_11, NULL, "%.8s: %.150s", judged->id, judged->reason);
    for (size_t i = 0; until_s > 0 && i < judged->path_count && i < PATH_MAX_CERTS; i++)
        if (judged->revocation[i].revoked_s > 0 && judged->revocation[i].revoked_s <= until_s)
            return stamp_no(
                verdict, CHECK_STAMP_11, NULL,
                "a certificate of the signer's path was revoked before the next proof of existence");
    if (until_s > judged->not_after_s)
        return stamp_no(verdict, CHECK_STAMP_11, NULL,
                        "the certificate of the token's signer ended before the next proof of existence");
    return true;
}

/* "private" asks nothing of the lists; "listed" is content with any of them. */
static bool class_is(const char *have, const char *want)
{
    if (strcmp(want, "private") == 0 || strcmp(want, have) == 0)
        return true;
    return strcmp(want, "listed") == 0 && (strcmp(have, "EU-QTSA") == 0 || strcmp(have, "JP-MIC") == 0);
}

static bool check_trust(const stamp_token *token, const stamp_signer *signer, const stamp_expect *expect,
                        const stamp_trust *trust, int64_t until_s, dx_arena *arena,
                        stamp_questions *questions, stamp_facts *facts, stamp_verdict *verdict)
{
    const stamp_tsa *tsa = expect->tsa;
    if (trust->anchor_count > 0) {
        if (!stamp_chain_check(token, signer, trust, until_s, verdict))
            return false;
        /* Whoever names the anchors answers for their class. */
        snprintf(facts->class_, sizeof facts->class_, "%s",
                 tsa != NULL && tsa->class_ != NULL ? tsa->class_ : "private");
        snprintf(facts->territory, sizeof facts->territory, "%s",
                 tsa != NULL && tsa->territory != NULL ? tsa->territory : "");
    } else if (trust->snapshot != NULL && trust->judge != NULL) {
        if (!judge_signer(token, signer, trust, until_s, arena, questions, verdict))
            return false;
        const char *class_ = path_stamp_class(&questions->verdict);
        snprintf(facts->class_, sizeof facts->class_, "%s", class_ != NULL ? class_ : "");
        snprintf(facts->territory, sizeof facts->territory, "%s", questions->verdict.anchor.territory);
        snprintf(facts->status, sizeof facts->status, "%.31s", questions->verdict.anchor.status);
    } else {
        return stamp_no(verdict, CHECK_STAMP_11, NULL,
                        "there is neither a trust snapshot nor an anchor to judge the token's signer by");
    }
    const char *want = trust->want_class != NULL ? trust->want_class : tsa != NULL ? tsa->class_ : NULL;
    if (want != NULL && !class_is(facts->class_, want))
        return stamp_no(verdict, CHECK_STAMP_12, NULL, "the signer is %s at genTime, asked for was %s",
                        facts->class_[0] ? facts->class_ : "of no class", want);
    return true;
}

static bool check_time(const stamp_tstinfo *info, const stamp_expect *expect, stamp_verdict *verdict)
{
    int64_t slack_us = info->accuracy_us + expect->skew_s * 1000000;
    if (expect->sent_us != 0 && info->time_us < expect->sent_us - slack_us)
        return stamp_no(verdict, CHECK_STAMP_13, NULL, "genTime is %lld s before the request was sent",
                        (long long)((expect->sent_us - info->time_us) / 1000000));
    if (expect->received_us != 0 && info->time_us > expect->received_us + slack_us)
        return stamp_no(verdict, CHECK_STAMP_13, NULL, "genTime is %lld s after our clock",
                        (long long)((info->time_us - expect->received_us) / 1000000));
    if (expect->not_before_us != 0 && info->time_us < expect->not_before_us - expect->skew_s * 1000000)
        return stamp_no(verdict, CHECK_STAMP_14, NULL, "genTime is %lld s before the seal was made",
                        (long long)((expect->not_before_us - info->time_us) / 1000000));
    return true;
}

static void fill_name(X509 *x509, stamp_facts *facts)
{
    static const int kinds[] = {NID_commonName, NID_organizationName};
    X509_NAME *name = X509_get_subject_name(x509);
    for (size_t i = 0; i < 2 && facts->signer_name[0] == '\0'; i++) {
        int at = X509_NAME_get_index_by_NID(name, kinds[i], -1);
        unsigned char *utf8 = NULL;
        if (at >= 0 &&
            ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) > 0)
            snprintf(facts->signer_name, sizeof facts->signer_name, "%s", (const char *)utf8);
        OPENSSL_free(utf8);
    }
}

static void fill_facts(dx_bytes token, const stamp_tstinfo *info, const stamp_signer *signer, bool ess_v1,
                       stamp_facts *facts)
{
    dx_bytes serial = info->serial;
    while (serial.size > 1 && serial.data[0] == 0)
        serial = dx_bytes_part(serial, 1, serial.size);
    dx_hex(serial, facts->serial);
    if (!der_oid_text(info->policy, facts->policy, sizeof facts->policy))
        facts->policy[0] = '\0';
    facts->time_us = info->time_us;
    facts->accuracy_us = info->accuracy_us;
    facts->imprint_size = info->imprint.size;
    memcpy(facts->imprint, info->imprint.data, info->imprint.size);
    dx_sha256(token, facts->sha256);
    dx_sha256(signer->der, facts->signer_sha256);
    fill_name(signer->x509, facts);
    facts->qts_statement = info->qts_statement; /* STAMP-15 */
    facts->ess_v1 = ess_v1;
}

stamp_verdict stamp_check_token(dx_bytes token, const stamp_expect *expect, const stamp_trust *trust,
                                int64_t until_s, dx_arena *arena, stamp_facts *facts,
                                stamp_questions *questions)
{
    stamp_token opened;
    stamp_signer signer = {0};
    stamp_verdict verdict = {0};
    stamp_questions nobody_asks = {0};
    bool ess_v1 = false;
    const stamp_tsa *tsa = expect->tsa;
    *facts = (stamp_facts){0};
    if (questions == NULL)
        questions = &nobody_asks;
    *questions = (stamp_questions){0};
    verdict.ok = stamp_token_open(token, arena, &opened, &verdict) && stamp_token_info(&opened, &verdict) &&
                 check_imprint(&opened.info, expect->imprint, &verdict) &&
                 check_nonce(&opened.info, expect, &verdict) && check_policy(&opened.info, tsa, &verdict) &&
                 stamp_signer_find(&opened, tsa, &signer, &verdict) &&
                 stamp_signer_attributes(&opened, &signer, tsa != NULL ? tsa->ess_v1 : expect->ess_v1_note,
                                         &ess_v1, &verdict) &&
                 stamp_signer_signature(&opened, &signer, arena, &verdict) &&
                 stamp_signer_usage(&signer, tsa == NULL || tsa->eku_strict, &verdict) &&
                 check_trust(&opened, &signer, expect, trust, until_s, arena, questions, facts, &verdict) &&
                 check_time(&opened.info, expect, &verdict);
    if (verdict.ok)
        fill_facts(token, &opened.info, &signer, ess_v1, facts);
    else
        *facts = (stamp_facts){0};
    stamp_signer_fini(&signer);
    return verdict;
}

stamp_verdict stamp_check(dx_bytes token, const stamp_expect *expect, const stamp_trust *trust,
                          dx_arena *arena, stamp_facts *facts)
{
    return stamp_check_token(token, expect, trust, 0, arena, facts, NULL);
}
