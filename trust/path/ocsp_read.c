#include "trust/path/ocsp_read.h"

#define EXTENSIONS_MAX 64
#define NONCE_MAX      128 /* RFC 9654 2.1 */

/* ---- extensions, of the response or of a single one ---- */

static bool next_extension(dx_bytes *rest, dx_bytes *oid, bool *critical, dx_bytes *value)
{
    dx_bytes body, flag;
    bool stated;
    *critical = false;
    return der_take(rest, DER_SEQUENCE, &body) && der_take(&body, DER_OID, oid) && der_oid_ok(*oid) &&
           der_optional(&body, DER_BOOLEAN, &flag, &stated) &&
           (!stated || (der_bool(flag, critical) && *critical)) && /* FALSE is the default */
           der_take(&body, DER_OCTET_STRING, value) && body.size == 0;
}

/* RFC 9654 2.1: an OCTET STRING of 1 to 128 octets inside. Some responders leave it bare: the octets then are
 * what was sent, and comparing them is all that is done with them. */
static bool read_nonce(dx_bytes value, dx_bytes *out)
{
    dx_bytes inner;
    *out = der_only(value, DER_OCTET_STRING, &inner) ? inner : value;
    return out->size >= 1 && out->size <= NONCE_MAX;
}

static bool read_response_extensions(dx_bytes part, ocsp_response *out)
{
    dx_bytes all, oid, value;
    bool critical;
    size_t count = 0;
    if (!der_only(part, DER_SEQUENCE, &all) || all.size == 0)
        return false;
    while (all.size > 0) {
        if (++count > EXTENSIONS_MAX || !next_extension(&all, &oid, &critical, &value))
            return false;
        if (der_oid_is(oid, "1.3.6.1.5.5.7.48.1.2")) {
            if (out->nonce.data != NULL || !read_nonce(value, &out->nonce))
                return false;
        } else if (critical) {
            out->unknown_critical = true;
        }
    }
    return true;
}

static bool read_single_extensions(dx_bytes part, ocsp_single *out)
{
    dx_bytes all, oid, value, time;
    bool critical;
    size_t count = 0;
    if (!der_only(part, DER_SEQUENCE, &all) || all.size == 0)
        return false;
    while (all.size > 0) {
        if (++count > EXTENSIONS_MAX || !next_extension(&all, &oid, &critical, &value))
            return false;
        if (der_oid_is(oid, "2.5.29.24")) {
            if (out->has_invalidity || !der_only(value, DER_GENERALIZED_TIME, &time) ||
                !der_time(DER_GENERALIZED_TIME, time, &out->invalid_from_s))
                return false;
            out->has_invalidity = true;
        } else if (critical) {
            out->unknown_critical = true;
        }
    }
    return true;
}

/* ---- one single response ---- */

static bool take_time(dx_bytes *in, int64_t *out)
{
    dx_bytes value;
    return der_take(in, DER_GENERALIZED_TIME, &value) && der_time(DER_GENERALIZED_TIME, value, out);
}

static bool take_explicit_time(dx_bytes *in, uint8_t tag, bool *present, int64_t *out)
{
    dx_bytes value;
    return der_optional(in, tag, &value, present) &&
           (!*present || (take_time(&value, out) && value.size == 0));
}

static bool read_certificate_id(dx_bytes body, ocsp_single *out)
{
    dx_bytes algorithm, none;
    bool present;
    return der_take(&body, DER_SEQUENCE, &algorithm) && der_take(&algorithm, DER_OID, &out->hash) &&
           der_oid_ok(out->hash) && der_optional(&algorithm, DER_NULL, &none, &present) && none.size == 0 &&
           algorithm.size == 0 && der_take(&body, DER_OCTET_STRING, &out->name_hash) &&
           der_take(&body, DER_OCTET_STRING, &out->key_hash) && der_take(&body, DER_INTEGER, &out->serial) &&
           der_integer_ok(out->serial) && body.size == 0;
}

static bool read_status(const der_item *item, ocsp_single *out)
{
    dx_bytes body = item->value, part, reason;
    bool present;
    uint64_t number;
    out->reason = -1;
    if (item->tag == DER_CONTEXT(0) || item->tag == DER_CONTEXT(2)) {
        out->status = item->tag == DER_CONTEXT(0) ? OCSP_GOOD : OCSP_UNKNOWN;
        return body.size == 0;
    }
    out->status = OCSP_REVOKED;
    if (item->tag != DER_CONSTRUCTED(1) || !take_time(&body, &out->revoked_s) ||
        !der_optional(&body, DER_CONSTRUCTED(0), &part, &present) || body.size != 0)
        return false;
    if (!present)
        return true;
    if (!der_only(part, DER_ENUMERATED, &reason) || !der_u64(reason, &number) || number > 10 || number == 7)
        return false;
    out->reason = (int)number;
    return true;
}

bool ocsp_next(dx_bytes *rest, ocsp_single *out)
{
    dx_bytes body, id, part;
    der_item status;
    bool present;
    *out = (ocsp_single){0};
    if (!der_take(rest, DER_SEQUENCE, &body) || !der_take(&body, DER_SEQUENCE, &id) ||
        !read_certificate_id(id, out) || !der_next(&body, &status) || !read_status(&status, out) ||
        !take_time(&body, &out->this_update_s) ||
        !take_explicit_time(&body, DER_CONSTRUCTED(0), &present, &out->next_update_s) ||
        !der_optional(&body, DER_CONSTRUCTED(1), &part, &present) || body.size != 0)
        return false;
    return !present || read_single_extensions(part, out);
}

/* ---- the response ---- */

static bool read_responder(dx_bytes *in, ocsp_response *out)
{
    der_item item;
    dx_bytes inner = {NULL, 0};
    if (!der_next(in, &item))
        return false;
    inner = item.value;
    if (item.tag == DER_CONSTRUCTED(1))
        return der_take_whole(&inner, DER_SEQUENCE, &out->responder_name) && inner.size == 0;
    return item.tag == DER_CONSTRUCTED(2) && der_only(inner, DER_OCTET_STRING, &out->responder_key);
}

/* Version 1 is the default, so in DER no version stands there (X.690 11.5). */
static bool read_data(ocsp_response *out)
{
    dx_bytes body, part, rest;
    ocsp_single single;
    bool present;
    if (!der_only(out->tbs, DER_SEQUENCE, &body) || !read_responder(&body, out) ||
        !take_time(&body, &out->produced_s) || !der_take(&body, DER_SEQUENCE, &out->singles) ||
        !der_optional(&body, DER_CONSTRUCTED(1), &part, &present) || body.size != 0 ||
        (present && !read_response_extensions(part, out)))
        return false;
    for (rest = out->singles; rest.size > 0;)
        if (!ocsp_next(&rest, &single))
            return false;
    return true;
}

static bool read_basic(dx_bytes der, ocsp_response *out)
{
    dx_bytes body, bits, part;
    bool present;
    if (!der_only(der, DER_SEQUENCE, &body) || !der_take_whole(&body, DER_SEQUENCE, &out->tbs) ||
        !der_take_whole(&body, DER_SEQUENCE, &out->algorithm) || !der_take(&body, DER_BIT_STRING, &bits) ||
        bits.size == 0 || bits.data[0] != 0 || !der_optional(&body, DER_CONSTRUCTED(0), &part, &present) ||
        body.size != 0 || (present && !der_only(part, DER_SEQUENCE, &out->certificates)))
        return false;
    out->signature = dx_bytes_part(bits, 1, bits.size);
    size_t count;
    return der_count(out->certificates, &count) && read_data(out);
}

bool ocsp_read(dx_bytes der, ocsp_response *out)
{
    dx_bytes body, status, part, bytes, type, basic;
    uint64_t number;
    *out = (ocsp_response){0};
    return der.size <= OCSP_RESPONSE_MAX_BYTES && der_only(der, DER_SEQUENCE, &body) &&
           der_take(&body, DER_ENUMERATED, &status) && der_u64(status, &number) &&
           number == 0 && /* successful */
           der_take(&body, DER_CONSTRUCTED(0), &part) && body.size == 0 &&
           der_only(part, DER_SEQUENCE, &bytes) && der_take(&bytes, DER_OID, &type) &&
           der_oid_is(type, "1.3.6.1.5.5.7.48.1.1") && der_take(&bytes, DER_OCTET_STRING, &basic) &&
           bytes.size == 0 && read_basic(basic, out);
}
