/* stamp_token.c -- a token taken apart: ContentInfo, SignedData, the one SignerInfo, TSTInfo.
 * Versions and counts are bytes that no signature covers (RFC 5652 5.1, 5.3), so they are held to what the
 * standard says they must be. */
#include "trust/base/clock.h"
#include "trust/stamp/stamp_private.h"

#define OID_SIGNED_DATA "1.2.840.113549.1.7.2"

bool stamp_hash_of_oid(dx_bytes oid, dx_hash_kind *kind)
{
    static const char *const oids[] = {"2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2",
                                       "2.16.840.1.101.3.4.2.3"};
    for (size_t i = 0; i < 3; i++) {
        if (der_oid_is(oid, oids[i])) {
            *kind = (dx_hash_kind)i;
            return true;
        }
    }
    return false;
}

/* SEQUENCE { OID, parameters absent or NULL } */
bool stamp_hash_of_algorithm(dx_bytes algorithm, dx_hash_kind *kind)
{
    dx_bytes oid, null;
    return der_take(&algorithm, DER_OID, &oid) && stamp_hash_of_oid(oid, kind) &&
           (algorithm.size == 0 || (der_only(algorithm, DER_NULL, &null) && null.size == 0));
}

static bool take_version(dx_bytes *in, uint64_t *version)
{
    dx_bytes value;
    return der_take(in, DER_INTEGER, &value) && der_u64(value, version);
}

/* certificates [0] and crls [1]: which SignedData version do they ask for (RFC 5652 5.1)? */
static bool take_bag(dx_bytes *in, stamp_token *out, uint64_t *version)
{
    dx_bytes bag, item_of;
    bool present;
    der_item item;
    *version = 3; /* eContentType is not id-data */
    if (!der_optional(in, DER_CONSTRUCTED(0), &bag, &present))
        return false;
    while (bag.size > 0) {
        if (!der_next(&bag, &item))
            return false;
        if (item.tag == DER_SEQUENCE) {
            if (out->cert_count == STAMP_CERTS_MAX)
                return false;
            out->certs[out->cert_count++] = item.whole;
        } else if (item.tag == DER_CONSTRUCTED(2) && *version < 4) {
            *version = 4;
        } else if (item.tag == DER_CONSTRUCTED(3)) {
            *version = 5;
        }
    }
    return der_optional(in, DER_CONSTRUCTED(1), &item_of, &present);
}

static bool open_signer(dx_bytes in, stamp_token *out, const char **what)
{
    uint64_t version, wanted;
    dx_bytes id, unsigned_attributes;
    bool present;
    *what = "SignerInfo is not of the form RFC 5652 5.3 gives it";
    if (!take_version(&in, &version))
        return false;
    if (in.size > 0 && in.data[0] == DER_SEQUENCE) {
        wanted = 1;
        if (!der_take(&in, DER_SEQUENCE, &id) || !der_take_whole(&id, DER_SEQUENCE, &out->issuer) ||
            !der_only(id, DER_INTEGER, &out->serial))
            return false;
    } else {
        wanted = 3;
        if (!der_take(&in, DER_CONTEXT(0), &out->key_id) || out->key_id.size == 0)
            return false;
    }
    if (version != wanted) {
        *what = "the version of SignerInfo does not fit the way it names the signer";
        return false;
    }
    if (!der_take(&in, DER_SEQUENCE, &out->digest_algorithm))
        return false;
    dx_bytes before = in;
    if (!der_optional(&in, DER_CONSTRUCTED(0), &out->attributes, &present))
        return false;
    out->attributes_whole = present ? dx_bytes_of(before.data, before.size - in.size) : dx_bytes_of(NULL, 0);
    return der_take(&in, DER_SEQUENCE, &out->signature_algorithm) &&
           der_take(&in, DER_OCTET_STRING, &out->signature) &&
           der_optional(&in, DER_CONSTRUCTED(1), &unsigned_attributes, &present) && in.size == 0;
}

bool stamp_token_open(dx_bytes token, dx_arena *arena, stamp_token *out, stamp_verdict *verdict)
{
    dx_bytes der, body, oid, data, encap, content, explicit_, signers, signer;
    uint64_t version, wanted;
    size_t count;
    const char *what;
    *out = (stamp_token){0};
    if (token.size > STAMP_TOKEN_MAX)
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "the token is larger than %d bytes", STAMP_TOKEN_MAX);
    if (!stamp_ber_definite(token, arena, &der) || !der_only(der, DER_SEQUENCE, &body))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "the token is not exactly one ContentInfo");
    if (!der_take(&body, DER_OID, &oid) || !der_oid_is(oid, OID_SIGNED_DATA) ||
        !der_only(body, DER_CONSTRUCTED(0), &explicit_) || !der_only(explicit_, DER_SEQUENCE, &data))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "the token is not SignedData");
    if (!take_version(&data, &version) || !der_take(&data, DER_SET, &out->digests) ||
        !der_take(&data, DER_SEQUENCE, &encap))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "SignedData is not of the form RFC 5652 5.1 gives it");
    if (!der_take(&encap, DER_OID, &oid) || !der_oid_is(oid, STAMP_TSTINFO))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "the content of the token is not a TSTInfo");
    if (!der_only(encap, DER_CONSTRUCTED(0), &content) || !der_only(content, DER_OCTET_STRING, &out->content))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "the token does not carry its TSTInfo");
    if (!take_bag(&data, out, &wanted) || !der_only(data, DER_SET, &signers))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "SignedData is not of the form RFC 5652 5.1 gives it");
    /* OtherRevocationInfoFormat would ask for 5, yet authorities that carry one write 3; below 3 nobody
     * writes. */
    if (version != 3 && version != wanted)
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "the version of SignedData is not 3");
    if (!der_count(signers, &count) || count != 1 || !der_only(signers, DER_SEQUENCE, &signer))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "the token does not have exactly one signer");
    if (!open_signer(signer, out, &what))
        return stamp_no(verdict, CHECK_STAMP_02, NULL, "%s", what);
    return true;
}

/* GeneralizedTime with a fraction that does not end in zero (X.690 11.7); microseconds, finer digits are cut.
 */
static bool take_time(dx_bytes *in, int64_t *time_us)
{
    dx_bytes value;
    uint8_t whole[15];
    int64_t seconds;
    if (!der_take(in, DER_GENERALIZED_TIME, &value) || value.size < 15)
        return false;
    memcpy(whole, value.data, 14);
    whole[14] = 'Z';
    if (!der_time(DER_GENERALIZED_TIME, dx_bytes_of(whole, 15), &seconds) || seconds == INT64_MAX)
        return false;
    dx_bytes fraction = dx_bytes_part(value, 14, value.size);
    int64_t micros = 0, unit = 100000;
    if (fraction.data[fraction.size - 1] != 'Z')
        return false;
    if (fraction.size > 1) {
        if (fraction.data[0] != '.' || fraction.size < 3 || fraction.size > 20 ||
            fraction.data[fraction.size - 2] == '0')
            return false;
        for (size_t i = 1; i + 1 < fraction.size; i++, unit /= 10) {
            if (fraction.data[i] < '0' || fraction.data[i] > '9')
                return false;
            micros += (fraction.data[i] - '0') * unit;
        }
    }
    *time_us = seconds * 1000000 + micros;
    return true;
}

/* Accuracy: seconds, millis 1..999, micros 1..999, each optional. Absent means one second here
 * (seals.md 7.5). */
static bool take_accuracy(dx_bytes *in, int64_t *accuracy_us)
{
    static const struct {
        uint8_t tag;
        uint64_t least, most;
        int64_t unit_us;
    } parts[] = {
        {DER_INTEGER, 0, 86400, 1000000}, {DER_CONTEXT(0), 1, 999, 1000}, {DER_CONTEXT(1), 1, 999, 1}};
    dx_bytes accuracy, value;
    bool present;
    uint64_t number;
    if (!der_optional(in, DER_SEQUENCE, &accuracy, &present))
        return false;
    *accuracy_us = present ? 0 : 1000000;
    for (size_t i = 0; i < 3 && present; i++) {
        bool here;
        if (!der_optional(&accuracy, parts[i].tag, &value, &here))
            return false;
        if (!here)
            continue;
        if (!der_u64(value, &number) || number < parts[i].least || number > parts[i].most)
            return false;
        *accuracy_us += (int64_t)number * parts[i].unit_us;
    }
    return accuracy.size == 0;
}

/* Extensions: a critical one that we do not know ends it (RFC 3161 2.4.2); the qualified statement is noted.
 */
static bool take_extensions(dx_bytes in, stamp_tstinfo *info)
{
    while (in.size > 0) {
        dx_bytes extension, oid, flag, value, statements, statement;
        bool critical = false, present;
        if (!der_take(&in, DER_SEQUENCE, &extension) || !der_take(&extension, DER_OID, &oid) ||
            !der_optional(&extension, DER_BOOLEAN, &flag, &present) ||
            (present && (!der_bool(flag, &critical) || !critical)) ||
            !der_only(extension, DER_OCTET_STRING, &value))
            return false;
        bool known = der_oid_is(oid, "1.3.6.1.5.5.7.1.3"); /* qcStatements */
        if (critical && !known)
            return false;
        if (known && der_only(value, DER_SEQUENCE, &statements))
            while (der_take(&statements, DER_SEQUENCE, &statement))
                if (der_take(&statement, DER_OID, &oid) && der_oid_is(oid, "0.4.0.19422.1.1"))
                    info->qts_statement = true;
    }
    return true;
}

bool stamp_token_info(stamp_token *token, stamp_verdict *verdict)
{
    stamp_tstinfo *info = &token->info;
    dx_bytes in, imprint, algorithm, value;
    uint64_t version;
    bool present, ordering;
    if (!der_only(token->content, DER_SEQUENCE, &in) || !take_version(&in, &version) || version != 1)
        return stamp_no(verdict, CHECK_STAMP_03, "FORMAT_FAILURE", "the TSTInfo is not version 1 in DER");
    if (!der_take(&in, DER_OID, &info->policy) || !der_oid_ok(info->policy) ||
        !der_take(&in, DER_SEQUENCE, &imprint) || !der_take(&imprint, DER_SEQUENCE, &algorithm) ||
        !der_only(imprint, DER_OCTET_STRING, &info->imprint))
        return stamp_no(verdict, CHECK_STAMP_03, "FORMAT_FAILURE",
                        "the TSTInfo does not begin with policy and imprint");
    if (!stamp_hash_of_algorithm(algorithm, &info->hash))
        return stamp_no(verdict, CHECK_STAMP_03, NULL, "the imprint is not SHA-256, SHA-384 or SHA-512");
    if (info->imprint.size != dx_hash_size(info->hash))
        return stamp_no(verdict, CHECK_STAMP_03, NULL, "the imprint does not have the length of its hash");
    /* At most 160 bits (RFC 3161 2.4.2), one octet more for the sign. */
    if (!der_take(&in, DER_INTEGER, &info->serial) || !der_integer_ok(info->serial) ||
        info->serial.size > 21 || !take_time(&in, &info->time_us) || !take_accuracy(&in, &info->accuracy_us))
        return stamp_no(verdict, CHECK_STAMP_03, "FORMAT_FAILURE",
                        "serial number, genTime or accuracy is not DER of the standard's form");
    if (!der_optional(&in, DER_BOOLEAN, &value, &present) ||
        (present && (!der_bool(value, &ordering) || !ordering)) ||
        !der_optional(&in, DER_INTEGER, &info->nonce, &info->has_nonce) ||
        (info->has_nonce && !der_integer_ok(info->nonce)) ||
        !der_optional(&in, DER_CONSTRUCTED(0), &value, &present) ||
        !der_optional(&in, DER_CONSTRUCTED(1), &value, &present) || in.size != 0 ||
        (present && !take_extensions(value, info)))
        return stamp_no(verdict, CHECK_STAMP_03, "FORMAT_FAILURE",
                        "the end of the TSTInfo is not DER of the standard's form");
    return true;
}

bool stamp_token_peek(dx_bytes token, dx_arena *arena, stamp_tstinfo *info, dx_bytes *definite,
                      stamp_verdict *verdict)
{
    stamp_token opened;
    if (!stamp_token_open(token, arena, &opened, verdict) || !stamp_token_info(&opened, verdict) ||
        !stamp_ber_definite(token, arena, definite))
        return false;
    *info = opened.info;
    return true;
}
