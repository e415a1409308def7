/* stamp_evidence.c -- OCSP answers and CRLs about TSU chains, kept for as long as the judge says they serve.
 */
#include "trust/stamp/stamp_service_private.h"

/* Until a verdict has said how long an answer serves, it serves the token it was fetched for. */
#define UNJUDGED_S 60

void stamp_evidence_fini(stamp_evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++)
        dx_buf_fini(&evidence->items[i].der);
    evidence->count = 0;
}

static void remove_at(stamp_evidence *evidence, size_t at)
{
    dx_buf_fini(&evidence->items[at].der);
    evidence->items[at] = evidence->items[--evidence->count];
}

void stamp_evidence_drop(stamp_evidence *evidence, const uint8_t key[32])
{
    for (size_t i = evidence->count; i-- > 0;)
        if (memcmp(evidence->items[i].key, key, 32) == 0)
            remove_at(evidence, i);
}

void stamp_evidence_add(stamp_evidence *evidence, const uint8_t key[32], bool crl, dx_buf *der, int64_t now_s)
{
    stamp_evidence_drop(evidence, key);
    if (evidence->count == STAMP_EVIDENCE_MAX) { /* the one that ends first makes room */
        size_t first = 0;
        for (size_t i = 1; i < evidence->count; i++)
            if (evidence->items[i].until_s < evidence->items[first].until_s)
                first = i;
        remove_at(evidence, first);
    }
    stamp_evidence_item *item = &evidence->items[evidence->count++];
    *item = (stamp_evidence_item){.der = *der, .crl = crl, .until_s = now_s + UNJUDGED_S};
    memcpy(item->key, key, 32);
    dx_sha256(dx_buf_view(der), item->sha256);
    dx_buf_init(der, 0);
}

bool stamp_evidence_join(stamp_evidence *evidence, int64_t now_s, dx_arena *arena,
                         revocation_evidence *joined)
{
    for (size_t i = evidence->count; i-- > 0;)
        if (evidence->items[i].until_s <= now_s)
            remove_at(evidence, i);
    dx_bytes *ocsp = DX_ARENA_ARRAY(arena, dx_bytes, joined->ocsp_count + evidence->count + 1);
    dx_bytes *crl = DX_ARENA_ARRAY(arena, dx_bytes, joined->crl_count + evidence->count + 1);
    if (ocsp == NULL || crl == NULL)
        return false;
    for (size_t i = 0; i < joined->ocsp_count; i++)
        ocsp[i] = joined->ocsp[i];
    for (size_t i = 0; i < joined->crl_count; i++)
        crl[i] = joined->crl[i];
    joined->ocsp = ocsp;
    joined->crl = crl;
    for (size_t i = 0; i < evidence->count; i++) {
        dx_bytes der = dx_buf_view(&evidence->items[i].der);
        if (evidence->items[i].crl)
            crl[joined->crl_count++] = der;
        else
            ocsp[joined->ocsp_count++] = der;
    }
    return true;
}

void stamp_evidence_learn(stamp_evidence *evidence, const trust_verdict *verdict)
{
    for (size_t i = 0; i < evidence->count; i++)
        for (size_t k = 0; k < verdict->path_count && k < PATH_MAX_CERTS; k++)
            if (verdict->revocation[k].state == REVOCATION_GOOD &&
                memcmp(verdict->revocation[k].evidence_sha256, evidence->items[i].sha256, 32) == 0 &&
                verdict->revocation[k].usable_until_s > evidence->items[i].until_s)
                evidence->items[i].until_s = verdict->revocation[k].usable_until_s;
}
