#include "gateway/admin/control_private.h"

#include <stdio.h>

/* Each list, bundle and configuration that starts to count is in the log itself (provenance.md 4.3), before
 * it counts. */

#define LIST_MAX_BYTES (64U << 20)

/* The list itself stays with the log, durable before a leaf names it (provenance.md 3.3, rule 5): the store
 * of lists forgets it when the next one comes. */
static DX_RC keep_list(control *c, const uint8_t sha256[32], dx_why *why)
{
    char path[1024], hex[DX_HEX_SIZE(32)];
    uint8_t kept[32];
    dx_buf text;
    dx_hex(dx_bytes_of(sha256, 32), hex);
    snprintf(path, sizeof path, "%s/trust/lists/%s.xml", c->config->root->state_dir, hex);
    DX_TRY(dx_io_read_file(c->gate.io, path, LIST_MAX_BYTES, &text, why));
    struct dx_rc rc = prov_evidence_put(c->gate.log, dx_buf_view(&text), kept, why);
    dx_buf_fini(&text);
    if (rc.code == DX_OK && memcmp(kept, sha256, 32) != 0)
        rc = DX_FAIL(why, BROKEN, "provenance.md 3.3", "%s is not the list that was accepted", path);
    return rc;
}

DX_RC control_record_document(control *c, prov_type type, const control_document *d, dx_why *why)
{
    dx_arena arena = {0};
    prov_record *r = prov_record_new(&arena, type);
    prov_receipt receipt;
    struct dx_rc rc = r == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory to record a document") : DX_OKAY;
    if (rc.code == DX_OK) {
        prov_set_time(r, "time.start", dx_now_us(c->gate.clock));
        prov_set_str(r, "time.source", c->config->gateway->time_source);
        prov_set_sha256(r, "document.sha256", d->sha256);
        prov_set_str(r, "document.id", dx_arena_printf(&arena, "urn:dfft:%s:%s", d->kind, d->id));
        prov_set_str(r, "document.territory", d->territory);
        if (d->sequence > 0)
            prov_set_int(r, "document.seq", d->sequence);
        if (d->signer_sha256 != NULL)
            prov_set_sha256(r, "document.signer_sha256", d->signer_sha256);
        prov_set_bool(r, "document.accepted", true);
        rc = prov_append_wait(c->gate.log, r, &receipt, why);
    }
    dx_arena_fini(&arena);
    return rc;
}

DX_RC control_record_lists(control *c, const tlist_snapshot *trust, dx_why *why)
{
    const tlist_facts *const *lists;
    size_t count = tlist_snapshot_lists(trust, &lists);
    for (size_t i = 0; i < count; i++) {
        DX_TRY(keep_list(c, lists[i]->sha256, why));
        DX_TRY(control_record_document(c, PROV_TLIST,
                                       &(control_document){.kind = "tlist",
                                                           .id = lists[i]->source,
                                                           .territory = lists[i]->territory,
                                                           .sequence = (int64_t)lists[i]->sequence,
                                                           .sha256 = lists[i]->sha256,
                                                           .signer_sha256 = lists[i]->signer_sha256},
                                       why));
    }
    return DX_OKAY;
}

DX_RC control_record_policy(control *c, const policy *p, dx_why *why)
{
    return control_record_document(c, PROV_POLICY,
                                   &(control_document){.kind = "bundle",
                                                       .id = policy_revision(p),
                                                       .sequence = policy_serial(p),
                                                       .sha256 = policy_sha256(p)},
                                   why);
}
