/* A document that is read for its own sake: its signature must be right for the certificate that it brings.
 */
#include "trust/list/tlist_diff.h"
#include "trust/list/tlist_snapshot.h"

#include <stdlib.h>

enum { OWN_SIGNERS_MAX = 16 };

/* Certificates in the KeyInfo of the one signature. */
static size_t signers_of(const tlist_tree *tree, uint8_t out[OWN_SIGNERS_MAX][32])
{
    const xmlNode *info = tlist_child(tree->signature, TLIST_NS_DS, "KeyInfo");
    dx_arena arena = {0};
    size_t count = 0;
    for (const xmlNode *n = info; n != NULL && count < OWN_SIGNERS_MAX; n = tlist_walk(info, n)) {
        dx_bytes der;
        if (tlist_is(n, TLIST_NS_DS, "X509Certificate") && tlist_base64(n, &arena, &der))
            dx_sha256(der, out[count++]);
    }
    dx_arena_fini(&arena);
    return count;
}

static bool is_lotl(const tlist_tree *tree)
{
    dx_arena arena = {0};
    const char *type = tlist_text(tlist_down(tree->scheme, "TSLType", NULL), &arena);
    bool found = type != NULL && strcmp(type, TLIST_TYPE_LOTL) == 0;
    dx_arena_fini(&arena);
    return found;
}

DX_RC tlist_read_own(dx_bytes xml, const tlist_source *source, int64_t at_s, tlist_list **out, dx_why *why)
{
    tlist_tree tree;
    uint8_t signers[OWN_SIGNERS_MAX][32];
    tlist_source own = *source;
    *out = NULL;
    DX_TRY(tlist_tree_read(xml, source->max_bytes, source->structure_warn, &tree, why));
    own.kind = is_lotl(&tree) ? TLIST_KIND_LOTL : TLIST_KIND_TL;
    own.anchors = (const uint8_t(*)[32])signers;
    own.anchor_count = signers_of(&tree, signers);
    own.territory = NULL;
    own.oj_uri = NULL;
    own.tsl_type_count = 0;
    own.strict = false;
    tlist_tree_fini(&tree);
    return tlist_read(xml, &own, at_s, out, why);
}

DX_RC tlist_snapshot_with(const tlist_snapshot *base, tlist_list *list, int64_t at_s, tlist_snapshot **out,
                          dx_why *why)
{
    tlist_member *members = calloc(base->list_count + 1, sizeof *members);
    size_t count = 0;
    bool put = false;
    *out = NULL;
    if (members == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for a snapshot");
    for (size_t i = 0; i < base->list_count; i++) {
        const tlist_facts *f = &base->facts[i];
        tlist_member *m = &members[count++];
        *m = (tlist_member){base->lists[i], *f, base->limits[i].upper_until_s};
        if (strcmp(f->territory, list->facts.territory) != 0 || strcmp(base->lists[i]->type, list->type) != 0)
            continue;
        put = true;
        m->list = list;
        m->facts = list->facts;
        m->facts.source = f->source;
        m->facts.scheme = f->scheme;
        m->facts.origin = list->operator_marker ? TLIST_ORIGIN_OPERATOR_COMPILED : f->origin;
        m->facts.lotl_sequence = f->lotl_sequence;
        memcpy(m->facts.lotl_sha256, f->lotl_sha256, 32);
    }
    if (!put)
        members[count++] = (tlist_member){list, list->facts, INT64_MAX};
    struct dx_rc rc = tlist_snapshot_make(members, count, at_s, base->grace_s, base->epoch + 1, out, why);
    free(members);
    return rc;
}
