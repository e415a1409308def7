#include "trust/list/tlist_object.h"

#include "trust/base/digest.h"
#include "trust/list/tlist_verify.h"

#include <stdlib.h>

static struct dx_rc no_memory(dx_why *why)
{
    return DX_FAIL(why, NO_MEMORY, "", "no memory for a list");
}

static const char *lang_of(const xmlNode *node)
{
    for (const xmlAttr *a = node->properties; a != NULL; a = a->next)
        if (a->ns != NULL && strcmp((const char *)a->name, "lang") == 0 && a->children != NULL)
            return (const char *)a->children->content;
    return "";
}

const char *tlist_best_name(const xmlNode *parent, dx_arena *arena)
{
    const xmlNode *best = tlist_first(parent);
    for (const xmlNode *n = best; n != NULL; n = tlist_next(n))
        if (strcasecmp(lang_of(n), "en") == 0) {
            best = n;
            break;
        }
    return tlist_text(best, arena);
}

bool tlist_uris(const xmlNode *parent, dx_arena *arena, const char ***out, size_t *count)
{
    size_t room = 1;
    const xmlNode *first = tlist_first(parent);
    for (const xmlNode *n = first; n != NULL; n = tlist_next(n))
        room++;
    *count = 0;
    *out = DX_ARENA_ARRAY(arena, const char *, room);
    for (const xmlNode *n = first; *out != NULL && n != NULL; n = tlist_next(n))
        if (strcmp(lang_of(n), lang_of(first)) == 0) {
            const char *uri = tlist_text(n, arena);
            if (uri == NULL)
                return false;
            (*out)[(*count)++] = uri;
        }
    return *out != NULL;
}

/* Every name of a list of names. False: no memory. */
static bool read_names(const xmlNode *parent, dx_arena *arena, const char ***out, size_t *count)
{
    size_t room = 1;
    for (const xmlNode *n = tlist_first(parent); n != NULL; n = tlist_next(n))
        room++;
    *count = 0;
    *out = DX_ARENA_ARRAY(arena, const char *, room);
    for (const xmlNode *n = tlist_first(parent); *out != NULL && n != NULL; n = tlist_next(n))
        if (((*out)[(*count)++] = tlist_text(n, arena)) == NULL)
            return false;
    return *out != NULL;
}

/* Facts of a pointer stand in any order, each in an OtherInformation of its own. */
static struct dx_rc read_pointer(const xmlNode *node, const tlist_map *map, tlist_list *list, dx_why *why)
{
    tlist_pointer *p = &list->pointers[list->pointer_count];
    const char *mime = NULL;
    const xmlNode *recognition = NULL;
    *p = (tlist_pointer){.url = tlist_text(tlist_child(node, TLIST_NS, "TSLLocation"), &list->arena)};
    for (const xmlNode *o = tlist_first(tlist_child(node, TLIST_NS, "AdditionalInformation")); o != NULL;
         o = tlist_next(o))
        for (const xmlNode *n = tlist_first(o); n != NULL; n = tlist_next(n)) {
            if (tlist_is(n, TLIST_NS, "TSLType"))
                p->type = tlist_text(n, &list->arena);
            else if (tlist_is(n, TLIST_NS, "SchemeTerritory"))
                p->territory = tlist_text(n, &list->arena);
            else if (tlist_is(n, TLIST_NS_ADD, "MimeType"))
                mime = tlist_text(n, &list->arena);
            else if (tlist_is(n, TLIST_NS_MRA, "MutualRecognitionAgreementInformation"))
                recognition = n;
            else if (tlist_is(n, TLIST_NS, "SchemeOperatorName") &&
                     !read_names(n, &list->arena, &p->names, &p->name_count))
                return no_memory(why);
        }
    if (p->url == NULL)
        return no_memory(why);
    if (mime == NULL || strcasecmp(mime, TLIST_MIME) != 0 || p->type == NULL || p->territory == NULL)
        return DX_OKAY;
    if (recognition != NULL)
        DX_TRY(tlist_recognition_read(recognition, map, list, &p->recognition, why));
    const xmlNode *identities = tlist_child(node, TLIST_NS, "ServiceDigitalIdentities");
    size_t room = 1;
    for (const xmlNode *n = identities; n != NULL; n = tlist_walk(identities, n))
        room++;
    p->signers = dx_arena_array(&list->arena, room, sizeof *p->signers);
    if (p->signers == NULL)
        return no_memory(why);
    dx_arena scratch = {0};
    for (const xmlNode *n = identities; n != NULL; n = tlist_walk(identities, n)) {
        dx_bytes der;
        if (!tlist_is(n, TLIST_NS, "X509Certificate"))
            continue;
        if (tlist_base64(n, &scratch, &der))
            dx_sha256(der, p->signers[p->signer_count++]);
        else
            tlist_remark(&list->remarks, 801);
    }
    dx_arena_fini(&scratch);
    list->pointer_count++;
    return DX_OKAY;
}

static struct dx_rc read_scheme(const tlist_tree *tree, const tlist_map *map, tlist_list *list, dx_why *why)
{
    const xmlNode *pointers = tlist_down(tree->scheme, "PointersToOtherTSL", NULL);
    size_t room = 1, rule_count;
    const char **rules;
    list->type = tlist_text(tlist_down(tree->scheme, "TSLType", NULL), &list->arena);
    if (list->type == NULL ||
        !tlist_uris(tlist_down(tree->scheme, "SchemeInformationURI", NULL), &list->arena, &list->scheme_uris,
                    &list->scheme_uri_count) ||
        !tlist_uris(tlist_down(tree->scheme, "SchemeTypeCommunityRules", NULL), &list->arena, &rules,
                    &rule_count) ||
        !read_names(tlist_down(tree->scheme, "SchemeOperatorName", NULL), &list->arena, &list->operators,
                    &list->operator_count))
        return no_memory(why);
    for (const xmlNode *n = tlist_first(tlist_down(tree->scheme, "SchemeTypeCommunityRules", NULL));
         n != NULL; n = tlist_next(n)) {
        const char *rule = tlist_text(n, &list->arena);
        list->operator_marker |= rule != NULL && (strcmp(rule, map->profile.operator_compiled_rule) == 0 ||
                                                  strcmp(rule, TLIST_OPERATOR_RULE) == 0);
    }
    for (const xmlNode *n = tlist_first(pointers); n != NULL; n = tlist_next(n))
        room++;
    list->pointers = DX_ARENA_ARRAY(&list->arena, tlist_pointer, room);
    if (list->pointers == NULL)
        return no_memory(why);
    for (const xmlNode *n = tlist_first(pointers); n != NULL; n = tlist_next(n))
        DX_TRY(read_pointer(n, map, list, why));
    return DX_OKAY;
}

static struct dx_rc fill(const tlist_tree *tree, const tlist_source *source, const tlist_map *map,
                         tlist_list *list, dx_why *why)
{
    tlist_facts *f = &list->facts;
    list->remarks = tree->remarks;
    list->version = tree->version;
    DX_TRY(read_scheme(tree, map, list, why));
    f->source = dx_arena_text(&list->arena, dx_bytes_text(source->id == NULL ? "" : source->id));
    f->scheme = dx_arena_text(&list->arena, dx_bytes_text(source->scheme == NULL ? "EU" : source->scheme));
    f->territory = dx_arena_text(&list->arena, dx_bytes_text(tree->territory));
    f->url = dx_arena_text(&list->arena, dx_bytes_text(source->url == NULL ? "" : source->url));
    if (f->source == NULL || f->scheme == NULL || f->territory == NULL || f->url == NULL)
        return no_memory(why);
    f->remarks = list->remarks.text;
    f->sequence = tree->sequence;
    f->issued_s = tree->issued_s;
    f->next_update_s = tree->next_update_s;
    f->is_lotl = strcmp(list->type, TLIST_TYPE_LOTL) == 0;
    f->origin = source->origin_operator || list->operator_marker ? TLIST_ORIGIN_OPERATOR_COMPILED
                                                                 : TLIST_ORIGIN_PUBLISHER_SIGNED;
    DX_TRY(tlist_services_read(tree, map, list, why));
    tlist_fingerprint(list);
    return DX_OKAY;
}

DX_RC tlist_object_make(const tlist_tree *tree, const tlist_source *source, const tlist_map *map,
                        tlist_list **out, dx_why *why)
{
    *out = NULL;
    tlist_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return no_memory(why);
    atomic_init(&list->refs, 1);
    struct dx_rc rc = fill(tree, source, map, list, why);
    if (rc.code != DX_OK)
        tlist_list_unref(list);
    else
        *out = list;
    return rc;
}

tlist_list *tlist_list_ref(tlist_list *list)
{
    atomic_fetch_add(&list->refs, 1);
    return list;
}

void tlist_list_unref(tlist_list *list)
{
    if (list == NULL || atomic_fetch_sub(&list->refs, 1) != 1)
        return;
    dx_arena_fini(&list->arena);
    free(list);
}

const tlist_facts *tlist_list_facts(const tlist_list *list)
{
    return &list->facts;
}

const tlist_pointer *tlist_self_pointer(const tlist_list *list)
{
    for (size_t i = 0; i < list->pointer_count; i++)
        if (strcmp(list->pointers[i].type, TLIST_TYPE_LOTL) == 0 &&
            strcmp(list->pointers[i].territory, list->facts.territory) == 0)
            return &list->pointers[i];
    return NULL;
}

/* Scheme and host, for "another document of the same publisher". */
static size_t origin_size(const char *uri)
{
    const char *host = strstr(uri, "://");
    return host == NULL ? 0 : (size_t)(host - uri) + 3 + strcspn(host + 3, "/");
}

DX_RC tlist_journal(const tlist_list *list, const char *oj_uri, size_t *at, bool *newer, dx_why *why)
{
    size_t i = 0, size = origin_size(oj_uri);
    while (i < list->scheme_uri_count && strcmp(list->scheme_uris[i], oj_uri) != 0)
        i++;
    if (i == list->scheme_uri_count)
        return tlist_refuse(why, 602, "anchor set outdated: SchemeInformationURI does not name %.150s",
                            oj_uri);
    *at = i;
    *newer = false;
    for (size_t k = 0; k < i; k++)
        *newer |= size > 0 && strncmp(list->scheme_uris[k], oj_uri, size) == 0;
    return DX_OKAY;
}

/* TSLType and territory are those that the source promises (TL-606). */
static struct dx_rc check_source(const tlist_tree *tree, const tlist_source *source, const tlist_map *map,
                                 dx_arena *arena, dx_why *why)
{
    if ((source->only_version_5 && tree->version != 5) || (source->only_version_6 && tree->version != 6))
        return tlist_refuse(why, 304, "version %u is not one that the source accepts", tree->version);
    const char *type = tlist_text(tlist_down(tree->scheme, "TSLType", NULL), arena);
    if (type == NULL)
        return no_memory(why);
    bool fits = source->kind == TLIST_KIND_LOTL && strcmp(type, TLIST_TYPE_LOTL) == 0;
    if (source->kind == TLIST_KIND_TL) {
        fits = source->tsl_type_count == 0 &&
               (map->profile.tsl_type != NULL ? strcmp(type, map->profile.tsl_type) == 0
                                              : strcmp(type, TLIST_TYPE_LOTL) != 0);
        for (size_t i = 0; i < source->tsl_type_count; i++)
            fits |= strcmp(source->tsl_types[i], type) == 0;
    }
    if (!fits)
        return tlist_refuse(why, 606, "TSLType %.150s is not what source %.30s announces", type,
                            source->id == NULL ? "" : source->id);
    if (source->territory != NULL && strcmp(source->territory, tree->territory) != 0)
        return tlist_refuse(why, 606, "territory %.8s is not %.8s", tree->territory, source->territory);
    return DX_OKAY;
}

/* TL-703 and TL-706, as far as one document can tell. */
static struct dx_rc check_dates(tlist_tree *tree, const tlist_source *source, int64_t at_s, dx_why *why)
{
    char issued[DX_TIME_SIZE];
    dx_time_print(tree->issued_s, issued);
    if (tree->issued_s > at_s + 86400)
        return tlist_refuse(why, 703, "issued at %s, which is in the future", issued);
    if (tree->next_update_s == 0 || tree->next_update_s - tree->issued_s <= 184 * 86400)
        return DX_OKAY;
    if (source->strict)
        return tlist_refuse(why, 706, "NextUpdate is more than six months after the issue at %s", issued);
    tlist_remark(&tree->remarks, 706);
    return DX_OKAY;
}

static struct dx_rc read_tree(tlist_tree *tree, const tlist_source *source, const tlist_map *map,
                              const tlist_verify_rules *rules, dx_arena *arena, tlist_list **out, dx_why *why)
{
    tlist_signature signature;
    DX_TRY(tlist_verify(tree, rules, arena, &signature, why));
    DX_TRY(check_source(tree, source, map, arena, why));
    DX_TRY(check_dates(tree, source, rules->at_s, why));
    DX_TRY(tlist_object_make(tree, source, map, out, why));
    memcpy((*out)->facts.signer_sha256, signature.signer_sha256, 32);
    (*out)->signed_s = signature.signed_s;
    return DX_OKAY;
}

DX_RC tlist_read_with(dx_bytes xml, const tlist_source *source, const tlist_map *map,
                      const uint8_t (*anchors)[32], size_t anchor_count, int64_t at_s, tlist_list **out,
                      dx_why *why)
{
    tlist_tree tree;
    *out = NULL;
    DX_TRY(tlist_tree_read(xml, source->max_bytes, source->structure_warn, &tree, why));
    tlist_verify_rules rules = {anchors,        anchor_count,         at_s,
                                source->strict, source->legacy_xpath, source->rsa_digestinfo_either};
    dx_arena arena = {0};
    struct dx_rc rc = read_tree(&tree, source, map, &rules, &arena, out, why);
    dx_arena_fini(&arena);
    tlist_tree_fini(&tree);
    if (rc.code == DX_OK) {
        dx_sha256(xml, (*out)->facts.sha256);
        (*out)->facts.confirmed_s = at_s;
    }
    return rc;
}

DX_RC tlist_read(dx_bytes xml, const tlist_source *source, int64_t at_s, tlist_list **out, dx_why *why)
{
    tlist_map map;
    *out = NULL;
    DX_TRY(tlist_map_load(source, NULL, &map, why));
    struct dx_rc rc =
        tlist_read_with(xml, source, &map, source->anchors, source->anchor_count, at_s, out, why);
    tlist_map_fini(&map);
    if (rc.code == DX_OK && source->kind == TLIST_KIND_LOTL && source->oj_uri != NULL) {
        size_t at;
        bool newer;
        rc = tlist_journal(*out, source->oj_uri, &at, &newer, why);
        if (rc.code != DX_OK) {
            tlist_list_unref(*out);
            *out = NULL;
        }
    }
    return rc;
}
