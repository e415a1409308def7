#include "trust/list/tlist_private.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* CriteriaList of a QualificationElement (TS 119 612 5.5.9.2.2): read once, judged per certificate. */

#define CRITERIA_DEPTH_MAX 8

typedef enum { ALL, AT_LEAST_ONE, NONE } assert_kind;
typedef enum { KEY_USAGE, POLICY_SET, SUBJECT_DN, EXTENDED_USAGE, LIST } leaf_kind;

typedef struct {
    leaf_kind                    kind;
    const char                 **oids; /* POLICY_SET, SUBJECT_DN, EXTENDED_USAGE */
    size_t                       oid_count;
    uint32_t                     bits, wanted; /* KEY_USAGE: named bits and their values */
    const struct tlist_criteria *list;
} leaf;

struct tlist_criteria {
    assert_kind kind;
    leaf       *leaves;
    size_t      count;
};

static const char *read_oid(const xmlNode *n, dx_arena *arena)
{
    dx_bytes text = tlist_text(n, arena);
    if (dx_bytes_starts(text, "urn:oid:") || dx_bytes_starts(text, "URN:OID:"))
        text = dx_bytes_part(text, 8, text.size);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != '.' && (text.data[i] < '0' || text.data[i] > '9'))
            return NULL;
    return text.size > 0 && text.data[0] != '.' ? dx_arena_text(arena, text) : NULL;
}

/* Every element below `n` whose name is one of those that hold an OID. */
static bool read_oids(const xmlNode *n, dx_arena *arena, leaf *out)
{
    size_t room = 0;
    for (const xmlNode *c = tlist_first_element(n); c != NULL; c = tlist_next_element(c))
        room++;
    out->oids = DX_ARENA_ARRAY(arena, const char *, room);
    for (const xmlNode *c = tlist_first_element(n); c != NULL && out->oids != NULL; c = tlist_next_element(c)) {
        const xmlNode *id = c;
        while (id != NULL && strcmp((const char *)id->name, "Identifier") != 0)
            id = tlist_first_element(id);
        const char *oid = id == NULL ? NULL : read_oid(id, arena);
        if (oid == NULL)
            return false;
        out->oids[out->oid_count++] = oid;
    }
    return out->oids != NULL && out->oid_count > 0;
}

static bool read_usage(const xmlNode *n, leaf *out)
{
    static const struct {
        const char *name;
        uint32_t    bit;
    } names[] = {{"digitalSignature", KU_DIGITAL_SIGNATURE}, {"nonRepudiation", KU_NON_REPUDIATION}, {"keyEncipherment", KU_KEY_ENCIPHERMENT},
                 {"dataEncipherment", KU_DATA_ENCIPHERMENT}, {"keyAgreement", KU_KEY_AGREEMENT}, {"keyCertSign", KU_KEY_CERT_SIGN},
                 {"crlSign", KU_CRL_SIGN}, {"encipherOnly", KU_ENCIPHER_ONLY}, {"decipherOnly", KU_DECIPHER_ONLY}};
    for (const xmlNode *b = tlist_first_element(n); b != NULL; b = tlist_next_element(b)) {
        xmlChar *name = xmlGetNoNsProp((xmlNode *)(uintptr_t)b, (const xmlChar *)"name");
        dx_arena scratch = {0};
        dx_bytes value = tlist_text(b, &scratch);
        bool     on = dx_bytes_is(value, "true") || dx_bytes_is(value, "1"), known = false;
        for (size_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++)
            if (strcmp((const char *)name, names[i].name) == 0) {
                known = true;
                out->bits |= names[i].bit;
                out->wanted |= on ? names[i].bit : 0;
            }
        xmlFree(name);
        dx_arena_fini(&scratch);
        if (!known)
            return false;
    }
    return true;
}

static const struct tlist_criteria *read_list(const xmlNode *n, dx_arena *arena, unsigned depth, bool *usable)
{
    struct tlist_criteria *c = DX_ARENA_NEW(arena, struct tlist_criteria);
    size_t                 room = 0;
    for (const xmlNode *e = tlist_first_element(n); e != NULL; e = tlist_next_element(e))
        room += 16;
    if (c == NULL || (c->leaves = DX_ARENA_ARRAY(arena, leaf, room)) == NULL || depth > CRITERIA_DEPTH_MAX) {
        *usable = false;
        return c;
    }
    xmlChar *a = xmlGetNoNsProp((xmlNode *)(uintptr_t)n, (const xmlChar *)"assert");
    if (a != NULL && strcmp((const char *)a, "atLeastOne") == 0)
        c->kind = AT_LEAST_ONE;
    else if (a != NULL && strcmp((const char *)a, "none") == 0)
        c->kind = NONE;
    else if (a != NULL && strcmp((const char *)a, "all") != 0)
        *usable = false;
    xmlFree(a);
    for (const xmlNode *e = tlist_first_element(n); e != NULL; e = tlist_next_element(e)) {
        const char *name = (const char *)e->name;
        leaf       *l = &c->leaves[c->count];
        if (strcmp(name, "Description") == 0)
            continue;
        if (c->count + 1 >= room) {
            *usable = false;
            break;
        }
        if (strcmp(name, "KeyUsage") == 0) {
            l->kind = KEY_USAGE;
            *usable &= read_usage(e, l);
            c->count++;
        } else if (strcmp(name, "PolicySet") == 0) {
            l->kind = POLICY_SET;
            *usable &= read_oids(e, arena, l);
            c->count++;
        } else if (strcmp(name, "CriteriaList") == 0) {
            l->kind = LIST;
            l->list = read_list(e, arena, depth + 1, usable);
            c->count++;
        } else if (strcmp(name, "otherCriteriaList") == 0) {
            for (const xmlNode *o = tlist_first_element(e); o != NULL; o = tlist_next_element(o)) {
                l = &c->leaves[c->count];
                bool subject = strcmp((const char *)o->name, "CertSubjectDNAttribute") == 0, usage = strcmp((const char *)o->name, "ExtendedKeyUsage") == 0;
                l->kind = subject ? SUBJECT_DN : EXTENDED_USAGE;
                if ((!subject && !usage) || c->count + 1 >= room || !read_oids(o, arena, l))
                    *usable = false;
                else
                    c->count++;
            }
        } else {
            *usable = false;
        }
    }
    return c;
}

const struct tlist_criteria *tlist_criteria_read(const xmlNode *n, dx_arena *arena, bool *usable)
{
    *usable = n != NULL;
    return n == NULL ? NULL : read_list(n, arena, 1, usable);
}

static bool holds(const STACK_OF(ASN1_OBJECT) *set, const char *oid)
{
    for (int i = 0; set != NULL && i < sk_ASN1_OBJECT_num(set); i++) {
        char text[128];
        OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(set, i), 1);
        if (strcmp(text, oid) == 0)
            return true;
    }
    return false;
}

static bool has_policy(X509 *x, const char *oid)
{
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x, NID_certificate_policies, NULL, NULL);
    bool                 found = false;
    for (int i = 0; policies != NULL && i < sk_POLICYINFO_num(policies); i++) {
        char text[128];
        OBJ_obj2txt(text, sizeof text, sk_POLICYINFO_value(policies, i)->policyid, 1);
        found |= strcmp(text, oid) == 0;
    }
    CERTIFICATEPOLICIES_free(policies);
    return found;
}

static bool has_attribute(X509 *x, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    bool         found = object != NULL && X509_NAME_get_index_by_OBJ(X509_get_subject_name(x), object, -1) >= 0;
    ASN1_OBJECT_free(object);
    return found;
}

static bool match(const struct tlist_criteria *c, X509 *x);

static bool match_leaf(const leaf *l, X509 *x)
{
    if (l->kind == LIST)
        return match(l->list, x);
    if (l->kind == KEY_USAGE) {
        uint32_t usage = X509_get_key_usage(x);
        return (X509_get_extension_flags(x) & EXFLAG_KUSAGE) != 0 && (usage & l->bits) == l->wanted;
    }
    EXTENDED_KEY_USAGE *eku = l->kind == EXTENDED_USAGE ? X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL) : NULL;
    bool                all = true;
    for (size_t i = 0; i < l->oid_count && all; i++)
        all = l->kind == POLICY_SET ? has_policy(x, l->oids[i]) : l->kind == SUBJECT_DN ? has_attribute(x, l->oids[i]) : holds(eku, l->oids[i]);
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    return all;
}

static bool match(const struct tlist_criteria *c, X509 *x)
{
    bool any = false, all = true;
    for (size_t i = 0; i < c->count; i++) {
        bool m = match_leaf(&c->leaves[i], x);
        any |= m;
        all &= m;
    }
    return c->kind == ALL ? all : c->kind == AT_LEAST_ONE ? any : !any;
}

bool tlist_criteria_match(const struct tlist_criteria *criteria, dx_bytes certificate_der)
{
    const uint8_t *p = certificate_der.data;
    X509          *x = criteria == NULL ? NULL : d2i_X509(NULL, &p, (long)certificate_der.size);
    bool           matched = x != NULL && match(criteria, x);
    X509_free(x);
    return matched;
}
