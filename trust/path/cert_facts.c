#include "trust/path/cert_facts.h"

#include "trust/base/digest.h"
#include "trust/path/cert_extension.h"
#include "trust/path/cert_name.h"

/* RFC 5280 4.1, field by field. What cannot be read ends the reading; what breaks a rule is noted. */

static void fault(cert_facts *c, int id, bool bad)
{
    if (bad)
        c->faults |= CERT_FAULT(id);
}

/* RFC 5280 4.1.2.1: the default, version 1, is not written (X.690 11.5). */
static bool read_version(dx_bytes *tbs, cert_facts *c)
{
    dx_bytes outer, number;
    bool present;
    uint64_t version = 0;
    if (!der_optional(tbs, DER_CONSTRUCTED(0), &outer, &present))
        return false;
    if (present &&
        (!der_only(outer, DER_INTEGER, &number) || !der_u64(number, &version) || version == 0 || version > 2))
        return false;
    c->version = (int)version + 1;
    fault(c, 103, c->version != 3);
    return true;
}

static bool read_serial(dx_bytes *tbs, cert_facts *c)
{
    if (!der_take(tbs, DER_INTEGER, &c->serial) || !der_integer_ok(c->serial))
        return false;
    bool zero = c->serial.size == 1 && c->serial.data[0] == 0;
    fault(c, 104, zero || c->serial.data[0] >= 0x80 || c->serial.size > 20);
    return true;
}

/* RFC 5280 4.1.2.5: dates through 2049 are UTCTime. */
static bool read_time(dx_bytes *in, int64_t *unix_s, cert_facts *c)
{
    const int64_t year_2050_s = 2524608000;
    der_item item;
    if (!der_next(in, &item))
        return false;
    bool ok = der_time(item.tag, item.value, unix_s);
    c->dated &= ok;
    c->faults |= ok && item.tag == DER_GENERALIZED_TIME && *unix_s < year_2050_s ? CERT_FAULT_DATE_LONG : 0;
    return item.tag == DER_UTC_TIME || item.tag == DER_GENERALIZED_TIME;
}

static bool read_validity(dx_bytes *tbs, cert_facts *c)
{
    dx_bytes validity;
    c->dated = true;
    if (!der_take(tbs, DER_SEQUENCE, &validity) || !read_time(&validity, &c->from_s, c) ||
        !read_time(&validity, &c->until_s, c) || validity.size != 0)
        return false;
    fault(c, 107, !c->dated || c->from_s > c->until_s);
    return true;
}

/* An AlgorithmIdentifier, taken whole: an OID, then at most one item. */
static bool take_algorithm(dx_bytes *in, dx_bytes *whole)
{
    dx_bytes inside, oid;
    der_item parameters;
    dx_bytes rest;
    return der_take_whole(in, DER_SEQUENCE, whole) &&
           (rest = *whole, der_only(rest, DER_SEQUENCE, &inside)) && der_take(&inside, DER_OID, &oid) &&
           der_oid_ok(oid) && (inside.size == 0 || (der_next(&inside, &parameters) && inside.size == 0));
}

/* The bits of a BIT STRING that holds octets. */
static bool octets_of(dx_bytes bits, dx_bytes *out)
{
    if (bits.size < 1 || bits.data[0] != 0)
        return false;
    *out = dx_bytes_part(bits, 1, bits.size);
    return true;
}

static bool key_ok(dx_bytes spki)
{
    dx_bytes inside, algorithm, bits;
    return der_only(spki, DER_SEQUENCE, &inside) && take_algorithm(&inside, &algorithm) &&
           der_take(&inside, DER_BIT_STRING, &bits) && octets_of(bits, &bits) && inside.size == 0;
}

static bool read_tbs(dx_bytes tbs, cert_facts *c, bool *subject_empty)
{
    dx_bytes inner, unique[2], extensions;
    bool issuer_empty, unique_present[2], present;
    if (!read_version(&tbs, c) || !read_serial(&tbs, c) || !take_algorithm(&tbs, &inner) ||
        !der_take_whole(&tbs, DER_SEQUENCE, &c->issuer) || !cert_name_read(c->issuer, &issuer_empty) ||
        !read_validity(&tbs, c) || !der_take_whole(&tbs, DER_SEQUENCE, &c->subject) ||
        !cert_name_read(c->subject, subject_empty) || !der_take_whole(&tbs, DER_SEQUENCE, &c->spki) ||
        !key_ok(c->spki) || !der_optional(&tbs, DER_CONTEXT(1), &unique[0], &unique_present[0]) ||
        !der_optional(&tbs, DER_CONTEXT(2), &unique[1], &unique_present[1]) ||
        !der_optional(&tbs, DER_CONSTRUCTED(3), &extensions, &present) || tbs.size != 0)
        return false;
    fault(c, 105, !dx_bytes_equal(inner, c->signature_algorithm));
    fault(c, 106, issuer_empty);
    fault(c, 119, unique_present[0] || unique_present[1]);
    fault(c, 116, c->subject.size > CERT_NAME_MAX_BYTES || c->issuer.size > CERT_NAME_MAX_BYTES);
    fault(c, 103, present && c->version != 3);
    return !present || cert_extensions_read(extensions, c);
}

/* Rules that need more than one part (RFC 5280 4.1.2.6, 4.2.1.1 to 4.2.1.10). */
static void relate(cert_facts *c, bool subject_empty)
{
    c->self_issued = cert_name_equal(c->subject, c->issuer);
    fault(c, 106, c->ca && subject_empty);
    fault(c, 111, subject_empty && c->alt_names.present && !c->alt_names.critical);
    c->faults |= !subject_empty && c->alt_names.present && c->alt_names.critical ? CERT_FAULT_NAMES_HARD : 0;
    /* Nothing is known yet of who signed it: a key identifier that is its own will do for "itself". */
    bool own = c->self_issued &&
               (c->authority_key_id.size == 0 || dx_bytes_equal(c->authority_key_id, c->subject_key_id));
    fault(c, 112, (c->authority_key_id.size == 0 && !own) || (c->ca && c->subject_key_id.size == 0));
    fault(c, 113, !c->ca && c->has_key_usage && (c->key_usage & CERT_KEY_CERT_SIGN) != 0);
    fault(c, 114, !c->ca && c->path_length >= 0);
    fault(c, 118, !c->ca && c->name_constraints.present);
}

bool cert_facts_read(dx_bytes der, cert_facts *out)
{
    dx_bytes outer, bits, tbs;
    bool subject_empty = false;
    *out = (cert_facts){
        .der = der, .path_length = -1, .inhibit_any = -1, .require_explicit = -1, .inhibit_mapping = -1};
    if (der.size > CERT_MAX_BYTES) {
        out->faults = CERT_FAULT(102);
        return false;
    }
    bool ok = der_only(der, DER_SEQUENCE, &outer) && der_take_whole(&outer, DER_SEQUENCE, &out->tbs) &&
              take_algorithm(&outer, &out->signature_algorithm) && der_take(&outer, DER_BIT_STRING, &bits) &&
              octets_of(bits, &out->signature) && outer.size == 0 && der_only(out->tbs, DER_SEQUENCE, &tbs) &&
              read_tbs(tbs, out, &subject_empty);
    if (!ok) {
        *out = (cert_facts){.der = der, .faults = CERT_FAULT(101)};
        return false;
    }
    relate(out, subject_empty);
    dx_sha256(der, out->sha256);
    return true;
}

bool cert_oid_next(dx_bytes *rest, dx_bytes *oid)
{
    return der_take(rest, DER_OID, oid);
}

bool cert_has_usage(const cert_facts *facts, const char *dotted)
{
    dx_bytes rest = facts->ext_key_usage.value, oid;
    while (cert_oid_next(&rest, &oid))
        if (der_oid_is(oid, dotted))
            return true;
    return false;
}

bool cert_has_policy(const cert_facts *facts, const char *dotted)
{
    dx_bytes rest = facts->policies.value, information, oid;
    while (der_take(&rest, DER_SEQUENCE, &information))
        if (der_take(&information, DER_OID, &oid) && der_oid_is(oid, dotted))
            return true;
    return false;
}
