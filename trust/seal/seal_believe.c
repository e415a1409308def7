/* Step 6 of seal_check, and the last one: whose certificate is it, may it seal, who vouches for it, did it
 * hold at the proven time? */
#include "trust/seal/seal_judge.h"

#include "trust/base/clock.h"
#include "trust/base/digest.h"

#include <stdio.h>
#include <stdlib.h>

static bool keyid_is(dx_bytes der, dx_bytes keyid)
{
    uint8_t sha256[32];
    char text[DX_BASE64URL_SIZE(32)];
    dx_sha256(der, sha256);
    dx_base64url(dx_bytes_of(sha256, 32), text);
    return dx_bytes_is(keyid, text);
}

/* x5t#o and sigX5ts, in foreign files only. */
static bool refers_to(const seal_judge *j, dx_bytes der)
{
    uint8_t hash[64];
    size_t size = 0;
    if (!j->has_jws || j->jws.reference == JADES_REF_X5T_S256)
        return keyid_is(der, j->keyid);
    return seal_hash(j->jws.x5t_o_alg, der, hash, &size) &&
           dx_bytes_equal(dx_bytes_of(hash, size), j->jws.x5t_o);
}

static bool find(seal_judge *j)
{
    dx_bytes found = {0};
    for (size_t i = 0; i < j->spec->certificate_count && found.data == NULL; i++)
        if (refers_to(j, j->spec->certificates[i]))
            found = j->spec->certificates[i];
    if (j->has_jws && j->jws.x5c_count != 0) {
        seal_certificate *leaf = NULL;
        if (!refers_to(j, j->jws.x5c[0]) || seal_certificate_open(j->jws.x5c[0], &leaf, NULL).code != DX_OK)
            return seal_report_no(&j->report, "SEAL-25",
                                  "x5c does not begin with the certificate that is referred to");
        seal_certificate_close(leaf);
        found = j->jws.x5c[0];
    }
    if (found.data == NULL || seal_certificate_open(found, &j->certificate, NULL).code != DX_OK)
        return seal_report_no(&j->report, "SEAL-40", "no certificate is known for keyid " DX_TEXT_FMT,
                              DX_TEXT_ARG(dx_bytes_part(j->keyid, 0, 64)));
    return seal_report_ok(&j->report, "SEAL-40", NULL);
}

/* With anchors: what the certificate itself says of its holder, read as everywhere. */
static void signer_of_certificate(seal_judge *j)
{
    int64_t from_s, until_s;
    organisation *org = &j->report.verdict->signer;
    if (path_claims(j->certificate->der, org, &from_s, &until_s, NULL).code != DX_OK)
        *org = (organisation){0};
}

static bool organisation_is(seal_judge *j)
{
    const char *id = j->report.verdict->signer.id;
    if (j->spec->organisation == NULL)
        return true;
    if (strcmp(id, j->spec->organisation) != 0)
        return seal_report_no(&j->report, "SEAL-42", "the seal is of %s, not of %s",
                              id[0] == 0 ? "no organisation" : id, j->spec->organisation);
    return seal_report_ok(&j->report, "SEAL-42", NULL);
}

/* Certificates that may stand between leaf and anchor. */
static size_t others(const seal_judge *j, dx_bytes **out)
{
    size_t count = 0, max = j->spec->certificate_count + j->jws.x5c_count;
    *out = DX_ARENA_ARRAY(j->arena, dx_bytes, max + 1);
    if (*out == NULL)
        return 0;
    for (size_t i = 1; i < j->jws.x5c_count; i++)
        (*out)[count++] = j->jws.x5c[i];
    for (size_t i = 0; i < j->spec->certificate_count; i++)
        (*out)[count++] = j->spec->certificates[i];
    return count;
}

/* ---- by the trust snapshot ---- */

static bool judged_no(seal_judge *j, const trust_verdict *v, int64_t at_s)
{
    long number = strlen(v->id) > 3 ? strtol(v->id + 3, NULL, 10) : 0;
    const char *id = "SEAL-43", *sub = NULL;
    if (number == 203) {
        id = "SEAL-46";
        sub = j->created_s < j->certificate->not_before_s ? "NOT_YET_VALID" : NULL;
    } else if (number == 204) {
        id = "SEAL-46";
        sub = j->created_s > j->certificate->not_after_s ? "EXPIRED" : "OUT_OF_BOUNDS_NO_POE";
    } else if (number == 213 || number == 214 || number == 217) {
        id = "SEAL-41";
    } else if (number >= 300 && number < 400) {
        id = "SEAL-44";
    } else if (number >= 400 && number < 500) {
        id = "SEAL-45";
        sub = v->kind == TRUST_KIND_UNKNOWN                  ? "TRY_LATER"
              : v->revocation[0].state != REVOCATION_REVOKED ? "REVOKED_CA_NO_POE"
              : v->revocation[0].revoked_s <= j->created_s   ? "REVOKED"
                                                             : "REVOKED_NO_POE";
    } else if (number >= 500 && number < 600) {
        id = "SEAL-42";
    }
    char time[DX_TIME_SIZE];
    dx_time_print(at_s, time);
    if (sub != NULL)
        return seal_report_no_as(&j->report, id, sub, "%s at %s: %s", v->id, time, v->reason);
    return seal_report_no(&j->report, id, "%s at %s: %s", v->id, time, v->reason);
}

static bool judge_at(seal_judge *j, int64_t at_s, bool with_revocation)
{
    dx_bytes *presented;
    size_t count = others(j, &presented);
    revocation_question questions[PATH_MAX_CERTS];
    size_t question_count = 0;
    trust_verdict *v = DX_ARENA_NEW(j->arena, trust_verdict);
    dx_why why = {0};
    const path_input input = {.leaf = j->certificate->der,
                              .presented = presented,
                              .presented_count = count,
                              .snapshot = j->spec->snapshot,
                              .profile = PATH_SEAL,
                              .at_s = at_s,
                              .evidence = j->spec->evidence,
                              .revocation_off = !with_revocation || j->spec->revocation_off};
    if (v == NULL || j->spec->judge == NULL ||
        path_judge(j->spec->judge, &input, j->arena, v, questions, &question_count, &why).code != DX_OK)
        return seal_report_no_as(&j->report, "SEAL-43", "CERTIFICATE_CHAIN_GENERAL_FAILURE",
                                 "the path could not be judged: %s", why.text);
    j->report.verdict->certificate = v;
    j->report.verdict->signer = v->org;
    return v->answer == TRUST_YES || judged_no(j, v, at_s);
}

/* ---- the step ---- */

static bool path_by_anchors(seal_judge *j)
{
    dx_bytes *between;
    size_t count = others(j, &between);
    seal_path_answer answer = seal_certificate_path(j->certificate, j->spec, between, count, j->created_s,
                                                    &j->revocation, &j->revoked_s);
    if (answer == SEAL_PATH_WEAK)
        return seal_report_no(&j->report, "SEAL-24",
                              "a certificate has an algorithm or a key that is not accepted");
    if (answer != SEAL_PATH_OK)
        return seal_report_no(&j->report, "SEAL-43", "no path leads to one of the given anchors");
    return seal_report_ok(&j->report, "SEAL-43", NULL);
}

static bool not_the_tls_key(seal_judge *j)
{
    seal_certificate *tls = NULL;
    if (j->spec->tls_certificate.size == 0)
        return true;
    if (seal_certificate_open(j->spec->tls_certificate, &tls, NULL).code != DX_OK)
        return seal_report_no_as(&j->report, "SEAL-47", "CERTIFICATE_CHAIN_GENERAL_FAILURE",
                                 "the TLS certificate cannot be read");
    bool same = dx_bytes_equal(tls->spki, j->certificate->spki);
    seal_certificate_close(tls);
    return same ? seal_report_no(&j->report, "SEAL-47", "the seal key is the peer's TLS key")
                : seal_report_ok(&j->report, "SEAL-47", NULL);
}

bool seal_step_certificate(seal_judge *j)
{
    if (!find(j))
        return false;
    if (!j->certificate->usage_ok)
        return seal_report_no(&j->report, "SEAL-41",
                              "key usage has neither digitalSignature nor nonRepudiation");
    seal_report_ok(&j->report, "SEAL-41", NULL);
    signer_of_certificate(j);
    if (!organisation_is(j))
        return false;
    if (j->spec->snapshot == NULL) {
        if (!path_by_anchors(j))
            return false;
    } else {
        /* what stage_inspect asks is judged once, at now; else path and service first, revocation at the
         * proven time */
        bool now = j->spec->inspect_now;
        if (!judge_at(j, now ? j->spec->at_s : j->created_s, now) || !organisation_is(j))
            return false;
        seal_report_ok(&j->report, "SEAL-43", NULL);
        seal_report_ok(&j->report, "SEAL-44", NULL);
    }
    if (!not_the_tls_key(j))
        return false;
    j->proven_s = j->spec->at_s;
    return !j->spec->inspect_now || seal_step_lifetime(j);
}

static bool lifetime_by_anchors(seal_judge *j)
{
    const seal_certificate *c = j->certificate;
    if (!j->spec->revocation_off) {
        if (j->revocation == SEAL_REVOCATION_REVOKED && j->revoked_s <= j->created_s)
            return seal_report_no(&j->report, "SEAL-45", "revoked before the seal was made");
        if (j->revocation == SEAL_REVOCATION_REVOKED && j->revoked_s <= j->proven_s)
            return seal_report_no_as(&j->report, "SEAL-45", "REVOKED_NO_POE",
                                     "revoked since, and nothing proves that the seal existed before");
        if (j->revocation ==
            SEAL_REVOCATION_UNKNOWN) /* who names anchors names the CRLs that are to be asked */
            seal_report_note(&j->report, "SEAL-45", "not judged: none of the given CRLs is of the issuer");
        else
            seal_report_ok(&j->report, "SEAL-45", NULL);
    }
    if (j->created_s > c->not_after_s)
        return seal_report_no(&j->report, "SEAL-46", "the certificate had ended when the seal was made");
    if (j->created_s < c->not_before_s)
        return seal_report_no_as(&j->report, "SEAL-46", "NOT_YET_VALID",
                                 "the certificate was not valid yet when the seal was made");
    if (j->proven_s > c->not_after_s)
        return seal_report_no_as(
            &j->report, "SEAL-46", "OUT_OF_BOUNDS_NO_POE",
            "the certificate has ended since, and nothing proves that the seal existed before");
    return seal_report_ok(&j->report, "SEAL-46", NULL);
}

/* `exp` is among the parameters that crit may name, so it binds; named or not, it is the sealer's own word.
 */
static bool not_over(seal_judge *j)
{
    return !j->has_jws || !j->jws.has_exp || j->proven_s < j->jws.exp_s ||
           seal_report_no_as(&j->report, "SEAL-22", "SIG_CONSTRAINTS_FAILURE",
                             "exp has passed, and nothing proves that the seal existed before");
}

bool seal_step_lifetime(seal_judge *j)
{
    if (!not_over(j))
        return false;
    if (j->spec->snapshot == NULL)
        return lifetime_by_anchors(j);
    /* step 6 has judged at now already when stage_inspect asks */
    if (!j->spec->inspect_now && !judge_at(j, j->proven_s, true))
        return false;
    return seal_report_ok(&j->report, "SEAL-45", NULL) && seal_report_ok(&j->report, "SEAL-46", NULL);
}
