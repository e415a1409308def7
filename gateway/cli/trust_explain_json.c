#include "gateway/cli/trust_explain.h"

#include <stdio.h>

/* The same story as one JSON object. Members that have no value stay out. */

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

static void put(json_t *to, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_object_set_new(to, name, json_string(text));
}

static void put_time(json_t *to, const char *name, int64_t unix_s)
{
    char text[DX_TIME_SIZE];
    if (unix_s == 0 || unix_s == INT64_MAX)
        return;
    dx_time_print(unix_s, text);
    put(to, name, text);
}

static void put_hex(json_t *to, const char *name, const uint8_t sha256[32])
{
    char hex[DX_HEX_SIZE(32)];
    dx_hex(dx_bytes_of(sha256, 32), hex);
    put(to, name, hex);
}

static void put_number(json_t *to, const char *name, uint64_t number)
{
    json_object_set_new(to, name, json_integer((json_int_t)number));
}

static json_t *tell_certificate(const trust_explanation *e)
{
    static const char *const types[] = {"", "esign", "eseal", "web"};
    const organisation *org = &e->verdict->org;
    json_t *c = json_object(), *statements = json_object(), *t = json_array(), *law = json_array();
    if (org->kind == ORGANISATION_PERSON) {
        put(c, "kind", "person");
    } else {
        put(c, "kind", "organisation");
        put_hex(c, "sha256", e->facts.sha256);
        put(c, "organisation", org->name);
        put(c, "organisation_id", org->id);
        put(c, "scheme", org->scheme);
        put(c, "country", org->country);
        put_time(c, "not_before", e->facts.from_s);
        put_time(c, "not_after", e->facts.until_s);
    }
    for (unsigned i = 1; i <= TLIST_QCTYPE_WEB; i++)
        if (e->stated.qc.types & TLIST_BIT(i))
            json_array_append_new(t, json_string(types[i]));
    for (unsigned i = 0; i < e->stated.qc.legislation_count; i++)
        json_array_append_new(law, json_string(e->stated.qc.legislation[i]));
    json_object_set_new(statements, "compliance",
                        json_boolean(e->stated.qc.statements & TLIST_BIT(TLIST_QC_COMPLIANCE)));
    json_object_set_new(statements, "qscd", json_boolean(e->stated.qc.statements & TLIST_BIT(TLIST_QC_SSCD)));
    json_object_set_new(statements, "type", t);
    json_object_set_new(statements, "legislation", law);
    json_object_set_new(c, "statements", statements);
    return c;
}

static json_t *tell_listed(const tlist_hit *hit)
{
    json_t *l = json_object();
    const tlist_facts *f = hit->service->list;
    put(l, "scheme", f->scheme);
    put(l, "territory", f->territory);
    put_number(l, "sequence", f->sequence);
    put(l, "origin", tlist_origin_text(f->origin));
    put(l, "service", hit->service->name);
    put(l, "provider", hit->service->provider);
    put(l, "type", last_segment(hit->service->intervals[0].type));
    if (hit->interval != NULL) {
        put(l, "status", last_segment(hit->interval->status));
        put_time(l, "since", hit->interval->from_s);
        put_time(l, "until", hit->interval->until_s);
    }
    put(l, "id", hit->id);
    put(l, "clause", hit->clause);
    put(l, "reason", hit->reason);
    return l;
}

static json_t *tell_path(const trust_explanation *e)
{
    json_t *path = json_array();
    for (size_t i = 0; i < e->path_count; i++) {
        tlist_hit hits[4];
        const tlist_hit *hit = trust_explanation_listed(e, i, hits);
        json_t *one = json_object();
        if (i > 0 || e->verdict->org.kind != ORGANISATION_PERSON)
            put_hex(one, "sha256", e->path[i].sha256);
        if (hit != NULL)
            json_object_set_new(one, "listed", tell_listed(hit));
        json_array_append_new(path, one);
    }
    return path;
}

static json_t *tell_tried(const path_trace *trace)
{
    json_t *tried = json_array();
    for (size_t i = 0; i < trace->tried_count; i++) {
        const path_tried *t = &trace->tried[i];
        json_t *one = json_object();
        put_hex(one, "sha256", t->sha256);
        put_number(one, "depth", t->depth);
        json_object_set_new(one, "anchor", json_boolean(t->anchor));
        put(one, "id", t->id);
        put(one, "text", t->text);
        json_array_append_new(tried, one);
    }
    return tried;
}

static json_t *tell_steps(const path_trace *trace)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < trace->step_count; i++) {
        const path_step *s = &trace->steps[i];
        const char *clause = NULL;
        json_t *one = json_object();
        put(one, "id", s->id);
        if (path_qualified_text(s->id, &clause) != NULL || path_check_text(s->id, &clause) != NULL)
            put(one, "clause", clause);
        put(one, "text", s->text);
        json_array_append_new(steps, one);
    }
    return steps;
}

static json_t *tell_revocation(const trust_explanation *e)
{
    static const char *const states[] = {"unknown", "good", "revoked"};
    static const char *const vias[] = {"none", "ocsp", "crl", "rule"};
    json_t *all = json_array();
    for (size_t i = 0; i + 1 < e->verdict->path_count; i++) {
        const revocation_view *r = &e->verdict->revocation[i];
        json_t *one = json_object();
        put(one, "state", states[r->state]);
        put(one, "via", vias[r->via]);
        put_time(one, "this_update", r->this_update_s);
        put_time(one, "next_update", r->next_update_s);
        put_time(one, "produced", r->produced_s);
        put_time(one, "revoked", r->state == REVOCATION_REVOKED ? r->revoked_s : 0);
        if (r->via == REVOCATION_VIA_OCSP || r->via == REVOCATION_VIA_CRL)
            put_hex(one, "evidence_sha256", r->evidence_sha256);
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *tell_recognition(const trust_verdict *v)
{
    json_t *r = json_object();
    put(r, "basis", v->basis);
    json_object_set_new(r, "foreign", json_boolean(v->foreign));
    put(r, "status", v->recognition.status);
    put_time(r, "since", v->recognition.since_s);
    put(r, "instrument", v->recognition.instrument);
    put(r, "treated_as", v->recognition.treated_as);
    put(r, "mapped_type", v->recognition.mapped_type);
    put(r, "mapped_status", v->recognition.mapped_status);
    return r;
}

json_t *trust_explain_json(const trust_explanation *e)
{
    const trust_verdict *v = e->verdict;
    char label[PATH_LABEL_SIZE];
    const char *answer = trust_explanation_answer(e);
    json_t *o = json_object();
    put(o, "answer", strcmp(answer, "YES") == 0 ? "yes" : strcmp(answer, "NO") == 0 ? "no" : "unknown");
    json_object_set_new(o, "revocation_judged", json_boolean(e->asked));
    put(o, "id", v->id);
    put(o, "clause", v->clause);
    put(o, "reason", trust_explanation_reason(e));
    put(o, "slug", v->slug);
    put_time(o, "at", e->input->at_s);
    put(o, "purpose", e->purpose);
    put_hex(o, "snapshot", v->snapshot_id);
    put_number(o, "epoch", v->epoch);
    put_time(o, "good_until", v->good_until_s);
    if (e->readable)
        json_object_set_new(o, "certificate", tell_certificate(e));
    json_object_set_new(o, "path", tell_path(e));
    json_object_set_new(o, "tried", tell_tried(e->input->trace));
    json_object_set_new(o, "revocation", tell_revocation(e));
    put(o, "level", e->now);
    put(o, "level_issued", e->issued);
    put(o, "level_id", e->why);
    json_object_set_new(o, "steps", tell_steps(&e->steps));
    if (v->level[0] != '\0') {
        path_label(v, label);
        put(o, "label", label);
        json_object_set_new(o, "recognition", tell_recognition(v));
    }
    if (v->assurance.known)
        json_object_set_new(o, "assurance",
                            json_pack("{s:i,s:i,s:i,s:i}", "l", v->assurance.l, "s", v->assurance.s, "t",
                                      v->assurance.t, "r", v->assurance.r));
    put(o, "remarks", v->remarks);
    put(o, "remedy", trust_explanation_remedy(v, e->asked));
    json_object_set_new(o, "cost",
                        json_pack("{s:i,s:i,s:i}", "us", (int)v->cost_us, "signatures", (int)v->signatures,
                                  "nodes", (int)v->nodes));
    return o;
}
