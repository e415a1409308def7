#include "trust/path/crl_read.h"

/* TBSCertList, RFC 5280 5.1. Everything that stands there is looked at, and nothing may be left over. */

#define EXTENSIONS_MAX 64 /* of a list, and of an entry */
#define NUMBER_MAX     20 /* octets, 5.2.3 */

enum { /* last arcs below id-ce */
       CRL_NUMBER = 20,
       REASON_CODE = 21,
       INVALIDITY_DATE = 24,
       DELTA_INDICATOR = 27,
       ISSUING_POINT = 28,
       CERTIFICATE_ISSUER = 29,
       AUTHORITY_KEY_ID = 35,
};

typedef struct {
    dx_bytes oid, value; /* value: contents of the OCTET STRING */
    bool critical;
} extension;

static bool next_extension(dx_bytes *rest, extension *out)
{
    dx_bytes body, critical;
    bool stated;
    *out = (extension){0};
    return der_take(rest, DER_SEQUENCE, &body) && der_take(&body, DER_OID, &out->oid) &&
           der_oid_ok(out->oid) && der_optional(&body, DER_BOOLEAN, &critical, &stated) &&
           (!stated || (der_bool(critical, &out->critical) && out->critical)) && /* FALSE is the default */
           der_take(&body, DER_OCTET_STRING, &out->value) && body.size == 0;
}

/* 4.2: an extension stands once. */
static bool stands_before(dx_bytes all, dx_bytes rest, dx_bytes oid)
{
    extension e;
    dx_bytes before = dx_bytes_of(all.data, all.size - rest.size);
    unsigned times = 0;
    while (before.size > 0 && next_extension(&before, &e))
        times += dx_bytes_equal(e.oid, oid);
    return times > 1;
}

/* The last arc of an OID of id-ce (2.5.29), which all that are known here are; -1: another. */
static int extension_of(dx_bytes oid)
{
    return oid.size == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d && oid.data[2] < 0x80 ? oid.data[2]
                                                                                             : -1;
}

static bool read_time(dx_bytes *in, int64_t *out)
{
    der_item item;
    return der_next(in, &item) && der_time(item.tag, item.value, out);
}

static bool read_number(dx_bytes value, dx_bytes *out)
{
    return der_only(value, DER_INTEGER, out) && der_integer_ok(*out) && out->data[0] < 0x80 &&
           out->size <= NUMBER_MAX + 1;
}

/* ---- entries ---- */

bool crl_reasons_read(dx_bytes bits, unsigned *mask)
{
    *mask = 0;
    if (bits.size < 2 || bits.size > 3 || bits.data[0] > 7 ||
        (bits.data[bits.size - 1] & ((2u << bits.data[0]) - 1)) != 1u << bits.data[0])
        return false; /* no bit at all, or zeros at the end */
    for (unsigned i = 0; i < 8 * (bits.size - 1); i++)
        if (bits.data[1 + i / 8] & (0x80 >> i % 8))
            *mask |= 1u << i;
    *mask &= CRL_ALL_REASONS;
    return true;
}

/* 5.3. An extension that is not known and critical may turn the meaning of all entries. */
static bool read_entry_extension(const extension *e, crl_list *list, crl_entry *out)
{
    dx_bytes value;
    uint64_t reason;
    int which = extension_of(e->oid);
    if (which == REASON_CODE) {
        if (!der_only(e->value, DER_ENUMERATED, &value) || !der_u64(value, &reason) || reason > 10 ||
            reason == 7)
            return false;
        out->reason = (int)reason;
    } else if (which == INVALIDITY_DATE) {
        out->has_invalidity = der_only(e->value, DER_GENERALIZED_TIME, &value) &&
                              der_time(DER_GENERALIZED_TIME, value, &out->invalid_from_s);
        return out->has_invalidity;
    } else if (which == CERTIFICATE_ISSUER) {
        if (list != NULL)
            list->foreign_entries = true;
    } else if (e->critical && list != NULL) {
        list->unknown_critical = true;
    }
    return true;
}

static bool read_entry_extensions(dx_bytes body, crl_list *list, crl_entry *out)
{
    dx_bytes all, rest;
    size_t count = 0;
    if (!der_only(body, DER_SEQUENCE, &all) || all.size == 0)
        return false;
    for (rest = all; rest.size > 0;) {
        extension e;
        if (++count > EXTENSIONS_MAX || !next_extension(&rest, &e) ||
            (count > 1 && stands_before(all, rest, e.oid)) || !read_entry_extension(&e, list, out))
            return false;
    }
    return true;
}

/* Takes the next entry. With `list`: what concerns all of it is noted there; NULL: it was walked before. */
static bool next_entry(dx_bytes *rest, int version, crl_list *list, crl_entry *out)
{
    dx_bytes body;
    der_item time;
    *out = (crl_entry){.reason = CRL_NO_REASON};
    if (!der_take(rest, DER_SEQUENCE, &body) || !der_take(&body, DER_INTEGER, &out->serial) ||
        !der_integer_ok(out->serial) || !der_next(&body, &time) ||
        (time.tag != DER_UTC_TIME && time.tag != DER_GENERALIZED_TIME))
        return false;
    out->dated = der_time(time.tag, time.value, &out->revoked_s);
    if (!out->dated && list != NULL)
        list->undated_entries = true;
    return body.size == 0 || (version == 2 && read_entry_extensions(body, list, out));
}

static bool walk_entries(crl_list *list)
{
    crl_entry entry;
    for (dx_bytes rest = list->entries; rest.size > 0; list->entry_count++)
        if (!next_entry(&rest, list->version, list, &entry))
            return false;
    return true;
}

/* ---- extensions of the list ---- */

/* 5.2.5; what the flags and the name mean is crl_judge's. */
static bool read_point(dx_bytes value, crl_list *out)
{
    dx_bytes body, part;
    bool present, *const flags[] = {&out->only_users, &out->only_cas, NULL, &out->indirect,
                                    &out->only_attributes};
    if (!der_only(value, DER_SEQUENCE, &body) || body.size == 0)
        return false;
    out->has_point = true;
    out->point = body;
    if (!der_optional(&body, DER_CONSTRUCTED(0), &part, &present) || (present && part.size == 0))
        return false;
    if (present)
        out->name = part;
    for (unsigned i = 1; i <= 5; i++) {
        if (!der_optional(&body, (uint8_t)DER_CONTEXT(i), &part, &present))
            return false;
        if (!present)
            continue;
        if (i == 3 ? !crl_reasons_read(part, &out->reasons)
                   : !der_bool(part, flags[i - 1]) || !*flags[i - 1]) /* FALSE is the default */
            return false;
    }
    return body.size == 0;
}

static bool read_key_id(dx_bytes value, crl_list *out)
{
    dx_bytes body;
    bool present;
    out->has_key_id = true;
    return der_only(value, DER_SEQUENCE, &body) &&
           der_optional(&body, (uint8_t)DER_CONTEXT(0), &out->key_id, &present);
}

static bool read_extension(const extension *e, crl_list *out)
{
    switch (extension_of(e->oid)) {
    case CRL_NUMBER:
        out->number_critical = e->critical;
        return read_number(e->value, &out->number);
    case DELTA_INDICATOR:
        return read_number(e->value, &out->base_number);
    case ISSUING_POINT:
        return read_point(e->value, out);
    case AUTHORITY_KEY_ID:
        return read_key_id(e->value, out);
    default:
        break;
    }
    out->unknown_critical |= e->critical;
    return true;
}

static bool read_extensions(dx_bytes body, crl_list *out)
{
    dx_bytes all, rest;
    size_t count = 0;
    if (!der_only(body, DER_SEQUENCE, &all) || all.size == 0)
        return false;
    for (rest = all; rest.size > 0;) {
        extension e;
        if (++count > EXTENSIONS_MAX || !next_extension(&rest, &e) ||
            (count > 1 && stands_before(all, rest, e.oid)) || !read_extension(&e, out))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

/* Version 2, or none at all (version 1) and then no extensions anywhere; revokedCertificates is absent rather
 * than empty. */
static bool read_tbs(dx_bytes tbs, dx_bytes outer, crl_list *out)
{
    dx_bytes version, algorithm, part;
    bool present;
    uint64_t number;
    if (!der_optional(&tbs, DER_INTEGER, &version, &present) ||
        (present && (!der_u64(version, &number) || number != 1)))
        return false;
    out->version = present ? 2 : 1;
    if (!der_take_whole(&tbs, DER_SEQUENCE, &algorithm) || !dx_bytes_equal(algorithm, outer) ||
        !der_take_whole(&tbs, DER_SEQUENCE, &out->issuer) || !read_time(&tbs, &out->this_update_s))
        return false;
    if (tbs.size > 0 && (tbs.data[0] == DER_UTC_TIME || tbs.data[0] == DER_GENERALIZED_TIME) &&
        !read_time(&tbs, &out->next_update_s))
        return false;
    if (!der_optional(&tbs, DER_SEQUENCE, &out->entries, &present) || (present && out->entries.size == 0) ||
        !walk_entries(out) || !der_optional(&tbs, DER_CONSTRUCTED(0), &part, &present) || tbs.size != 0)
        return false;
    return !present || (out->version == 2 && read_extensions(part, out));
}

const char *crl_read(dx_bytes der, crl_list *out)
{
    dx_bytes list, tbs = {NULL, 0}, bits;
    *out = (crl_list){.der = der, .reasons = CRL_ALL_REASONS};
    if (der.size > CRL_LIST_MAX_BYTES)
        return out->id = "ID-415";
    bool ok = der_only(der, DER_SEQUENCE, &list) && der_take_whole(&list, DER_SEQUENCE, &out->tbs) &&
              der_only(out->tbs, DER_SEQUENCE, &tbs) &&
              der_take_whole(&list, DER_SEQUENCE, &out->algorithm) &&
              der_take(&list, DER_BIT_STRING, &bits) && list.size == 0 && bits.size > 0 && bits.data[0] == 0;
    if (!ok || !read_tbs(tbs, out->algorithm, out))
        return out->id = "ID-412";
    out->signature = dx_bytes_part(bits, 1, bits.size);
    return NULL;
}

/* What the entry says when it stands for the same number as one before: a removal gives way to anything else.
 */
static void take_entry(const crl_entry *entry, bool *found, crl_entry *out)
{
    if (!*found || out->reason == CRL_REMOVE_FROM_CRL)
        *out = *entry;
    *found = true;
}

static bool find_walking(const crl_list *list, dx_bytes serial, crl_entry *out)
{
    dx_bytes rest = list->entries;
    crl_entry entry;
    bool found = false;
    while (rest.size > 0 && next_entry(&rest, list->version, NULL, &entry))
        if (dx_bytes_equal(entry.serial, serial))
            take_entry(&entry, &found, out);
    return found;
}

bool crl_find(const crl_list *list, dx_bytes serial, crl_entry *out)
{
    crl_entry entry;
    bool found = false;
    if (list->index == NULL)
        return find_walking(list, serial, out);
    uint32_t key = crl_index_key(serial);
    for (size_t i = crl_index_first(list, key); i < list->entry_count && list->index[i] >> 32 == key; i++) {
        dx_bytes rest = dx_bytes_part(list->entries, (uint32_t)list->index[i], list->entries.size);
        if (next_entry(&rest, list->version, NULL, &entry) && dx_bytes_equal(entry.serial, serial))
            take_entry(&entry, &found, out);
    }
    return found;
}
