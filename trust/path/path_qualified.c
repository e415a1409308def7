#include "trust/path/path_private.h"

#include <openssl/x509v3.h>
#include <stdio.h>

/* What a listed service makes of a certificate: level, basis, assurance (trusted-lists.md 8 and 10, TS 119
 * 615 4.4). */

#define INFO      "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/"
#define QUALIFIER "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"
#define EIDAS_S   1467331200

static bool has_info(const tlist_interval *interval, const char *info)
{
    for (uint32_t i = 0; i < interval->info_count; i++)
        if (strcmp(interval->info[i], info) == 0)
            return true;
    return false;
}

static bool names(const tlist_qualification *q, const char *qualifier)
{
    for (uint32_t k = 0; k < q->qualifier_count; k++)
        if (q->qualifiers[k] != NULL && strcmp(q->qualifiers[k], qualifier) == 0)
            return true;
    return false;
}

static bool captured(const tlist_interval *interval, dx_bytes der, const char *qualifier)
{
    for (uint32_t i = 0; i < interval->qualification_count; i++) {
        const tlist_qualification *q = &interval->qualifications[i];
        if (q->usable && names(q, qualifier) && tlist_criteria_match(q->criteria, der))
            return true;
    }
    return false;
}

/* TL-804: whom a qualifier that takes something away was meant for cannot be told, so it may be anyone. */
static bool maybe_captured(const tlist_interval *interval, const char *qualifier)
{
    for (uint32_t i = 0; i < interval->qualification_count; i++)
        if (!interval->qualifications[i].usable && names(&interval->qualifications[i], qualifier))
            return true;
    return false;
}

typedef struct {
    bool qualified, qscd;
    char type; /* 's' eseal, 'g' esign, 'w' web, '?' */
} outcome;

static const tlist_interval *interval_at(const tlist_service *s, int64_t at_s)
{
    for (uint32_t i = 0; i < s->interval_count; i++)
        if (at_s >= s->intervals[i].from_s && at_s < s->intervals[i].until_s)
            return &s->intervals[i];
    return NULL;
}

/* Steps 2 to 8 of one service at one time. False: the service says nothing about this certificate. */
static bool evaluate(const tlist_service *service, dx_bytes der, const path_statements *st, int64_t at_s,
                     outcome *out)
{
    const tlist_interval *i = interval_at(service, at_s);
    if (i == NULL || !i->usable || strstr(i->type, "/Svctype/CA/QC") == NULL ||
        strstr(i->status, "/granted") == NULL)
        return false;
    char type = st->eseal ? 's' : st->web ? 'w' : st->esign || st->compliance ? 'g' : '?';
    if ((int)st->eseal + (int)st->web + (int)st->esign > 1)
        type = '?';
    bool for_seals = has_info(i, INFO "ForeSeals"), for_signatures = has_info(i, INFO "ForeSignatures"),
         for_web = has_info(i, INFO "ForWebSiteAuthentication");
    bool q_seal = captured(i, der, QUALIFIER "QCForESeal"), q_sign = captured(i, der, QUALIFIER "QCForESig"),
         q_web = captured(i, der, QUALIFIER "QCForWSA");
    if ((int)q_seal + (int)q_sign + (int)q_web == 1)
        type = q_seal ? 's' : q_sign ? 'g' : 'w';
    if ((type == 's' && !for_seals) || (type == 'g' && !for_signatures) || (type == 'w' && !for_web))
        return false;
    bool not_qualified =
             captured(i, der, QUALIFIER "NotQualified") || maybe_captured(i, QUALIFIER "NotQualified"),
         statement = captured(i, der, QUALIFIER "QCStatement");
    out->type = type;
    out->qualified = not_qualified ? false : statement ? true : st->compliance && !st->legislation;
    if (maybe_captured(i, QUALIFIER "QCNoQSCD"))
        out->qscd = false;
    else if (captured(i, der, QUALIFIER "QCWithQSCD") || captured(i, der, QUALIFIER "QCQSCDManagedOnBehalf"))
        out->qscd = true;
    else if (captured(i, der, QUALIFIER "QCNoQSCD"))
        out->qscd = false;
    else
        out->qscd = st->sscd;
    return true;
}

static outcome at_time(const path_search *s, const path_statements *st, int64_t at_s)
{
    outcome best = {false, false, '?'};
    bool any = false;
    for (size_t i = 0; i < s->hit_count; i++) {
        outcome o;
        if (!evaluate(s->hits[i].service, s->leaf.der, st, at_s, &o))
            continue;
        if (any && (o.qualified != best.qualified || o.type != best.type))
            return (outcome){false, false, '?'}; /* TL-904: contradicting services, fail closed */
        best = o;
        any = true;
    }
    return best;
}

static void set_assurance(trust_verdict *v)
{
    static const struct {
        const char *level;
        uint8_t l, s, t;
    } rows[] = {{"q-eseal-qscd", 3, 3, 3}, {"q-eseal", 2, 3, 1},    {"eu-qtst", 3, 3, 3},
                {"q-wac", 3, 3, 1},        {"jp-eseal-2", 2, 3, 2}, {"jp-tsa", 2, 3, 2},
                {"jp-eseal-1", 1, 2, 1},   {"jp-person", 3, 3, 2},  {"jpki", 3, 3, 3},
                {"pinned", 1, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].level, v->level) == 0)
            v->assurance =
                (trust_assurance){rows[i].l, rows[i].s, rows[i].t, (uint8_t)v->anchor.origin, true};
}

void path_qualify(path_search *s)
{
    trust_verdict *v = s->out;
    path_statements st;
    const char *class_ = s->hit_count > 0 ? s->hits[0].interval->class_ : NULL;
    (void)path_statements_read(s->leaf.x, &st); /* malformed ones make nobody qualified */
    v->foreign = s->in->home_scheme != NULL && strcmp(s->in->home_scheme, v->anchor.scheme) != 0;
    snprintf(v->basis, sizeof v->basis, "%s", v->foreign ? "none" : "native");
    snprintf(v->level, sizeof v->level, "listed");
    if (class_ != NULL) { /* a Japanese service: its class, and no EU label without an enacted recognition */
        bool person = strcmp(class_, "jp-esign") == 0;
        snprintf(v->level, sizeof v->level, "%s",
                 person                                                                 ? "jp-person"
                 : strcmp(class_, "jp-jpki") == 0                                       ? "jpki"
                 : strncmp(class_, "jp-eseal", 8) == 0 || strcmp(class_, "jp-tsa") == 0 ? class_
                                                                                        : "listed");
    } else if (strstr(v->anchor.type, "QTST") != NULL) {
        snprintf(v->level, sizeof v->level, "eu-qtst");
        v->qualified = true;
    } else {
        outcome then = at_time(s, &st, v->not_before_s), now = at_time(s, &st, s->in->at_s);
        bool same = then.type == now.type;
        if (then.qualified && now.qualified && same) {
            v->qualified = v->qc_compliance = true;
            v->qscd = now.qscd;
            const char *base = now.type == 's'   ? "q-eseal"
                               : now.type == 'w' ? "q-wac"
                               : now.type == 'g' ? "q-esig"
                                                 : "listed";
            snprintf(v->level, sizeof v->level, "%s%s", base,
                     now.qscd && now.type != 'w' && now.type != '?' ? "-qscd" : "");
            snprintf(v->qc_types[0], sizeof v->qc_types[0], "%s",
                     now.type == 's'   ? "eseal"
                     : now.type == 'w' ? "web"
                                       : "esign");
        }
    }
    set_assurance(v);
}
