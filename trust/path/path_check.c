#include "trust/path/path_private.h"

#include <arpa/inet.h>

/* What a certificate may be used for, as leaf or as issuer (identity.md 7), as the row of the profile says.
 */

#define ANY_USAGE "2.5.29.37.0"

size_t path_intermediates(const path_search *s)
{
    size_t n = 0;
    for (size_t i = 1; i < s->depth; i++)
        n += !s->facts[i]->self_issued;
    return n;
}

const char *path_check_dates(const path_search *s, const path_certificate *c)
{
    if (!c->facts.dated)
        return "ID-107";
    return s->in->at_s < c->facts.from_s ? "ID-203" : s->in->at_s > c->facts.until_s ? "ID-204" : NULL;
}

const char *path_check_issuer(const cert_facts *ca, size_t intermediates_below)
{
    if (!ca->has_basic_constraints || !ca->ca)
        return "ID-206";
    if (ca->has_key_usage && !(ca->key_usage & CERT_KEY_CERT_SIGN))
        return "ID-207";
    if (ca->path_length >= 0 && intermediates_below > (size_t)ca->path_length)
        return "ID-208";
    return NULL;
}

/* A key identifier that is there names the key of the certificate itself and nothing else, and the usages are
 * the CA's to choose for those below (CA/Browser Forum BR 7.1.2.1). */
static bool web_root_ok(const cert_facts *f)
{
    bool own_key = !f->has_authority_key || !f->self_issued ||
                   (f->authority_key_bare && dx_bytes_equal(f->authority_key_id, f->subject_key_id));
    return own_key && !f->ext_key_usage.present;
}

const char *path_check_anchor_form(const path_search *s, const path_certificate *anchor)
{
    const cert_faults own = CERT_FAULT(103) | CERT_FAULT(104) | CERT_FAULT(112) | CERT_FAULT(119);
    path_certificate looked_at = *anchor;
    looked_at.facts.faults &= ~own; /* whoever vouches for it has seen those */
    const char *id = path_check_form(s, &looked_at);
    if (id == NULL && anchor->facts.subject_key_id.size == 0)
        id = "ID-112";
    if (id == NULL && s->rules->form == FORM_WEBPKI && !web_root_ok(&anchor->facts))
        id = "ID-112";
    return id;
}

static bool usage_fits(const cert_facts *f, const char *usage, bool any_too)
{
    return cert_has_usage(f, usage) || (any_too && cert_has_usage(f, ANY_USAGE));
}

const char *path_check_nested(const path_rules *rules, const cert_facts *ca)
{
    bool limits = rules->nested_usage && rules->usage != NULL && ca->ext_key_usage.present;
    return limits && !usage_fits(ca, rules->usage, !rules->nested_exact) ? "ID-213" : NULL;
}

/* Critical, and the only one. */
static bool is_sole(const cert_facts *f, const char *usage)
{
    dx_bytes rest = f->ext_key_usage.value, oid;
    return f->ext_key_usage.present && f->ext_key_usage.critical && cert_oid_next(&rest, &oid) &&
           der_oid_is(oid, usage) && rest.size == 0;
}

static bool leaf_usage_ok(const path_rules *rules, const cert_facts *f)
{
    if (rules->usage == NULL)
        return true;
    switch (rules->leaf_usage) {
    case USAGE_FREE:
        return true;
    case USAGE_OPTIONAL:
        return !f->ext_key_usage.present || usage_fits(f, rules->usage, true);
    case USAGE_OPTIONAL_EXACT:
        return !f->ext_key_usage.present || usage_fits(f, rules->usage, false);
    case USAGE_SOLE:
        return is_sole(f, rules->usage);
    case USAGE_SEAL: /* what the listed service makes of it is asked when the path stands */
        return f->ext_key_usage.present ? usage_fits(f, rules->usage, false) : f->qc_statements.present;
    case USAGE_REQUIRED:
        return usage_fits(f, rules->usage, false);
    case USAGE_WITHOUT_ANY:
        return usage_fits(f, rules->usage, false) && !cert_has_usage(f, ANY_USAGE);
    }
    return false;
}

static bool leaf_key_usage_ok(const path_rules *rules, const cert_facts *f)
{
    if (rules->leaf_key_usage == 0)
        return true;
    return f->has_key_usage ? (f->key_usage & rules->leaf_key_usage) != 0 : !rules->key_usage_required;
}

/* The name as it stands, or the domain that a wildcard is for. */
static bool name_covers(dx_bytes name, dx_bytes text)
{
    return dx_bytes_equal(name, text) ||
           (dx_bytes_starts(name, "*.") && dx_bytes_equal(dx_bytes_part(name, 2, name.size), text));
}

/* Is this text one of the names in subjectAltName, an address as it is usually written? */
static bool is_named(const cert_facts *f, dx_bytes text)
{
    dx_bytes rest = f->alt_names.value;
    der_item name;
    char address[INET6_ADDRSTRLEN];
    while (der_next(&rest, &name)) {
        bool four = name.value.size == 4;
        if (name.tag == DER_CONTEXT(2) && name_covers(name.value, text))
            return true;
        if (name.tag == DER_CONTEXT(7) && (four || name.value.size == 16) &&
            inet_ntop(four ? AF_INET : AF_INET6, name.value.data, address, sizeof address) != NULL &&
            dx_bytes_is(text, address))
            return true;
    }
    return false;
}

/* CA/Browser Forum BR 7.1.4.3: a commonName repeats one of the names, it never adds one. */
static bool common_names_ok(const cert_facts *f)
{
    dx_bytes rest, set, pair, oid;
    der_item value;
    if (!der_only(f->subject, DER_SEQUENCE, &rest))
        return false;
    while (rest.size > 0) {
        if (!der_take(&rest, DER_SET, &set))
            return false;
        while (set.size > 0)
            if (!der_take(&set, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &oid) ||
                !der_next(&pair, &value) || (der_oid_is(oid, "2.5.4.3") && !is_named(f, value.value)))
                return false;
    }
    return true;
}

const char *path_check_leaf(const path_search *s)
{
    const cert_facts *f = &s->leaf.facts;
    bool listed = s->depth == 1; /* itself a service identity: the rules for CAs do not hold */
    if (!listed && !s->rules->leaf_may_be_ca && f->ca)
        return "ID-214";
    if (!leaf_key_usage_ok(s->rules, f))
        return "ID-217";
    if (!leaf_usage_ok(s->rules, f))
        return "ID-213";
    if (s->rules->host && s->in->host != NULL && !name_constraint_host(f, s->in->host))
        return "ID-218";
    return s->rules->common_name_repeats && !common_names_ok(f) ? "ID-218" : NULL;
}

const char *path_check_policies(path_search *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->hit_count; i++) {
        const tlist_interval *interval = s->hits[i].interval;
        bool all = true;
        for (uint32_t k = 0; k < interval->require_policy_count; k++)
            all = all && cert_has_policy(&s->leaf.facts, interval->require_policy_oids[k]);
        if (all)
            s->hits[kept++] = s->hits[i];
    }
    s->hit_count = kept;
    return kept > 0 ? NULL : "ID-308";
}
