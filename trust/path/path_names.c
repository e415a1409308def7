#include "trust/path/path_private.h"

#include <openssl/x509v3.h>

/* Names of certificates and the constraints that CAs put on them (identity.md 5 and 7.3). */

#define NAMES_MAX    200
#define SUBTREES_MAX 256

static dx_bytes text_of(const ASN1_STRING *s)
{
    return dx_bytes_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Labels of letters, digits and hyphens; a wildcard is the whole leftmost label with two behind it. */
static bool dns_ok(dx_bytes name, bool *underscore)
{
    size_t label = 0, labels = 1, from = 0;
    bool wild = name.size > 1 && name.data[0] == '*' && name.data[1] == '.';
    if (name.size == 0 || name.size > 253)
        return false;
    if (wild)
        from = 2;
    for (size_t i = from; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            labels++;
            continue;
        }
        *underscore |= c == '_';
        if ((!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '_') || ++label > 63)
            return false;
    }
    return label > 0 && (!wild || labels >= 2);
}

static bool mailbox_ok(dx_bytes name)
{
    size_t at = 0;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
            return false;
        at += name.data[i] == '@';
    }
    return at == 1 && name.data[0] != '@' && name.data[name.size - 1] != '@';
}

/* RFC 3986 3.1: a scheme stands in front. */
static bool uri_ok(dx_bytes name)
{
    size_t i = 0;
    while (i < name.size && (is_letter(name.data[i]) ||
                             (i > 0 && ((name.data[i] >= '0' && name.data[i] <= '9') || name.data[i] == '+' ||
                                        name.data[i] == '-' || name.data[i] == '.'))))
        i++;
    return i > 0 && i < name.size && name.data[i] == ':';
}

static bool name_ok(const GENERAL_NAME *g, bool *underscore)
{
    switch (g->type) {
    case GEN_DNS:
        return dns_ok(text_of(g->d.ia5), underscore);
    case GEN_EMAIL:
        return mailbox_ok(text_of(g->d.ia5));
    case GEN_URI:
        return uri_ok(text_of(g->d.ia5));
    case GEN_IPADD:
        return ASN1_STRING_length(g->d.ip) == 4 || ASN1_STRING_length(g->d.ip) == 16;
    default:
        return true;
    }
}

static const char *check_alternative(const path_search *s, const X509 *x)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool underscore = false;
    int count = names == NULL ? -1 : sk_GENERAL_NAME_num(names);
    const char *id = count > NAMES_MAX ? "ID-116" : count == 0 ? "ID-115" : NULL;
    for (int i = 0; id == NULL && i < count; i++)
        if (!name_ok(sk_GENERAL_NAME_value(names, i), &underscore))
            id = "ID-115";
    GENERAL_NAMES_free(names);
    if (id == NULL && underscore) {
        if (s->in->profile == PATH_RFC5280_STRICT || s->in->profile == PATH_WEBPKI)
            return "ID-115";
        path_remark(s->out, "ID-115");
    }
    return id;
}

/* RFC 5280 4.2.1.10: minimum is 0, maximum is absent. */
static bool subtrees_ok(const STACK_OF(GENERAL_SUBTREE) * all)
{
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(all); i++) {
        const GENERAL_SUBTREE *t = sk_GENERAL_SUBTREE_value(all, i);
        if ((t->minimum != NULL && ASN1_INTEGER_get(t->minimum) != 0) || t->maximum != NULL)
            return false;
    }
    return all == NULL || sk_GENERAL_SUBTREE_num(all) > 0;
}

static const char *check_constraints_form(X509 *x)
{
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(x, NID_name_constraints, NULL, NULL);
    if (nc == NULL)
        return NULL;
    int count = (nc->permittedSubtrees == NULL ? 0 : sk_GENERAL_SUBTREE_num(nc->permittedSubtrees)) +
                (nc->excludedSubtrees == NULL ? 0 : sk_GENERAL_SUBTREE_num(nc->excludedSubtrees));
    bool ok = (X509_get_extension_flags(x) & EXFLAG_CA) != 0 && count > 0 &&
              subtrees_ok(nc->permittedSubtrees) && subtrees_ok(nc->excludedSubtrees);
    NAME_CONSTRAINTS_free(nc);
    return !ok ? "ID-118" : count > SUBTREES_MAX ? "ID-116" : NULL;
}

const char *path_check_name_form(const path_search *s, X509 *x)
{
    const char *id = check_alternative(s, x);
    return id != NULL ? id : check_constraints_form(x);
}

/* "*.x" stands for every name one label below x, so one of them may be excluded though "*.x" itself, read as
 * a name, is not: excluded "a.x" (or ".a.x", strictly below it, which no single label reaches). */
static bool wildcard_hits(dx_bytes wild, dx_bytes excluded)
{
    size_t behind = wild.size - 1; /* ".x" */
    if (excluded.size <= behind || excluded.data[0] == '.')
        return false;
    dx_bytes label = dx_bytes_part(excluded, 0, excluded.size - behind);
    return dx_bytes_equal_nocase(dx_bytes_part(excluded, label.size, behind),
                                 dx_bytes_part(wild, 1, behind)) &&
           memchr(label.data, '.', label.size) == NULL;
}

static bool wildcard_excluded(const X509 *x, const NAME_CONSTRAINTS *nc)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    bool hit = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type != GEN_DNS || !dx_bytes_starts(text_of(g->d.ia5), "*."))
            continue;
        for (int k = 0; k < sk_GENERAL_SUBTREE_num(nc->excludedSubtrees); k++) {
            const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(nc->excludedSubtrees, k)->base;
            hit |= base->type == GEN_DNS && wildcard_hits(text_of(g->d.ia5), text_of(base->d.ia5));
        }
    }
    GENERAL_NAMES_free(names);
    return hit;
}

static const char *compare(X509 *x, NAME_CONSTRAINTS *nc)
{
    if (wildcard_excluded(x, nc))
        return "ID-209";

    switch (NAME_CONSTRAINTS_check(x, nc)) {
    case X509_V_OK:
        return NULL;
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
        return "ID-210";
    default:
        return "ID-209";
    }
}

const char *path_check_names(const path_search *s)
{
    for (size_t ca = 1; ca < s->depth; ca++) {
        int critical;
        NAME_CONSTRAINTS *nc = X509_get_ext_d2i(s->chain[ca]->x, NID_name_constraints, &critical, NULL);
        /* Of an anchor nobody has looked at the form: what cannot be read constrains everything. */
        const char *id = nc == NULL && critical != -1 ? "ID-118" : NULL;
        for (size_t i = 0; nc != NULL && id == NULL && i < ca; i++) {
            bool self_issued = i > 0 && X509_NAME_cmp(X509_get_subject_name(s->chain[i]->x),
                                                      X509_get_issuer_name(s->chain[i]->x)) == 0;
            if (!self_issued)
                id = compare(s->chain[i]->x, nc);
        }
        NAME_CONSTRAINTS_free(nc);
        if (id != NULL)
            return id;
    }
    return NULL;
}
