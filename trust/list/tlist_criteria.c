/* Criteria of the Qualifications extension, TS 119 612 5.5.9.2: read once, held against certificates later.
 */
#include "trust/list/tlist_criteria.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { CRITERIA_DEPTH_MAX = 8, CRITERIA_ROWS_MAX = 4096 };

static const char *const usage_names[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
                                          "dataEncipherment", "keyAgreement",   "keyCertSign",
                                          "crlSign",          "encipherOnly",   "decipherOnly"};

/* "urn:oid:1.2.3" or "1.2.3" with white space around it; NULL when it is no object identifier. */
static const char *oid_of(const xmlNode *node, dx_arena *arena)
{
    const char *text = tlist_text(node, arena);
    if (text == NULL)
        return NULL;
    if (strncasecmp(text, "urn:oid:", 8) == 0)
        text += 8;
    ASN1_OBJECT *object = OBJ_txt2obj(text, 1);
    ASN1_OBJECT_free(object);
    return object == NULL ? NULL : text;
}

static bool read_usage(const xmlNode *node, tlist_criterion *c)
{
    c->kind = BY_KEY_USAGE;
    for (const xmlNode *n = tlist_first(node); n != NULL; n = tlist_next(n)) {
        const char *name = tlist_attribute(n, "name");
        dx_arena arena = {0};
        const char *value = tlist_text(n, &arena);
        bool yes = value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
        bool no = value != NULL && (strcmp(value, "false") == 0 || strcmp(value, "0") == 0);
        dx_arena_fini(&arena);
        size_t bit = 0;
        while (bit < 9 && (name == NULL || strcasecmp(usage_names[bit], name) != 0))
            bit++;
        if (!tlist_is(n, TLIST_NS_SIE, "KeyUsageBit") || bit == 9 || !(yes || no))
            return false;
        c->bits_known |= 1u << bit;
        if (yes)
            c->bits_set |= 1u << bit;
    }
    return c->bits_known != 0;
}

/* All Identifier (or KeyPurposeId) elements below. */
static bool read_oids(const xmlNode *node, tlist_criterion_kind kind, dx_arena *arena, tlist_criterion *c)
{
    size_t room = 0;
    c->kind = kind;
    for (const xmlNode *n = node; n != NULL; n = tlist_walk(node, n))
        room++;
    c->oids = DX_ARENA_ARRAY(arena, const char *, room);
    if (c->oids == NULL)
        return false;
    for (const xmlNode *n = node; n != NULL; n = tlist_walk(node, n)) {
        bool leaf = tlist_is(n, TLIST_NS_XADES, "Identifier") ||
                    (strcmp((const char *)n->name, "KeyPurposeId") == 0 && tlist_first(n) == NULL);
        if (!leaf)
            continue;
        const char *oid = oid_of(n, arena);
        if (oid == NULL)
            return false;
        c->oids[c->oid_count++] = oid;
    }
    return c->oid_count > 0;
}

static struct tlist_criteria *read_list(const xmlNode *node, unsigned depth, dx_arena *arena, bool *usable);

static bool read_row(const xmlNode *n, unsigned depth, dx_arena *arena, tlist_criterion *c, bool *usable)
{
    if (tlist_is(n, TLIST_NS_SIE, "KeyUsage"))
        return read_usage(n, c);
    if (tlist_is(n, TLIST_NS_SIE, "PolicySet"))
        return read_oids(n, BY_POLICIES, arena, c);
    if (tlist_is(n, TLIST_NS_ADD, "CertSubjectDNAttribute"))
        return read_oids(n, BY_SUBJECT, arena, c);
    if (tlist_is(n, TLIST_NS_ADD, "ExtendedKeyUsage"))
        return read_oids(n, BY_PURPOSES, arena, c);
    if (tlist_is(n, TLIST_NS_MRA, "QcStatementSet"))
        return tlist_statements_read(n, arena, c);
    if (tlist_is(n, TLIST_NS_SIE, "CriteriaList")) {
        c->kind = BY_LIST;
        c->list = read_list(n, depth + 1, arena, usable);
        return c->list != NULL;
    }
    return tlist_is(n, TLIST_NS_SIE, "Description") ? (c->kind = BY_NOTHING, true) : false;
}

static struct tlist_criteria *read_list(const xmlNode *node, unsigned depth, dx_arena *arena, bool *usable)
{
    struct tlist_criteria *list = DX_ARENA_NEW(arena, struct tlist_criteria);
    if (list == NULL || depth > CRITERIA_DEPTH_MAX)
        return NULL;
    const char *word = tlist_attribute(node, "assert");
    if (word == NULL || strcmp(word, "all") == 0)
        list->assert_ = ASSERT_ALL;
    else if (strcmp(word, "atLeastOne") == 0)
        list->assert_ = ASSERT_SOME;
    else if (strcmp(word, "none") == 0)
        list->assert_ = ASSERT_NONE;
    else
        *usable = false;
    size_t room = 0;
    for (const xmlNode *n = tlist_first(node); n != NULL; n = tlist_next(n)) {
        room++;
        for (const xmlNode *k = tlist_first(n); k != NULL; k = tlist_next(k))
            room++;
    }
    list->rows = DX_ARENA_ARRAY(arena, tlist_criterion, room + 1);
    if (list->rows == NULL || room > CRITERIA_ROWS_MAX)
        return NULL;
    for (const xmlNode *n = tlist_first(node); n != NULL; n = tlist_next(n)) {
        bool other = tlist_is(n, TLIST_NS_SIE, "otherCriteriaList");
        const xmlNode *row = other ? tlist_first(n) : n;
        for (; row != NULL; row = other ? tlist_next(row) : NULL) {
            tlist_criterion c = {.kind = BY_NOTHING};
            if (!read_row(row, depth, arena, &c, usable))
                *usable = false;
            else if (c.kind != BY_NOTHING)
                list->rows[list->row_count++] = c;
            list->has_statements |= c.kind == BY_STATEMENTS || (c.list != NULL && c.list->has_statements);
        }
    }
    return list;
}

struct tlist_criteria *tlist_criteria_read_content(const xmlNode *list, dx_arena *arena, bool *usable)
{
    *usable = true;
    struct tlist_criteria *criteria = read_list(list, 1, arena, usable);
    if (criteria == NULL)
        *usable = false;
    return criteria;
}

/* Lists of services have no QcStatementSet: one that has is not understood. */
struct tlist_criteria *tlist_criteria_read(const xmlNode *list, dx_arena *arena, bool *usable)
{
    struct tlist_criteria *criteria = tlist_criteria_read_content(list, arena, usable);
    *usable = *usable && !criteria->has_statements;
    return criteria;
}

void tlist_criteria_hash(const struct tlist_criteria *list, dx_hash *hash)
{
    if (list == NULL) {
        dx_hash_add(hash, DX_BYTES("-"));
        return;
    }
    char text[64];
    int size = snprintf(text, sizeof text, "(%d %zu", (int)list->assert_, list->row_count);
    dx_hash_add(hash, dx_bytes_of(text, (size_t)size));
    for (size_t i = 0; i < list->row_count; i++) {
        const tlist_criterion *c = &list->rows[i];
        size = snprintf(text, sizeof text, "[%d %x %x %zu", (int)c->kind, c->bits_known, c->bits_set,
                        c->oid_count);
        dx_hash_add(hash, dx_bytes_of(text, (size_t)size));
        for (size_t k = 0; k < c->oid_count; k++) {
            dx_hash_add(hash, DX_BYTES(" "));
            dx_hash_add(hash, dx_bytes_text(c->oids[k]));
        }
        if (c->kind == BY_LIST)
            tlist_criteria_hash(c->list, hash);
    }
    dx_hash_add(hash, DX_BYTES(")"));
}

/* ---- against a certificate ---- */

static bool has_policy(const CERTIFICATEPOLICIES *policies, const char *want)
{
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        char oid[128];
        OBJ_obj2txt(oid, sizeof oid, sk_POLICYINFO_value(policies, i)->policyid, 1);
        if (strcmp(oid, want) == 0)
            return true;
    }
    return false;
}

static bool match_oids(const tlist_criterion *c, const X509 *x509)
{
    bool ok = true;
    CERTIFICATEPOLICIES *policies =
        c->kind == BY_POLICIES ? X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL) : NULL;
    EXTENDED_KEY_USAGE *eku =
        c->kind == BY_PURPOSES ? X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL) : NULL;
    for (size_t i = 0; ok && i < c->oid_count; i++) {
        ASN1_OBJECT *object = OBJ_txt2obj(c->oids[i], 1);
        if (object == NULL) {
            ok = false;
        } else if (c->kind == BY_POLICIES) {
            ok = has_policy(policies, c->oids[i]);
        } else if (c->kind == BY_SUBJECT) {
            ok = X509_NAME_get_index_by_OBJ(X509_get_subject_name(x509), object, -1) >= 0;
        } else {
            bool found = false;
            for (int k = 0; k < sk_ASN1_OBJECT_num(eku); k++)
                found |= OBJ_cmp(sk_ASN1_OBJECT_value(eku, k), object) == 0;
            ok = found;
        }
        ASN1_OBJECT_free(object);
    }
    CERTIFICATEPOLICIES_free(policies);
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    return ok;
}

static bool match_usage(const tlist_criterion *c, const X509 *x509)
{
    ASN1_BIT_STRING *bits = X509_get_ext_d2i(x509, NID_key_usage, NULL, NULL);
    uint32_t set = 0;
    for (int i = 0; bits != NULL && i < 9; i++)
        set |= ASN1_BIT_STRING_get_bit(bits, i) ? 1u << i : 0;
    bool ok = bits != NULL && (set & c->bits_known) == c->bits_set;
    ASN1_BIT_STRING_free(bits);
    return ok;
}

static bool match(const struct tlist_criteria *list, const X509 *x509, const tlist_statements *stated)
{
    size_t yes = 0;
    for (size_t i = 0; i < list->row_count; i++) {
        const tlist_criterion *c = &list->rows[i];
        yes += c->kind == BY_LIST         ? match(c->list, x509, stated)
               : c->kind == BY_KEY_USAGE  ? match_usage(c, x509)
               : c->kind == BY_STATEMENTS ? tlist_statements_match(c, stated)
                                          : match_oids(c, x509);
    }
    return list->assert_ == ASSERT_ALL    ? yes == list->row_count
           : list->assert_ == ASSERT_SOME ? yes > 0
                                          : yes == 0;
}

bool tlist_criteria_match_stated(const struct tlist_criteria *criteria, dx_bytes certificate_der,
                                 const tlist_statements *stated)
{
    const unsigned char *at = certificate_der.data;
    X509 *x509 = criteria == NULL ? NULL : d2i_X509(NULL, &at, (long)certificate_der.size);
    bool ok = x509 != NULL && match(criteria, x509, stated);
    X509_free(x509);
    return ok;
}

size_t tlist_criteria_policies(const struct tlist_criteria *criteria, const char *const **oids)
{
    if (criteria == NULL || criteria->assert_ != ASSERT_ALL || criteria->row_count != 1 ||
        criteria->rows[0].kind != BY_POLICIES)
        return 0;
    *oids = criteria->rows[0].oids;
    return criteria->rows[0].oid_count;
}

bool tlist_criteria_match(const struct tlist_criteria *criteria, dx_bytes certificate_der)
{
    static const tlist_statements none;
    return tlist_criteria_match_stated(criteria, certificate_der, &none);
}
