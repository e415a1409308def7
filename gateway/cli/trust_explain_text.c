#include "gateway/cli/trust_explain.h"

#include <stdio.h>

/* The story in lines, one heading each (identity.md 14). */

static const char *last_segment(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

static void print_time(const char *before, int64_t unix_s)
{
    char text[DX_TIME_SIZE];
    if (unix_s == INT64_MAX)
        snprintf(text, sizeof text, "no end");
    else
        dx_time_print(unix_s, text);
    printf("%s%s", before, text);
}

static void print_hex(const uint8_t *sha256)
{
    char hex[DX_HEX_SIZE(32)];
    dx_hex(dx_bytes_of(sha256, 32), hex);
    printf("%.12s..", hex);
}

static void print_heading(const trust_explanation *e)
{
    const trust_verdict *v = e->verdict;
    printf("answer       %s  %s%s%s\n", trust_explanation_answer(e), v->id, v->id[0] ? "  " : "",
           trust_explanation_reason(e));
    printf("clause       %s\n", v->clause);
    print_time("at           ", e->input->at_s);
    printf(" (%s)   purpose %s   snapshot ", e->at_given ? "given" : "now", e->purpose);
    print_hex(v->snapshot_id);
    printf("  epoch %llu\n", (unsigned long long)v->epoch);
}

static void print_statements(const path_statements *s)
{
    static const char *const words[] = {"",     "compliance", "limit", "retention",
                                        "qscd", "pds",        "",      "legislation"};
    static const char *const types[] = {"", "esign", "eseal", "web"};
    const char *between = "  qc: ";
    for (unsigned i = 1; i <= TLIST_QC_LAST; i++)
        if (words[i][0] != '\0' && (s->qc.statements & TLIST_BIT(i))) {
            printf("%s%s", between, words[i]);
            between = ", ";
        }
    for (unsigned i = 1; i <= TLIST_QCTYPE_WEB; i++)
        if (s->qc.types & TLIST_BIT(i)) {
            printf("%s%s", between, types[i]);
            between = ", ";
        }
    for (unsigned i = 0; i < s->qc.legislation_count; i++)
        printf("%s%s", i == 0 ? " of " : " ", s->qc.legislation[i]);
    if (s->limit[0] != '\0')
        printf("  limit %s", s->limit);
    if (s->psd2)
        printf("  psd2 authority " DX_TEXT_FMT, DX_TEXT_ARG(s->psd2_nca));
}

static void print_certificate(const trust_explanation *e)
{
    const organisation *org = &e->verdict->org;
    char alike[ORGANISATION_ID_MAX + 1];
    printf("certificate  ");
    if (!e->readable) {
        printf("cannot be read\n");
        return;
    }
    if (org->kind == ORGANISATION_PERSON) {
        printf("of a natural person; its particulars are not shown\n");
        return;
    }
    print_hex(e->facts.sha256);
    printf("  O=%s  id %s (%s, %s)", org->name, org->id[0] ? org->id : "none",
           org->scheme[0] ? org->scheme : "-", org->country[0] ? org->country : "-");
    print_statements(&e->stated);
    printf("\n");
    if (organisation_id_alike(org->id, alike))
        printf("             the same organisation as %s\n", alike);
}

static void print_listed(const trust_explanation *e, size_t i)
{
    tlist_hit hits[4];
    const tlist_hit *hit = trust_explanation_listed(e, i, hits);
    if (hit == NULL)
        return;
    const tlist_facts *l = hit->service->list;
    const tlist_interval *n = hit->interval;
    printf("  list %s/%s seq %llu, %s", l->scheme, l->territory, (unsigned long long)l->sequence,
           last_segment(hit->service->intervals[0].type));
    if (n == NULL) {
        print_time(", no status before ", hit->service->intervals[hit->service->interval_count - 1].from_s);
    } else {
        printf(", %s", last_segment(n->status));
        print_time(" since ", n->from_s);
        if (n->until_s != INT64_MAX)
            print_time(" until ", n->until_s);
        for (uint32_t k = 0; k + 1 < hit->service->interval_count; k++)
            if (&hit->service->intervals[k] == n) {
                printf(", was %s", last_segment(hit->service->intervals[k + 1].status));
                print_time(" since ", hit->service->intervals[k + 1].from_s);
            }
    }
    printf("\n             %s of %s; origin %s\n", hit->service->name, hit->service->provider,
           tlist_origin_text(l->origin));
}

static void print_path(const trust_explanation *e)
{
    bool person = e->verdict->org.kind == ORGANISATION_PERSON;
    for (size_t i = 0; i < e->path_count; i++) {
        cert_facts f;
        tlist_hit hits[4];
        bool listed = trust_explanation_listed(e, i, hits) != NULL;
        if ((i == 0 && person) || !cert_facts_read(e->path[i].der, &f))
            continue;
        printf("%s%zu      ", i == (size_t)person ? "path  " : "      ", i);
        print_hex(f.sha256);
        printf("  %s", i == 0 && !listed ? "leaf" : listed ? "ANCHOR" : "issuer");
        print_time("  valid ", f.from_s);
        print_time(" .. ", f.until_s);
        dx_bytes usages = f.ext_key_usage.value, oid;
        for (unsigned k = 0; i == 0 && k < 8 && cert_oid_next(&usages, &oid); k++) {
            char text[64];
            printf("%s%s", k == 0 ? "  EKU " : " ", der_oid_text(oid, text, sizeof text) ? text : "?");
        }
        if (listed)
            print_listed(e, i);
        else
            printf("\n");
    }
}

static void print_tried(const trust_explanation *e)
{
    const path_trace *t = e->input->trace;
    const trust_verdict *v = e->verdict;
    printf("tried        %zu candidates, %u nodes, %u signatures, %u.%02u ms\n",
           t->tried_count + t->tried_left_out, v->nodes, v->signatures, v->cost_us / 1000,
           v->cost_us % 1000 / 10);
    for (size_t i = 0; i < t->tried_count; i++) {
        const path_tried *one = &t->tried[i];
        printf("             ");
        print_hex(one->sha256);
        printf(" as %s %u: %s%s%s\n", one->anchor ? "anchor" : "issuer", one->depth, one->id,
               one->id[0] ? " " : "", one->text);
    }
}

static void print_revocation(const trust_explanation *e)
{
    static const char *const states[] = {"unknown", "good", "REVOKED"};
    static const char *const vias[] = {"nobody", "OCSP", "CRL", "rule"};
    const trust_verdict *v = e->verdict;
    if (v->org.kind == ORGANISATION_PERSON) {
        printf("revocation   not asked (nobody is asked about a person)\n");
        return;
    }
    if (v->path_count < 2) {
        printf("revocation   not asked (%s)\n",
               v->path_count == 0 ? "path ended first" : "the certificate is listed itself");
        return;
    }
    for (size_t i = 0; i + 1 < v->path_count; i++) {
        const revocation_view *r = &v->revocation[i];
        printf("%s%zu %s", i == 0 ? "revocation   " : "             ", i, states[r->state]);
        if (r->via != REVOCATION_VIA_NONE)
            printf(" by %s", vias[r->via]);
        if (r->this_update_s != 0)
            print_time(", of ", r->this_update_s);
        if (r->next_update_s != 0)
            print_time(", next ", r->next_update_s);
        if (r->state == REVOCATION_REVOKED)
            print_time(", since ", r->revoked_s);
        printf("%s\n", e->asked ? "" : " (not asked: --online, --ocsp or --crl)");
    }
}

static void print_level(const trust_explanation *e)
{
    char label[PATH_LABEL_SIZE];
    const trust_verdict *v = e->verdict;
    if (e->issued[0] != '\0')
        printf("level        at issuance %s; at the time asked for %s%s%s%s\n", e->issued, e->now,
               e->why[0] ? " (" : "", e->why, e->why[0] ? ")" : "");
    else
        printf("level        %s%s%s%s\n", e->now[0] ? e->now : "none", e->why[0] ? " (" : "", e->why,
               e->why[0] ? ")" : "");
    for (size_t i = 0; i < e->steps.step_count; i++) {
        const char *clause = NULL;
        const path_step *s = &e->steps.steps[i];
        if (s->id[0] == '\0' || path_qualified_text(s->id, &clause) == NULL)
            clause = NULL;
        printf("             %-6s  %s%s%s%s\n", s->id, s->text, clause == NULL ? "" : " [",
               clause == NULL ? "" : clause, clause == NULL ? "" : "]");
    }
    if (v->level[0] == '\0')
        return;
    path_label(v, label);
    printf("label        %s\n", label);
    printf("basis        %s%s", v->basis, v->foreign ? "  (foreign)" : "");
    if (v->recognition.status[0] != '\0') {
        printf("  recognition %s", v->recognition.status);
        print_time(" since ", v->recognition.since_s);
        printf(", %s", v->recognition.instrument);
    }
    if (v->recognition.mapped_type[0] != '\0')
        printf("  translated to %s %s", v->recognition.mapped_type, v->recognition.mapped_status);
    if (v->assurance.known)
        printf("  assurance l%u s%u t%u r%u", v->assurance.l, v->assurance.s, v->assurance.t, v->assurance.r);
    printf("\n");
}

static void print_remarks(const trust_verdict *v)
{
    char ids[sizeof v->remarks], *rest = ids;
    memcpy(ids, v->remarks, sizeof ids);
    for (char *id; (id = strsep(&rest, " ")) != NULL;)
        if (id[0] != '\0') {
            const char *text = path_check_text(id, NULL);
            printf("remarks      %s %s\n", id, text == NULL ? "" : text);
        }
}

void trust_explain_text(const trust_explanation *e)
{
    print_heading(e);
    print_certificate(e);
    print_path(e);
    print_tried(e);
    print_revocation(e);
    print_level(e);
    print_remarks(e->verdict);
    printf("to change it %s\n", trust_explanation_remedy(e->verdict, e->asked));
}
