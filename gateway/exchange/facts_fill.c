#include "gateway/exchange/exchange.h"

/* Turns what the stages know into the plain facts of policy.md 4. A fact that is not known stays unknown. */

static const struct {
    policy_attribute attribute;
    const char *field;
} declared[] = {{POLICY_REQ_PURPOSE, "dfft-purpose"},
                {POLICY_REQ_DESTINATION, "dfft-destination"},
                {POLICY_REQ_AGREEMENT, "dfft-agreement"},
                {POLICY_REQ_BASIS, "dfft-legal-basis"},
                {POLICY_REQ_CASE, "dfft-case"}};
#define DECLARED (sizeof declared / sizeof *declared)

void exchange_facts_request(exchange *ex)
{
    policy_facts *f = ex->facts;
    const http_message *r = ex->request;
    policy_fact_text(f, POLICY_REQ_METHOD, r->method);
    policy_fact_text(f, POLICY_REQ_HOST, r->authority);
    policy_facts_path(f, r->path);
    policy_fact_str(f, POLICY_REQ_MEDIA_TYPE, exchange_media_type(ex, r));
    if (r->body != HTTP_BODY_STREAM)
        policy_fact_int(f, POLICY_REQ_BYTES, r->body == HTTP_BODY_NONE ? 0 : (int64_t)r->body_length);
    if (ex->regulator)
        policy_fact_str(f, POLICY_REQ_DATASET, "urn:dfft:ds:provenance");
    policy_fact_text(f, POLICY_REQ_AGREEMENT, ex->declared.agreement);
    policy_fact_text(f, POLICY_REQ_BASIS, ex->declared.basis);
    policy_fact_text(f, POLICY_REQ_CASE, ex->declared.case_);
    policy_fact_text(f, POLICY_REQ_MESSAGE_ID, ex->declared.message_id);
    policy_fact_text(f, POLICY_REQ_AUDIENCE, ex->declared.audience);
    policy_fact_set(f, POLICY_REQ_PURPOSE, ex->declared.purpose, ex->declared.purpose_count);
    policy_fact_set(f, POLICY_REQ_DESTINATION, ex->declared.destination, ex->declared.destination_count);
    for (size_t i = 0; i < DECLARED; i++)
        policy_fact_source(f, declared[i].attribute, POLICY_BY_PEER);
    policy_fact_str(f, POLICY_TLS_VERSION, net_connection_tls_version(ex->connection));
    policy_fact_str(f, POLICY_GATEWAY_TERRITORY, ex->view->config->gateway->territory);
}

bool exchange_seal_covers(const exchange *ex, const char *field)
{
    const seal_verdict *seal = ex->request_seal;
    for (size_t i = 0; ex->sealed_request && i < seal->cover_count; i++)
        if (strcmp(seal->covers[i], field) == 0)
            return true;
    return false;
}

void exchange_facts_seal(exchange *ex)
{
    const seal_verdict *seal = ex->request_seal;
    dx_bytes *covers = DX_ARENA_ARRAY(&ex->arena, dx_bytes, seal->cover_count);
    policy_fact_bool(ex->facts, POLICY_REQ_SIG_VALID, true);
    policy_fact_int(ex->facts, POLICY_REQ_SIG_AGE_S, dx_now_s(ex->gate->clock) - seal->created_s);
    for (size_t i = 0; covers != NULL && i < seal->cover_count; i++)
        covers[i] = dx_bytes_text(seal->covers[i]);
    if (covers != NULL)
        policy_fact_set(ex->facts, POLICY_REQ_SIG_COVERS, covers, seal->cover_count);
    for (size_t i = 0; i < DECLARED; i++)
        if (exchange_seal_covers(ex, declared[i].field))
            policy_fact_source(ex->facts, declared[i].attribute, POLICY_BY_PEER_SIGNED);
}

static void facts_revocation(exchange *ex, const trust_verdict *v)
{
    /* The worst of the path below the anchor, and the oldest answer it rests on. */
    revocation_state worst = REVOCATION_GOOD;
    int64_t oldest_s = INT64_MAX;
    for (size_t i = 0; i + 1 < v->path_count; i++) {
        const revocation_view *r = &v->revocation[i];
        if (r->state == REVOCATION_REVOKED || (r->state == REVOCATION_UNKNOWN && worst != REVOCATION_REVOKED))
            worst = r->state;
        int64_t said_s = r->this_update_s;
        if (r->state == REVOCATION_GOOD && said_s != 0 && said_s < oldest_s)
            oldest_s = said_s;
    }
    static const char *const texts[] = {"unknown", "good", "revoked"};
    policy_fact_str(ex->facts, POLICY_PEER_REVOCATION, texts[worst]);
    if (oldest_s != INT64_MAX) {
        int64_t age_s = dx_now_s(ex->gate->clock) - oldest_s;
        policy_fact_int(ex->facts, POLICY_PEER_REVOCATION_AGE_S, age_s < 0 ? 0 : age_s);
    }
}

/* What the certificate states, after qualification and recognition (policy.md 4). */
static void facts_statements(policy_facts *f, const trust_verdict *v)
{
    dx_bytes texts[TLIST_COUNTRY_MAX];
    size_t count = 0;
    policy_fact_bool(f, POLICY_PEER_QC_COMPLIANCE, v->qc_compliance);
    policy_fact_bool(f, POLICY_PEER_QC_QSCD, v->qscd);
    for (size_t i = 0; i < 3 && v->qc_types[i][0] != 0; i++)
        texts[count++] = dx_bytes_text(v->qc_types[i]);
    if (count > 0)
        policy_fact_set(f, POLICY_PEER_QC_TYPE, texts, count);
    count = 0;
    for (size_t i = 0; i < TLIST_COUNTRY_MAX && v->qc_legislation[i][0] != 0; i++)
        texts[count++] = dx_bytes_text(v->qc_legislation[i]);
    if (count > 0)
        policy_fact_set(f, POLICY_PEER_QC_LEGISLATION, texts, count);
    if (v->recognition.status[0] == 0)
        return;
    policy_fact_str(f, POLICY_PEER_RECOGNITION_STATUS, v->recognition.status);
    policy_fact_time(f, POLICY_PEER_RECOGNITION_SINCE, v->recognition.since_s * 1000000);
    policy_fact_str(f, POLICY_PEER_RECOGNITION_INSTRUMENT, v->recognition.instrument);
}

static void facts_psd2(policy_facts *f, const organisation *org)
{
    static const char *const names[] = {"account-servicing", "payment-initiation", "account-information",
                                        "card-issuing"};
    dx_bytes roles[4];
    size_t count = 0;
    for (unsigned i = 0; i < 4; i++)
        if (org->psd2_roles & TLIST_BIT(i + 1))
            roles[count++] = dx_bytes_text(names[i]);
    if (count > 0)
        policy_fact_set(f, POLICY_PEER_PSD2_ROLES, roles, count);
    if (org->psd2_nca[0] != 0)
        policy_fact_str(f, POLICY_PEER_PSD2_NCA, org->psd2_nca);
}

void exchange_facts_trust(exchange *ex)
{
    policy_facts *f = ex->facts;
    const trust_verdict *v = &ex->judged->verdict;
    char *hex = dx_arena_alloc(&ex->arena, DX_HEX_SIZE(32));
    if (hex != NULL)
        dx_hex(dx_bytes_of(ex->peer->leaf_sha256, 32), hex);
    policy_fact_str(f, POLICY_PEER_CERT_SHA256, hex);
    policy_fact_time(f, POLICY_PEER_CERT_ISSUED, v->not_before_s * 1000000);
    policy_fact_time(f, POLICY_PEER_CERT_EXPIRES, v->not_after_s * 1000000);
    policy_fact_str(f, POLICY_PEER_KIND, v->org.kind == ORGANISATION_PERSON ? "person" : "organisation");
    if (v->org.kind == ORGANISATION_LEGAL) {
        policy_fact_str(f, POLICY_PEER_ORG_ID, v->org.id);
        policy_fact_str(f, POLICY_PEER_ORG_SCHEME, v->org.scheme);
        policy_fact_str(f, POLICY_PEER_ORG_COUNTRY, v->org.country);
        facts_psd2(f, &v->org);
    }
    if (!v->anchor.set)
        return;
    policy_fact_str(f, POLICY_PEER_TL_SCHEME, v->anchor.scheme);
    policy_fact_str(f, POLICY_PEER_TL_TERRITORY, v->anchor.territory);
    policy_fact_str(f, POLICY_PEER_TL_TYPE, v->anchor.type);
    policy_fact_str(f, POLICY_PEER_TL_STATUS, v->anchor.status);
    policy_fact_time(f, POLICY_PEER_TL_SINCE, v->anchor.since_s * 1000000);
    policy_fact_int(f, POLICY_PEER_TL_SEQ, (int64_t)v->anchor.sequence);
    policy_fact_int(f, POLICY_PEER_TL_LIST_AGE_S, v->anchor.list_age_s);
    policy_fact_str(f, POLICY_PEER_TL_STATE, tlist_state_text(v->anchor.state));
    policy_fact_str(f, POLICY_PEER_TL_ORIGIN, tlist_origin_text(v->anchor.origin));
    policy_fact_bool(f, POLICY_PEER_TL_COMPILED, v->anchor.origin == TLIST_ORIGIN_OPERATOR_COMPILED);
    policy_fact_bool(f, POLICY_PEER_TL_FOREIGN, v->foreign);
    policy_fact_str(f, POLICY_PEER_TL_BASIS, v->basis);
    policy_fact_str(f, POLICY_PEER_TL_LEVEL, v->level);
    policy_fact_bool(f, POLICY_PEER_TL_QSCD, v->qscd);
    policy_fact_bool(f, POLICY_PEER_TL_QUALIFIED, v->qualified);
    facts_statements(f, v);
    if (v->assurance.known)
        policy_fact_level(f, POLICY_PEER_ASSURANCE,
                          (policy_level){v->assurance.l, v->assurance.s, v->assurance.t, v->assurance.r});
    facts_revocation(ex, v);
}
