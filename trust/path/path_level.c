#include "trust/path/path_private.h"
#include "trust/path/path_qualified.h"

#include <stdio.h>

/* From a path to facts for policy: level, basis, recognition, assurance (trusted-lists.md 10, policy.md 10).
 */

static void copy_segment(char *out, size_t size, const char *uri)
{
    const char *slash = uri == NULL ? NULL : strrchr(uri, '/');
    snprintf(out, size, "%s", uri == NULL ? "" : slash == NULL ? uri : slash + 1);
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

/* identity.md 10.3: a certificate for seals names its organisation, and a person of an organisation seals
 * nothing. */
static bool may_seal(const trust_verdict *v)
{
    return v->org.kind == ORGANISATION_LEGAL && v->org.id[0] != '\0' && !v->org.associated;
}

void path_level(const trust_verdict *v, bool is_qualified, char type, bool qscd, char out[24])
{
    const char *base = !is_qualified                ? "listed"
                       : type == 's' && may_seal(v) ? "q-eseal"
                       : type == 'w'                ? "q-wac"
                       : type == 'g'                ? "q-esig"
                                                    : "listed";
    bool device = qscd && (strcmp(base, "q-eseal") == 0 || strcmp(base, "q-esig") == 0);
    snprintf(out, 24, "%s%s", base, device ? "-qscd" : "");
}

static void set_recognition(trust_verdict *v, const qualification *q)
{
    static const char *const words[] = {"", "enacted", "repealed"};
    snprintf(v->recognition.status, sizeof v->recognition.status, "%s", words[q->recognition]);
    snprintf(v->recognition.instrument, sizeof v->recognition.instrument, "%s",
             q->instrument == NULL ? "" : q->instrument);
    v->recognition.since_s = q->recognition_since_s;
    copy_segment(v->recognition.mapped_type, sizeof v->recognition.mapped_type, q->mapped_type);
    copy_segment(v->recognition.mapped_status, sizeof v->recognition.mapped_status, q->mapped_status);
    if (q->mapped_type != NULL && q->recognition == TLIST_MRA_ENACTED)
        snprintf(v->basis, sizeof v->basis, "mra");
}

static void qualify_certificate(trust_verdict *v, const qualification_question *question)
{
    qualification q;
    path_qualified_certificate(question, &q);
    set_recognition(v, &q);
    snprintf(v->qualification, sizeof v->qualification, "%s", q.verdict);
    snprintf(v->qualification_id, sizeof v->qualification_id, "%s", q.id == NULL ? "" : q.id);
    path_level(v, q.by != QUALIFIED_BY_NOBODY, q.type, q.qscd, v->level);
    path_level(v, q.issued.is_qualified, q.issued.type, q.issued.qscd, v->level_issued);
    if (q.good_until_s < v->good_until_s)
        v->good_until_s = q.good_until_s;
    if (strncmp(v->level, "q-", 2) != 0)
        return;
    v->qualified_by = q.by;
    v->qualified = v->qc_compliance = true;
    v->qscd = q.qscd;
    snprintf(v->qc_types[0], sizeof v->qc_types[0], "%s",
             q.type == 's'   ? "eseal"
             : q.type == 'w' ? "web"
                             : "esign");
}

static void qualify_stamp(path_search *s, const qualification_question *question)
{
    trust_verdict *v = s->out;
    int64_t proof_s = s->in->proof_s != 0 ? s->in->proof_s : s->in->at_s;
    const char *id = path_qualified_stamp(question, s->in->at_s, proof_s, &v->qualified_by);
    snprintf(v->qualification, sizeof v->qualification, "%s", id == NULL ? "QTST" : "ADES-LISTED");
    snprintf(v->qualification_id, sizeof v->qualification_id, "%s", id == NULL ? "" : id);
    v->qualified = id == NULL;
    snprintf(v->level, sizeof v->level, "%s", v->qualified ? "eu-qtst" : "listed");
    if (v->qualified_by == QUALIFIED_BY_MRA) {
        snprintf(v->basis, sizeof v->basis, "mra");
        snprintf(v->recognition.status, sizeof v->recognition.status, "enacted");
    }
}

/* A class of the source's own map names the level by itself; no EU step has a say about it. */
static bool level_of_class(trust_verdict *v, const char *class_)
{
    static const char *const levels[][2] = {{"jp-esign", "jp-person"},
                                            {"jp-jpki", "jpki"},
                                            {"jp-eseal-2", "jp-eseal-2"},
                                            {"jp-eseal-1", "jp-eseal-1"},
                                            {"jp-tsa", "jp-tsa"}};
    if (class_ == NULL)
        return false;
    snprintf(v->level, sizeof v->level, "listed");
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i][0], class_) == 0)
            snprintf(v->level, sizeof v->level, "%s", levels[i][1]);
    return true;
}

/* What the operator's own rows say of a foreign service that no agreement covers. */
static void apply_local_rows(const path_search *s, trust_verdict *v)
{
    const path_recognition_row *row =
        v->foreign && strcmp(v->basis, "none") == 0
            ? path_recognition_find(s->in->recognition, v->anchor.scheme, v->level, s->in->at_s)
            : NULL;
    if (row == NULL)
        return;
    snprintf(v->basis, sizeof v->basis, "local-policy");
    snprintf(v->recognition.status, sizeof v->recognition.status, "valid");
    snprintf(v->recognition.instrument, sizeof v->recognition.instrument, "%s", row->instrument);
    snprintf(v->recognition.treated_as, sizeof v->recognition.treated_as, "%s", row->treated_as);
    v->recognition.since_s = row->valid_from_s;
    if (row->valid_to_s < v->good_until_s)
        v->good_until_s = row->valid_to_s;
}

static void qualify(path_search *s, const cert_facts *leaf)
{
    trust_verdict *v = s->out;
    tlist_key path[PATH_MAX_CERTS];
    path_statements stated;
    (void)path_statements_read(leaf, &stated); /* malformed ones state nothing */
    for (size_t i = 0; i < v->path_count; i++) {
        path[i] = (tlist_key){s->chain[i]->der, s->chain[i]->spki, s->chain[i]->subject, {0}};
        memcpy(path[i].sha256, s->chain[i]->sha256, 32);
    }
    const qualification_question question = {.snapshot = s->in->snapshot,
                                             .path = path,
                                             .path_count = v->path_count,
                                             .stated = &stated,
                                             .web_policy = cert_has_policy(leaf, "0.4.0.194112.1.4") ||
                                                           cert_has_policy(leaf, "0.4.0.194112.1.5"),
                                             .not_before_s = v->not_before_s,
                                             .at_s = s->in->at_s,
                                             .trace = s->in->trace};
    for (unsigned i = 0; i < stated.qc.legislation_count; i++)
        memcpy(v->qc_legislation[i], stated.qc.legislation[i], 3);
    /* A partner's service may stand in its own scheme's list too: an enacted recognition speaks first. */
    bool partner = false;
    for (size_t i = 0; i < s->hit_count; i++)
        partner |= tlist_is_partner(s->hits[i].service->list);
    if (!partner && level_of_class(v, s->hits[0].interval->class_))
        return;
    if (s->in->profile == PATH_TSU)
        qualify_stamp(s, &question);
    else
        qualify_certificate(v, &question);
    for (size_t i = 0; i < s->hit_count && v->qualified_by == QUALIFIED_BY_NOBODY; i++)
        if (level_of_class(v, s->hits[i].interval->class_))
            break;
}

void path_qualify(path_search *s)
{
    trust_verdict *v = s->out;
    if (s->hit_count == 0)
        return; /* an anchor that somebody named has no level of a list */
    v->foreign = s->in->home_scheme != NULL && strcmp(s->in->home_scheme, v->anchor.scheme) != 0;
    snprintf(v->basis, sizeof v->basis, "%s", v->foreign ? "none" : "native");
    qualify(s, &s->leaf.facts);
    apply_local_rows(s, v);
    set_assurance(v);
}
