#include "trust/path/crl_point.h"

#define NAME_MAX_BYTES 4096 /* identity.md 5, ID-116 */
#define DIRECTORY_TAG  0xa4

/* ---- names of a place ---- */

typedef struct {   /* DistributionPointName: GeneralNames, or one directory name built from a relative one */
    dx_bytes full; /* contents of GeneralNames; NULL data: relative */
    dx_bytes name; /* Name, a whole item */
    uint8_t room[NAME_MAX_BYTES];
} place;

static size_t put_head(uint8_t *out, uint8_t tag, size_t size)
{
    out[0] = tag;
    if (size < 0x80) {
        out[1] = (uint8_t)size;
        return 2;
    }
    unsigned octets = size > 0xff ? 2 : 1;
    out[1] = (uint8_t)(0x80 | octets);
    for (unsigned i = 0; i < octets; i++)
        out[2 + i] = (uint8_t)(size >> 8 * (octets - 1 - i));
    return 2 + octets;
}

/* nameRelativeToCRLIssuer: one more RDN behind the name of the issuer. */
static bool append(dx_bytes issuer, dx_bytes rdn, place *out)
{
    dx_bytes names;
    uint8_t head[4];
    if (!der_only(issuer, DER_SEQUENCE, &names) || names.size + rdn.size > NAME_MAX_BYTES - 16)
        return false;
    size_t rdn_head = put_head(head, DER_SET, rdn.size),
           at = put_head(out->room, DER_SEQUENCE, names.size + rdn_head + rdn.size);
    memcpy(out->room + at, names.data, names.size);
    at += names.size;
    memcpy(out->room + at, head, rdn_head);
    at += rdn_head;
    memcpy(out->room + at, rdn.data, rdn.size);
    out->name = dx_bytes_of(out->room, at + rdn.size);
    return true;
}

static bool read_place(dx_bytes value, dx_bytes issuer, place *out)
{
    der_item item;
    out->full = out->name = (dx_bytes){NULL, 0};
    if (!der_next(&value, &item) || value.size != 0 || item.value.size == 0)
        return false;
    if (item.tag == DER_CONSTRUCTED(0)) {
        out->full = item.value;
        return true;
    }
    return item.tag == DER_CONSTRUCTED(1) && append(issuer, item.value, out);
}

static bool holds_name(dx_bytes names, dx_bytes name)
{
    der_item item;
    while (names.size > 0 && der_next(&names, &item))
        if (item.tag == DIRECTORY_TAG && cert_name_equal(item.value, name))
            return true;
    return false;
}

static bool holds_item(dx_bytes names, const der_item *sought)
{
    der_item item;
    while (names.size > 0 && der_next(&names, &item))
        if (dx_bytes_equal(item.whole, sought->whole))
            return true;
    return false;
}

/* 6.3.3 b 2 i: one name in common. */
static bool places_meet(const place *a, const place *b)
{
    der_item item;
    if (a->full.data == NULL && b->full.data == NULL)
        return cert_name_equal(a->name, b->name);
    if (a->full.data == NULL)
        return holds_name(b->full, a->name);
    if (b->full.data == NULL)
        return holds_name(a->full, b->name);
    for (dx_bytes rest = a->full; rest.size > 0 && der_next(&rest, &item);)
        if (item.tag == DIRECTORY_TAG ? holds_name(b->full, item.value) : holds_item(b->full, &item))
            return true;
    return false;
}

/* ---- the certificate's places against the list's ---- */

typedef struct {
    dx_bytes name; /* DistributionPointName; NULL data: none */
    unsigned reasons;
    bool of_another; /* cRLIssuer: somebody else's list, which would be an indirect one */
} point;

static bool read_point(dx_bytes *rest, dx_bytes issuer, point *out)
{
    dx_bytes body, part;
    bool present;
    *out = (point){.reasons = CRL_ALL_REASONS};
    if (!der_take(rest, DER_SEQUENCE, &body) || !der_optional(&body, DER_CONSTRUCTED(0), &part, &present))
        return false;
    if (present)
        out->name = part;
    if (!der_optional(&body, (uint8_t)DER_CONTEXT(1), &part, &present) ||
        (present && !crl_reasons_read(part, &out->reasons)))
        return false;
    if (!der_optional(&body, DER_CONSTRUCTED(2), &part, &present) || body.size != 0)
        return false;
    out->of_another = present && !holds_name(part, issuer);
    return true;
}

/* 6.3.3 d: what one place of the certificate promises, and the list keeps. */
static unsigned reasons_by_points(const crl_list *list, const cert_facts *subject)
{
    dx_bytes rest = subject->crl_points.value;
    unsigned reasons = 0;
    place ours, theirs;
    point p;
    if (list->name.data != NULL && !read_place(list->name, list->issuer, &theirs))
        return 0;
    while (rest.size > 0) {
        if (!read_point(&rest, list->issuer, &p))
            return 0;
        if (!p.of_another &&
            (list->name.data == NULL ||
             (p.name.data != NULL && read_place(p.name, list->issuer, &ours) && places_meet(&ours, &theirs))))
            reasons |= p.reasons;
    }
    return reasons & list->reasons;
}

unsigned crl_point_reasons(const crl_list *list, const cert_facts *subject)
{
    /* Of a certificate without extensions nobody can say whether it is a CA's. */
    if ((list->only_users && (subject->ca || subject->version != 3)) || (list->only_cas && !subject->ca) ||
        list->only_attributes)
        return 0;
    if (subject->crl_points.present)
        return reasons_by_points(list, subject);
    /* 6.3.3: a certificate without places is served where its issuer's name says. */
    place theirs;
    return list->name.data == NULL ||
                   (read_place(list->name, list->issuer, &theirs) && holds_name(theirs.full, list->issuer))
               ? list->reasons
               : 0;
}
