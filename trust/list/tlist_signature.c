/* The form that a signature of a list must have, before any library believes in it. */
#include "trust/list/tlist_verify.h"

#define MORE      "http://www.w3.org/2001/04/xmldsig-more#"
#define ENVELOPED TLIST_NS_DS "enveloped-signature"
#define XPATH     "http://www.w3.org/TR/1999/REC-xpath-19991116"

static const char *const c14n_methods[] = {"http://www.w3.org/2001/10/xml-exc-c14n#",
                                           "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
                                           "http://www.w3.org/2006/12/xml-c14n11", NULL};
static const char *const signature_methods[] = {MORE "rsa-sha256",
                                                MORE "rsa-sha384",
                                                MORE "rsa-sha512",
                                                MORE "ecdsa-sha256",
                                                MORE "ecdsa-sha384",
                                                MORE "ecdsa-sha512",
                                                NULL};
static const char *const pss_methods[] = {"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
                                          "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
                                          "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", NULL};
static const char *const digest_methods[] = {"http://www.w3.org/2001/04/xmlenc#sha256", MORE "sha384",
                                             "http://www.w3.org/2001/04/xmlenc#sha512", NULL};

static bool one_of(const char *text, const char *const *list)
{
    for (; text != NULL && *list != NULL; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

static const char *or_none(const char *text)
{
    return text == NULL ? "(none)" : text;
}

static const char *algorithm(const xmlNode *node)
{
    return node == NULL ? NULL : tlist_attribute(node, "Algorithm");
}

static struct dx_rc check_methods(tlist_signature_parts *p, dx_why *why)
{
    xmlNode *c14n = tlist_first(p->signed_info), *method = tlist_next(c14n);
    const char *name = algorithm(c14n);
    if (!tlist_is(c14n, TLIST_NS_DS, "CanonicalizationMethod") || !one_of(name, c14n_methods))
        return tlist_refuse(why, 401, "CanonicalizationMethod \"%.100s\" is not allowed", or_none(name));
    p->method = algorithm(method);
    if (!tlist_is(method, TLIST_NS_DS, "SignatureMethod"))
        return tlist_refuse(why, 402, "SignatureMethod is missing");
    if (one_of(p->method, pss_methods))
        return tlist_refuse_as(why, DX_UNSUPPORTED, 402, "RSA-PSS is not supported by this build");
    if (!one_of(p->method, signature_methods))
        return tlist_refuse(why, 402, "SignatureMethod \"%.100s\" is not allowed", or_none(p->method));
    if (tlist_first(method) != NULL)
        return tlist_refuse(why, 402, "SignatureMethod has the parameter %.60s",
                            (const char *)tlist_first(method)->name);
    return DX_OKAY;
}

/* DigestMethod and DigestValue close a reference. */
static struct dx_rc check_digest(const xmlNode *reference, dx_why *why)
{
    xmlNode *digest = tlist_child(reference, TLIST_NS_DS, "DigestMethod");
    const char *name = algorithm(digest);
    if (!one_of(name, digest_methods))
        return tlist_refuse(why, 402, "DigestMethod \"%.100s\" is not allowed", or_none(name));
    xmlNode *value = tlist_next(digest);
    if (!tlist_is(value, TLIST_NS_DS, "DigestValue") || tlist_next(value) != NULL ||
        tlist_first(digest) != NULL)
        return tlist_refuse(why, 405, "a Reference has more than transforms, method and value");
    return DX_OKAY;
}

static bool is_transform(const xmlNode *node, const char *name)
{
    return tlist_is(node, TLIST_NS_DS, "Transform") && algorithm(node) != NULL &&
           strcmp(algorithm(node), name) == 0;
}

/* One canonicalisation, or nothing; a PrefixList inside exclusive canonicalisation changes prefixes only. */
static bool only_c14n(const xmlNode *transform)
{
    if (transform == NULL)
        return true;
    xmlNode *inside = tlist_first(transform);
    return tlist_is(transform, TLIST_NS_DS, "Transform") && one_of(algorithm(transform), c14n_methods) &&
           tlist_next(transform) == NULL &&
           (inside == NULL ||
            (tlist_is(inside, c14n_methods[0], "InclusiveNamespaces") && tlist_next(inside) == NULL));
}

static bool is_legacy(const xmlNode *transform)
{
    xmlNode *xpath = tlist_first(transform);
    if (!is_transform(transform, XPATH) || !tlist_is(xpath, TLIST_NS_DS, "XPath") ||
        tlist_next(xpath) != NULL)
        return false;
    dx_arena arena = {0};
    const char *text = tlist_text(xpath, &arena);
    bool same = false;
    if (text != NULL) {
        /* The prefix is free, the namespace is not. */
        const char *open = strstr(text, "self::"), *colon = open == NULL ? NULL : strchr(open + 6, ':');
        if (colon != NULL && (size_t)(colon - open) < 40 &&
            strncmp(text, "not(ancestor-or-self::", 22) == 0 && open == text + 16 &&
            strcmp(colon, ":Signature)") == 0) {
            char prefix[40] = "";
            memcpy(prefix, open + 6, (size_t)(colon - open) - 6);
            const xmlNs *ns = xmlSearchNs(xpath->doc, xpath, (const xmlChar *)prefix);
            same = ns != NULL && strcmp((const char *)ns->href, TLIST_NS_DS) == 0;
        }
    }
    dx_arena_fini(&arena);
    return same;
}

static struct dx_rc check_root_reference(const tlist_tree *tree, const xmlNode *reference, bool legacy,
                                         dx_why *why)
{
    const char *uri = tlist_attribute(reference, "URI"), *id = NULL;
    /* Common signing tools write Type="": it says as little as none. */
    const char *type = tlist_attribute(reference, "Type");
    if (type != NULL && type[0] != '\0')
        return tlist_refuse(why, 403, "the first reference has Type \"%.100s\"", type);
    for (const char *const *n = (const char *const[]){"Id", "ID", "id", NULL}; id == NULL && *n != NULL; n++)
        id = tlist_attribute(tree->root, *n);
    if (uri == NULL || (uri[0] != '\0' && (uri[0] != '#' || id == NULL || strcmp(uri + 1, id) != 0)))
        return tlist_refuse(why, 403, "the first reference has URI \"%.80s\"; the root is \"\"%s%.80s",
                            or_none(uri), id == NULL ? "" : " or #", id == NULL ? "" : id);
    xmlNode *transforms = tlist_first(reference), *first = tlist_first(transforms);
    if (!tlist_is(transforms, TLIST_NS_DS, "Transforms"))
        return tlist_refuse(why, 403, "the first reference has no transforms");
    bool enveloped = is_transform(first, ENVELOPED) && tlist_first(first) == NULL;
    if (!enveloped && !(legacy && is_legacy(first)))
        return tlist_refuse(why, 403, "the first transform is \"%.100s\", not enveloped-signature",
                            or_none(first == NULL ? NULL : algorithm(first)));
    if (!only_c14n(tlist_next(first)))
        return tlist_refuse(why, 403, "transform \"%.100s\" may not follow the enveloped-signature",
                            or_none(algorithm(tlist_next(first))));
    if (!tlist_is(tlist_next(transforms), TLIST_NS_DS, "DigestMethod"))
        return tlist_refuse(why, 405, "the first reference is not transforms, method and value");
    return check_digest(reference, why);
}

static struct dx_rc check_properties(tlist_signature_parts *p, const tlist_tree *tree, dx_why *why)
{
    xmlNode *object = tlist_child(p->signature, TLIST_NS_DS, "Object"), *qualifying = tlist_first(object);
    if (object == NULL)
        return tlist_refuse(why, 404, "the signature has no Object with QualifyingProperties");
    for (xmlNode *n = tlist_first(p->signature); n != NULL; n = tlist_next(n))
        if (tlist_is(n, TLIST_NS_DS, "Object") &&
            (n != object || !tlist_is(qualifying, TLIST_NS_XADES, "QualifyingProperties") ||
             tlist_next(qualifying) != NULL))
            return tlist_refuse(why, 405, "an Object of the signature holds more than QualifyingProperties");
    const char *id = tlist_attribute(p->signature, "Id"), *target = tlist_attribute(qualifying, "Target");
    if (id == NULL || target == NULL || target[0] != '#' || strcmp(target + 1, id) != 0)
        return tlist_refuse(why, 404,
                            "QualifyingProperties has Target \"%.80s\", the signature has Id \"%.80s\"",
                            or_none(target), or_none(id));
    size_t count = 0;
    for (const xmlNode *n = tree->root; n != NULL; n = tlist_walk(tree->root, n))
        count += tlist_is(n, TLIST_NS_XADES, "SignedProperties");
    p->properties = tlist_child(qualifying, TLIST_NS_XADES, "SignedProperties");
    if (count != 1 || p->properties == NULL)
        return tlist_refuse(why, 404, "the document has %zu SignedProperties%s", count,
                            p->properties == NULL ? ", none in this signature" : "");
    return DX_OKAY;
}

static struct dx_rc check_properties_reference(const tlist_signature_parts *p, const xmlNode *reference,
                                               dx_why *why)
{
    const char *type = tlist_attribute(reference, "Type"), *uri = tlist_attribute(reference, "URI");
    const char *id = tlist_attribute(p->properties, "Id");
    if (type == NULL || strcmp(type, "http://uri.etsi.org/01903#SignedProperties") != 0)
        return tlist_refuse(why, 404, "the second reference has Type \"%.80s\", not SignedProperties",
                            or_none(type));
    if (uri == NULL || id == NULL || uri[0] != '#' || strcmp(uri + 1, id) != 0)
        return tlist_refuse(why, 404,
                            "the second reference has URI \"%.80s\", SignedProperties has Id \"%.80s\"",
                            or_none(uri), or_none(id));
    xmlNode *transforms = tlist_first(reference);
    if (tlist_is(transforms, TLIST_NS_DS, "Transforms") && !only_c14n(tlist_first(transforms)))
        return tlist_refuse(why, 404, "the second reference has more than one canonicalisation");
    return check_digest(reference, why);
}

/* A third reference may cover the KeyInfo of this signature, nothing else. */
static struct dx_rc check_key_reference(const tlist_signature_parts *p, const xmlNode *reference, dx_why *why)
{
    const char *uri = tlist_attribute(reference, "URI");
    const char *id = p->key_info == NULL ? NULL : tlist_attribute(p->key_info, "Id");
    xmlNode *transforms = tlist_first(reference);
    if (uri == NULL || id == NULL || uri[0] != '#' || strcmp(uri + 1, id) != 0 ||
        (tlist_is(transforms, TLIST_NS_DS, "Transforms") && !only_c14n(tlist_first(transforms))))
        return tlist_refuse(why, 405, "a third reference covers \"%.80s\"", or_none(uri));
    return check_digest(reference, why);
}

DX_RC tlist_signature_shape(const tlist_tree *tree, bool legacy_xpath, tlist_signature_parts *out,
                            dx_why *why)
{
    tlist_signature_parts *p = out;
    *p = (tlist_signature_parts){.signature = tree->signature};
    p->signed_info = tlist_first(p->signature);
    p->value = tlist_next(p->signed_info);
    p->key_info = tlist_child(p->signature, TLIST_NS_DS, "KeyInfo");
    if (!tlist_is(p->signed_info, TLIST_NS_DS, "SignedInfo") ||
        !tlist_is(p->value, TLIST_NS_DS, "SignatureValue"))
        return tlist_refuse(why, 405, "the signature does not begin with SignedInfo and SignatureValue");
    /* Nobody follows it; a document that wants to be followed elsewhere is not a list all the same. */
    if (tlist_child(p->key_info, TLIST_NS_DS, "RetrievalMethod") != NULL)
        return tlist_refuse(why, 405, "KeyInfo points to a key elsewhere (RetrievalMethod)");
    DX_TRY(check_methods(p, why));
    xmlNode *reference = tlist_next(tlist_next(tlist_first(p->signed_info)));
    for (xmlNode *n = reference; n != NULL; n = tlist_next(n)) {
        if (!tlist_is(n, TLIST_NS_DS, "Reference"))
            return tlist_refuse(why, 405, "SignedInfo holds %.60s", (const char *)n->name);
        p->references++;
    }
    if (p->references == 0)
        return tlist_refuse(why, 405, "the signature has no reference");
    DX_TRY(check_root_reference(tree, reference, legacy_xpath, why));
    DX_TRY(check_properties(p, tree, why));
    if (p->references < 2 || p->references > 3)
        return tlist_refuse(why, 405, "the signature has %u references, not 2", p->references);
    DX_TRY(check_properties_reference(p, tlist_next(reference), why));
    return p->references == 2 ? DX_OKAY : check_key_reference(p, tlist_next(tlist_next(reference)), why);
}
