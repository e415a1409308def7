#include "trust/path/path_private.h"

#include <openssl/err.h>

/* Builds paths from the leaf to listed services (identity.md 6). Depth first, with a budget; a path that
 * reaches an anchor and fails is one failed branch, the search goes on. */

void path_fail(path_search *s, const char *id, const char *more)
{
    if (s->shadow > 0 && strcmp(id, "ID-305") != 0)
        return;
    if ((int)s->depth > s->worst_depth) {
        s->worst_depth = (int)s->depth;
        path_say(s->out, id, more);
    }
}

static bool signed_by(path_search *s, const path_certificate *child, const path_certificate *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer->x);
    if (s->signatures >= SIGNATURES_MAX) {
        s->spent = true;
        return false;
    }
    s->signatures++;
    bool ok = key != NULL && X509_verify(child->x, key) == 1;
    ERR_clear_error();
    return ok;
}

static tlist_purpose purpose_of(path_profile_id profile)
{
    return profile == PATH_TSU ? TLIST_STAMP : profile == PATH_RESPONDER ? TLIST_OCSP : TLIST_ISSUER;
}

static tlist_key key_of(const path_certificate *c)
{
    tlist_key k = {c->der, c->spki, c->subject, {0}};
    memcpy(k.sha256, c->sha256, 32);
    return k;
}

/* What a list that an operator compiled says no to says so (trusted-lists.md 9.4). */
static const char *name_of(path_search *s, const tlist_service *service)
{
    if (service->list->origin != TLIST_ORIGIN_OPERATOR_COMPILED)
        return service->name;
    const char *text = dx_arena_printf(s->arena, "operator-compiled list, %s", service->name);
    return text == NULL ? "operator-compiled list" : text;
}

/* Is this certificate a listed service that may anchor the path? Sets hits. *blocked: it is listed with a
 * fitting type and no valid status, which cannot be walked around. */
static bool anchor_holds(path_search *s, const path_certificate *c, const char **id, const char **more,
                         bool *blocked)
{
    const tlist_key key = key_of(c);
    tlist_miss miss;
    s->hit_count =
        tlist_find(s->in->snapshot, &key, purpose_of(s->in->profile), s->in->at_s, s->hits, 8, &miss);
    *id = miss == TLIST_MISS_NONE ? NULL : "ID-302";
    *more = NULL;
    size_t usable = 0;
    bool withdrawn = false;
    for (size_t i = 0; i < s->hit_count; i++) {
        /* A unit that is listed by itself only later was vouched for by its CA before. */
        withdrawn |= s->hits[i].id != NULL && strcmp(s->hits[i].id, "ID-304") == 0 &&
                     (c != &s->leaf || s->hits[i].interval != NULL);
        if (s->hits[i].usable) {
            s->hits[usable++] = s->hits[i];
        } else if (*id == NULL || strcmp(s->hits[i].id, *id) > 0) {
            *id = s->hits[i].id;
            *more = name_of(s, s->hits[i].service);
        }
    }
    s->hit_count = usable;
    *blocked |= usable == 0 && withdrawn;
    return usable > 0;
}

static bool search(path_search *s);

/* Tries listed certificates as issuer of the newest node: one that anchors ends the path. */
static bool try_anchors(path_search *s, bool *blocked)
{
    path_certificate *node = s->chain[s->depth - 1];
    const tlist_certificate *candidates[16];
    uint8_t *name = NULL;
    int size = i2d_X509_NAME(X509_get_issuer_name(node->x), &name);
    size_t count =
        size > 0 ? tlist_issuers(s->in->snapshot, dx_bytes_of(name, (size_t)size), candidates, 16) : 0;
    OPENSSL_free(name);
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        path_certificate *anchor = &s->listed[s->depth];
        const char *id, *more;
        if (s->depth >= DEPTH_MAX - 1)
            continue;
        if ((id = path_certificate_open(candidates[i]->der, s->arena, anchor)) != NULL) {
            s->no_memory |= strcmp(id, "ID-901") == 0;
            continue;
        }
        if (signed_by(s, node, anchor)) {
            bool fits = anchor_holds(s, anchor, &id, &more, blocked);
            s->chain[s->depth++] = anchor;
            if (fits) {
                found = path_check_whole(s);
            } else if (id != NULL) {
                path_fail(s, id, more);
            }
            s->depth--;
        }
        if (!found)
            path_certificate_close(anchor);
    }
    return found;
}

static bool on_chain(const path_search *s, const path_certificate *c)
{
    for (size_t i = 0; i < s->depth; i++)
        if (memcmp(s->chain[i]->sha256, c->sha256, 32) == 0 ||
            (dx_bytes_equal(s->chain[i]->spki, c->spki) && dx_bytes_equal(s->chain[i]->subject, c->subject)))
            return true;
    return false;
}

/* One step up by a certificate that came along. */
static bool try_presented(path_search *s, const path_certificate *node, path_certificate *c)
{
    const char *id;
    if (on_chain(s, c) || X509_NAME_cmp(X509_get_issuer_name(node->x), X509_get_subject_name(c->x)) != 0)
        return false;
    if (s->depth >= DEPTH_MAX - 2)
        id = "ID-216";
    else if ((id = path_check_form(s, c)) == NULL && (id = path_check_issuer(c, s->depth - 1)) == NULL)
        id = s->in->at_s < c->from_s    ? "ID-203"
             : s->in->at_s > c->until_s ? "ID-204"
             : !signed_by(s, node, c)   ? "ID-202"
                                        : NULL;
    if (id != NULL) {
        path_fail(s, id, "an intermediate");
        return false;
    }
    s->chain[s->depth++] = c;
    bool found = search(s);
    if (!found)
        s->depth--;
    return found;
}

static bool climb(path_search *s, const path_certificate *node)
{
    for (size_t i = 0; i < s->presented_count; i++)
        if (try_presented(s, node, &s->presented[i]))
            return true;
    return false;
}

static bool search(path_search *s)
{
    path_certificate *node = s->chain[s->depth - 1];
    bool blocked = false;
    if (s->spent || ++s->nodes > NODES_MAX) {
        s->spent = true;
        return false;
    }
    if (try_anchors(s, &blocked))
        return true;
    /* Looked at all the same, to tell a withdrawal from one that somebody tries to walk around (ID-305). */
    s->shadow += blocked;
    bool found = climb(s, node);
    s->shadow -= blocked;
    return found;
}
/* The certificate itself may be a service identity, as time-stamp units often are. */
static bool leaf_is_listed(path_search *s, bool *blocked)
{
    const char *id, *more;
    if (!anchor_holds(s, &s->leaf, &id, &more, blocked)) {
        if (id != NULL && strcmp(id, "ID-302") != 0)
            path_fail(s, id, more);
        return false;
    }
    return path_check_whole(s);
}

bool path_search_from_leaf(path_search *s)
{
    bool blocked = false;
    s->chain[0] = &s->leaf;
    s->depth = 1;
    return leaf_is_listed(s, &blocked) || (!blocked && search(s));
}
