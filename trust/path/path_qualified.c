#include "trust/path/path_qualified.h"

/* TS 119 615 4.4 and 4.5 in steps (trusted-lists.md 8): each step drops services or ends with its id. */

#define SVCTYPE   "http://uri.etsi.org/TrstSvc/Svctype/"
#define SVCSTATUS "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"
#define INFO      "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/"
#define EIDAS_S   1467331200 /* 2016-07-01T00:00:00Z: Regulation (EU) 910/2014 Art. 52 */

const char *path_qualified_text(const char *id, const char **clause)
{
    static const struct {
        const char *id, *clause, *text;
    } rows[] = {
#define Q(number, clause, text) {"TL-" #number, clause, text},
#include "trust/path/path_qualified_table.h"
#undef Q
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].id, id) == 0) {
            *clause = rows[i].clause;
            return rows[i].text;
        }
    return NULL;
}

typedef struct {
    const qualification_question *question;
    int64_t at_s;
    path_listed_service candidates[LISTED_SERVICES_MAX];
    size_t count;
} moment;

static void say(const moment *m, const char *id, unsigned step, const path_listed_service *c,
                const char *text)
{
    char at[DX_TIME_SIZE];
    dx_time_print(m->at_s, at);
    if (c == NULL)
        path_trace_step(m->question->trace, id, "at %s step %u: %s", at, step, text);
    else
        path_trace_step(m->question->trace, id, "at %s step %u, %s/%s sequence %llu, %.60s: %s", at, step,
                        c->service->list->scheme, c->service->list->territory,
                        (unsigned long long)c->service->list->sequence, c->service->name, text);
}

static bool has_info(const path_listed_service *c, const char *info)
{
    for (uint32_t i = 0; i < c->info_count; i++)
        if (strcmp(c->info[i], info) == 0)
            return true;
    return false;
}

/* Of the certificate by its own words: QcCompliance alone means signatures, several types are none. */
static char stated_type(const tlist_statements *st)
{
    switch (st->types) {
    case TLIST_BIT(TLIST_QCTYPE_ESEAL):
        return 's';
    case TLIST_BIT(TLIST_QCTYPE_WEB):
        return 'w';
    case TLIST_BIT(TLIST_QCTYPE_ESIGN):
        return 'g';
    case 0:
        return st->statements & TLIST_BIT(TLIST_QC_COMPLIANCE) ? 'g' : '?';
    default:
        return '?';
    }
}

/* Exactly one QCForXXX overrules the certificate; more than one leave it open; none: 0. */
static char ruled_type(const path_listed_service *c, dx_bytes leaf)
{
    bool seal = path_captured(c, leaf, "QCForESeal"), sign = path_captured(c, leaf, "QCForESig"),
         web = path_captured(c, leaf, "QCForWSA");
    int count = (int)seal + (int)sign + (int)web;
    return count == 0 ? 0 : count > 1 ? '?' : seal ? 's' : sign ? 'g' : 'w';
}

static bool covers(const path_listed_service *c, char type, dx_bytes leaf)
{
    return type == 's'   ? has_info(c, INFO "ForeSeals")
           : type == 'w' ? has_info(c, INFO "ForWebSiteAuthentication")
           : type == 'g' ? has_info(c, INFO "ForeSignatures") && !path_captured(c, leaf, "QCForLegalPerson")
                         : true;
}

/* Steps 2 and 3: services that issue such certificates at all. */
static bool step_keeps(const moment *m, const path_listed_service *c)
{
    dx_bytes leaf = m->question->path[0].der;
    if (strcmp(c->type, SVCTYPE "CA/QC") != 0 || c->by == QUALIFIED_BY_NOBODY) {
        say(m, "TL-902", 2, c, "not a CA/QC service of EU law");
        return false;
    }
    char ruled = ruled_type(c, leaf), type = ruled == 0 || ruled == '?' ? stated_type(&c->stated) : ruled;
    if (m->question->not_before_s >= EIDAS_S && !covers(c, type, leaf)) {
        say(m, "TL-903", 3, c, "the service is not for certificates of that type");
        return false;
    }
    return true;
}

static bool is_old(const path_listed_service *c)
{
    return c->interval->from_s < EIDAS_S;
}

/* Step 8. What is said both ways is not said. */
static bool step_qscd(const path_listed_service *c, dx_bytes leaf)
{
    bool yes = is_old(c)
                   ? path_captured(c, leaf, "QCWithSSCD")
                   : path_captured(c, leaf, "QCWithQSCD") || path_captured(c, leaf, "QCQSCDManagedOnBehalf");
    const char *none = is_old(c) ? "QCNoSSCD" : "QCNoQSCD";
    if (path_captured(c, leaf, none) || path_maybe_captured(c, none))
        return false;
    return yes || (c->stated.statements & TLIST_BIT(TLIST_QC_SSCD)) != 0;
}

typedef enum { STEPS_DROP, STEPS_DONE } steps_answer;

/* Steps 5 to 8 of one service. */
static steps_answer steps_of(const moment *m, const path_listed_service *c, qualification_moment *out)
{
    dx_bytes leaf = m->question->path[0].der;
    *out = (qualification_moment){.listed = true, .type = '?', .by = c->by};
    if (!c->status_valid || (strcmp(c->status, SVCSTATUS "granted") != 0 && !is_old(c))) {
        out->id = "TL-905";
        say(m, out->id, 5, c, "the service is not granted");
        return STEPS_DONE;
    }
    bool no = path_captured(c, leaf, "NotQualified"), yes = path_captured(c, leaf, "QCStatement");
    if (no && yes) {
        say(m, "TL-906", 6, c, "the list says both that it is and that it is not");
        return STEPS_DROP;
    }
    out->is_qualified = !no && !path_maybe_captured(c, "NotQualified") &&
                        (yes || ((c->stated.statements & TLIST_BIT(TLIST_QC_COMPLIANCE)) != 0 &&
                                 (c->stated.statements & TLIST_BIT(TLIST_QC_LEGISLATION)) == 0));
    if (!out->is_qualified) {
        out->id = "TL-906";
        say(m, out->id, 6, c, no ? "the list says NotQualified" : "no QcCompliance under EU law");
        return STEPS_DONE;
    }
    char ruled = ruled_type(c, leaf);
    out->type = is_old(c) ? 'g' : ruled != 0 ? ruled : stated_type(&c->stated);
    out->qscd = step_qscd(c, leaf);
    say(m, "", 8, c,
        out->type == 's'   ? out->qscd ? "seal, QSCD" : "seal"
        : out->type == 'g' ? out->qscd ? "signature, QSCD" : "signature"
        : out->type == 'w' ? "web site"
                           : "of a type that is not known");
    return STEPS_DONE;
}

static bool same(const qualification_moment *a, const qualification_moment *b)
{
    return a->is_qualified == b->is_qualified && a->type == b->type && a->qscd == b->qscd &&
           (a->id == NULL ? b->id == NULL : b->id != NULL && strcmp(a->id, b->id) == 0);
}

static qualification_moment ends(const moment *m, bool listed, const char *id, unsigned step,
                                 const char *text)
{
    say(m, id, step, NULL, text);
    return (qualification_moment){.listed = listed, .type = '?', .id = id};
}

static qualification_moment at_time(const qualification_question *question, int64_t at_s,
                                    qualification *whole)
{
    moment m = {.question = question, .at_s = at_s};
    qualification_moment result = {0}, next;
    bool any = false, issues = false;
    m.count = path_listed_services(question, TLIST_ISSUER, at_s, m.candidates, whole);
    if (m.count == 0)
        return ends(&m, false, "TL-901", 1, "no listed service speaks of this path");
    for (size_t i = 0; i < m.count; i++) {
        const path_listed_service *c = &m.candidates[i];
        issues |= strcmp(c->type, SVCTYPE "CA/QC") == 0 && c->by != QUALIFIED_BY_NOBODY;
        if (!step_keeps(&m, c) || steps_of(&m, c, &next) == STEPS_DROP)
            continue;
        if (any && !same(&result, &next))
            return ends(&m, true, "TL-904", 4, "services contradict each other");
        result = next;
        any = true;
    }
    if (!any)
        return ends(&m, true, issues ? "TL-903" : "TL-902", issues ? 3 : 2, "no service is left");
    return result;
}

static const char *verdict_of(const qualification *q)
{
    if (!q->now.listed && !q->issued.listed)
        return "UNLISTED";
    if (q->by == QUALIFIED_BY_NOBODY)
        return "ADES-LISTED";
    return q->type == 's'   ? q->qscd ? "Q-ESEAL-QSCD" : "Q-ESEAL"
           : q->type == 'g' ? q->qscd ? "Q-ESIG-QSCD" : "Q-ESIG"
                            : "Q-WAC";
}

void path_qualified_certificate(const qualification_question *question, qualification *out)
{
    *out = (qualification){.good_until_s = INT64_MAX, .type = '?'};
    out->issued = at_time(question, question->not_before_s, out);
    out->now = at_time(question, question->at_s, out);
    const qualification_moment *a = &out->issued, *b = &out->now;
    out->id = b->id != NULL ? b->id : a->id;
    if (a->is_qualified && b->is_qualified) {
        out->type = a->type == b->type ? a->type : '?';
        out->qscd = b->qscd && out->type != 'w';
        if (out->type == '?' || a->by != b->by)
            out->id = "TL-907";
        else if (out->type == 'w' && !question->web_policy)
            out->id = "TL-906";
        else
            out->by = b->by;
    }
    if (a->is_qualified != b->is_qualified || (out->id != NULL && strcmp(out->id, "TL-907") == 0))
        path_trace_step(question->trace, "TL-907", "step 9: issuance and control time differ");
    if (out->by == QUALIFIED_BY_NOBODY)
        out->qscd = false;
    out->verdict = verdict_of(out);
}

const char *path_qualified_stamp(const qualification_question *question, int64_t gen_s, int64_t proof_s,
                                 qualification_by *by)
{
    int64_t times[] = {gen_s, proof_s};
    *by = QUALIFIED_BY_NOBODY;
    qualification_by seen[2] = {QUALIFIED_BY_NOBODY, QUALIFIED_BY_NOBODY};
    for (size_t t = 0; t < 2; t++) {
        moment m = {.question = question, .at_s = times[t]};
        qualification whole = {.good_until_s = INT64_MAX};
        m.count = path_listed_services(question, TLIST_STAMP, times[t], m.candidates, &whole);
        for (size_t i = 0; i < m.count && seen[t] == QUALIFIED_BY_NOBODY; i++) {
            const path_listed_service *c = &m.candidates[i];
            if (strcmp(c->type, SVCTYPE "TSA/QTST") == 0 && c->status_valid &&
                strcmp(c->status, SVCSTATUS "granted") == 0)
                seen[t] = c->by;
            if (seen[t] != QUALIFIED_BY_NOBODY)
                say(&m, "", 1, c, "a granted QTST service");
        }
        if (seen[t] == QUALIFIED_BY_NOBODY) {
            say(&m, "TL-921", 1, NULL, "no granted QTST service speaks of this unit");
            return "TL-921";
        }
    }
    *by = seen[0] == seen[1] ? seen[0] : QUALIFIED_BY_MRA;
    return NULL;
}
