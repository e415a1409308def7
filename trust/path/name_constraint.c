#include "trust/path/name_constraint.h"

#include "trust/path/cert_extension.h"

#include <arpa/inet.h>

/* RFC 5280 4.2.1.10. A name is held against the subtrees of its own form; excluded beats permitted; a form
 * with at least one permitted subtree must match one of them. */

#define EMAIL_ADDRESS "1.2.840.113549.1.9.1"

enum {
    FORM_MAILBOX = DER_CONTEXT(1),
    FORM_DNS = DER_CONTEXT(2),
    FORM_DIRECTORY = DER_CONSTRUCTED(4),
    FORM_URI = DER_CONTEXT(6),
    FORM_ADDRESS = DER_CONTEXT(7),
};

typedef enum { OUTSIDE = 0, INSIDE, BAD_NAME, BAD_SUBTREE } relation;

typedef struct {
    dx_bytes permitted, excluded; /* GeneralSubtree items */
    unsigned *budget;
} constraints;

/* ---- one name, one subtree; `some`: of a wildcard, may one of the names it stands for lie inside? ---- */

static bool ends_with_nocase(dx_bytes text, dx_bytes end)
{
    return text.size >= end.size &&
           dx_bytes_equal_nocase(dx_bytes_part(text, text.size - end.size, end.size), end);
}

/* Inside "x": x itself and all below it; inside ".x": all below it. */
static bool dns_inside(dx_bytes name, dx_bytes subtree)
{
    if (subtree.size == 0)
        return true;
    if (!ends_with_nocase(name, subtree))
        return false;
    return name.size == subtree.size
               ? subtree.data[0] != '.'
               : subtree.data[0] == '.' || name.data[name.size - subtree.size - 1] == '.';
}

static bool dns_form_ok(dx_bytes subtree)
{
    bool underscore = false;
    dx_bytes name = dx_bytes_starts(subtree, ".") ? dx_bytes_part(subtree, 1, subtree.size) : subtree;
    const der_item item = {.tag = FORM_DNS, .value = name};
    return subtree.size == 0 ||
           (!dx_bytes_starts(name, "*") && cert_alt_name_form(&item, &underscore) == CERT_ALT_OK);
}

/* "*.x" stands for each name one label below x: all of them are inside x; one of them may be, or lie below, a
 * name one label below x. */
static relation match_dns(dx_bytes name, dx_bytes subtree, bool some)
{
    if (!dns_form_ok(subtree))
        return BAD_SUBTREE;
    if (!dx_bytes_starts(name, "*."))
        return dns_inside(name, subtree) ? INSIDE : OUTSIDE;
    dx_bytes parent = dx_bytes_part(name, 2, name.size), behind = dx_bytes_part(name, 1, name.size);
    if (dns_inside(parent, subtree) ||
        (subtree.size > 0 && subtree.data[0] == '.' && dx_bytes_equal_nocase(behind, subtree)))
        return INSIDE;
    if (!some || subtree.size <= behind.size || subtree.data[0] == '.' || !ends_with_nocase(subtree, behind))
        return OUTSIDE;
    return memchr(subtree.data, '.', subtree.size - behind.size) == NULL ? INSIDE : OUTSIDE;
}

static dx_bytes after(dx_bytes text, uint8_t mark, bool *found)
{
    const uint8_t *at = text.size == 0 ? NULL : memchr(text.data, mark, text.size);
    *found = at != NULL;
    return at == NULL ? text : dx_bytes_of(at + 1, text.size - (size_t)(at + 1 - text.data));
}

/* A mailbox, a host, or with a leading dot every host below it. The part before "@" counts letter by letter.
 */
static relation match_mailbox(dx_bytes name, dx_bytes subtree)
{
    bool found, whole;
    dx_bytes host = after(name, '@', &found), wanted = after(subtree, '@', &whole);
    if (!found)
        return BAD_NAME;
    if (!dns_form_ok(wanted) || (whole && (wanted.size == 0 || wanted.data[0] == '.')))
        return BAD_SUBTREE;
    if (whole)
        return dx_bytes_equal(dx_bytes_part(name, 0, name.size - host.size),
                              dx_bytes_part(subtree, 0, subtree.size - wanted.size)) &&
                       dx_bytes_equal_nocase(host, wanted)
                   ? INSIDE
                   : OUTSIDE;
    if (wanted.size == 0)
        return INSIDE;
    bool below = wanted.data[0] == '.';
    return (below ? dns_inside(host, wanted) : dx_bytes_equal_nocase(host, wanted)) ? INSIDE : OUTSIDE;
}

/* The host of an absolute URI; a literal address or none cannot be compared (RFC 5280 4.2.1.10). */
static bool uri_host(dx_bytes uri, dx_bytes *host)
{
    bool found;
    dx_bytes rest = after(uri, ':', &found);
    uint8_t room[16];
    char text[256];
    if (!found || !dx_bytes_starts(rest, "//"))
        return false;
    rest = dx_bytes_part(rest, 2, rest.size);
    size_t size = 0;
    while (size < rest.size && memchr("/?#", rest.data[size], 3) == NULL)
        size++;
    rest = after(dx_bytes_part(rest, 0, size), '@', &found);
    size = 0;
    while (size < rest.size && rest.data[size] != ':')
        size++;
    *host = dx_bytes_part(rest, 0, size);
    if (host->size == 0 || host->size >= sizeof text || host->data[0] == '[')
        return false;
    memcpy(text, host->data, host->size);
    text[host->size] = '\0';
    return inet_pton(AF_INET, text, room) != 1;
}

static relation match_uri(dx_bytes name, dx_bytes subtree)
{
    dx_bytes host;
    if (!uri_host(name, &host))
        return BAD_NAME;
    if (!dns_form_ok(subtree))
        return BAD_SUBTREE;
    bool below = subtree.size > 0 && subtree.data[0] == '.';
    return subtree.size == 0 || (below ? dns_inside(host, subtree) : dx_bytes_equal_nocase(host, subtree))
               ? INSIDE
               : OUTSIDE;
}

/* Address and mask of one family; the ones of a mask stand together (RFC 4632). */
static relation match_address(dx_bytes name, dx_bytes subtree)
{
    size_t size = subtree.size / 2;
    bool ended = false;
    if (subtree.size != 8 && subtree.size != 32)
        return BAD_SUBTREE;
    for (size_t i = 0; i < size * 8; i++) {
        bool one = (subtree.data[size + i / 8] & (0x80U >> i % 8)) != 0;
        if (one && ended)
            return BAD_SUBTREE;
        ended |= !one;
    }
    if (name.size != size)
        return OUTSIDE;
    for (size_t i = 0; i < size; i++)
        if ((name.data[i] ^ subtree.data[i]) & subtree.data[size + i])
            return OUTSIDE;
    return INSIDE;
}

/* A Name of this one RDN. */
static dx_bytes name_of(dx_bytes rdn, uint8_t room[static CERT_NAME_MAX_BYTES + 4])
{
    size_t at = 0;
    room[at++] = DER_SEQUENCE;
    if (rdn.size >= 0x100)
        room[at++] = 0x82;
    else if (rdn.size >= 0x80)
        room[at++] = 0x81;
    if (rdn.size >= 0x100)
        room[at++] = (uint8_t)(rdn.size >> 8);
    room[at++] = (uint8_t)rdn.size;
    memcpy(room + at, rdn.data, rdn.size);
    return dx_bytes_of(room, at + rdn.size);
}

static bool rdn_equal(dx_bytes a, dx_bytes b)
{
    uint8_t x[CERT_NAME_MAX_BYTES + 4], y[CERT_NAME_MAX_BYTES + 4];
    return dx_bytes_equal(a, b) || (a.size <= CERT_NAME_MAX_BYTES && b.size <= CERT_NAME_MAX_BYTES &&
                                    cert_name_equal(name_of(a, x), name_of(b, y)));
}

/* RDN by RDN from the front, each compared as RFC 5280 7.1 says. */
static relation match_directory(dx_bytes name, dx_bytes subtree)
{
    dx_bytes names, wanted, one, other;
    if (!der_only(name, DER_SEQUENCE, &names))
        return BAD_NAME;
    if (!der_only(subtree, DER_SEQUENCE, &wanted))
        return BAD_SUBTREE;
    while (wanted.size > 0) {
        if (!der_take_whole(&wanted, DER_SET, &other))
            return BAD_SUBTREE;
        if (names.size == 0)
            return OUTSIDE;
        if (!der_take_whole(&names, DER_SET, &one))
            return BAD_NAME;
        if (!rdn_equal(one, other))
            return OUTSIDE;
    }
    return INSIDE;
}

static relation match(uint8_t form, dx_bytes name, dx_bytes subtree, bool some)
{
    switch (form) {
    case FORM_MAILBOX:
        return match_mailbox(name, subtree);
    case FORM_DNS:
        return match_dns(name, subtree, some);
    case FORM_URI:
        return match_uri(name, subtree);
    case FORM_ADDRESS:
        return match_address(name, subtree);
    default:
        return match_directory(name, subtree);
    }
}

static bool is_compared(uint8_t form)
{
    return form == FORM_MAILBOX || form == FORM_DNS || form == FORM_URI || form == FORM_ADDRESS ||
           form == FORM_DIRECTORY;
}

/* ---- one name, all subtrees ---- */

/* What one list of subtrees says of a name: *any: it has one of its form; *hit: the name lies inside one. */
static const char *ask(const constraints *k, dx_bytes list, uint8_t form, dx_bytes name, bool some, bool *any,
                       bool *hit)
{
    dx_bytes subtree;
    der_item base;
    *any = *hit = false;
    while (list.size > 0) {
        if (!der_take(&list, DER_SEQUENCE, &subtree) || !der_next(&subtree, &base) || subtree.size != 0)
            return "ID-118";
        if (base.tag != form)
            continue;
        if (!is_compared(form))
            return "ID-210";
        if ((*k->budget)-- == 0) {
            *k->budget = 0;
            return "ID-215";
        }
        relation r = match(form, name, base.value, some);
        if (r == BAD_NAME || r == BAD_SUBTREE)
            return r == BAD_NAME ? "ID-115" : "ID-118";
        *any = true;
        *hit |= r == INSIDE;
    }
    return NULL;
}

static const char *check_name(const constraints *k, uint8_t form, dx_bytes name)
{
    bool any, hit;
    const char *id = ask(k, k->excluded, form, name, true, &any, &hit);
    if (id != NULL || hit)
        return id != NULL ? id : "ID-209";
    id = ask(k, k->permitted, form, name, false, &any, &hit);
    return id != NULL ? id : any && !hit ? "ID-209" : NULL;
}

/* ---- the names of one certificate ---- */

/* Every emailAddress of the subject is a mailbox too (RFC 5280 4.2.1.10). */
static const char *check_subject_mailboxes(const constraints *k, dx_bytes subject)
{
    dx_bytes rdns, rdn, pair, type;
    der_item value;
    if (!der_only(subject, DER_SEQUENCE, &rdns))
        return "ID-115";
    while (der_take(&rdns, DER_SET, &rdn))
        while (der_take(&rdn, DER_SEQUENCE, &pair)) {
            if (!der_take(&pair, DER_OID, &type) || !der_next(&pair, &value))
                return "ID-115";
            const char *id =
                der_oid_is(type, EMAIL_ADDRESS) ? check_name(k, FORM_MAILBOX, value.value) : NULL;
            if (id != NULL)
                return id;
        }
    return NULL;
}

static const char *check_certificate(const constraints *k, const cert_facts *c)
{
    dx_bytes rdns, rest = c->alt_names.value;
    der_item name;
    const char *id = NULL;
    if (!der_only(c->subject, DER_SEQUENCE, &rdns))
        return "ID-115";
    if (rdns.size > 0)
        id = check_name(k, FORM_DIRECTORY, c->subject);
    if (id == NULL)
        id = check_subject_mailboxes(k, c->subject);
    while (id == NULL && rest.size > 0) {
        bool underscore;
        if (!der_next(&rest, &name) || cert_alt_name_form(&name, &underscore) != CERT_ALT_OK)
            return "ID-115";
        id = check_name(k, name.tag, name.value);
    }
    return id;
}

const char *name_constraint_check(const cert_facts *const *chain, size_t count, unsigned *budget)
{
    const cert_facts *ca = chain[count - 1];
    constraints k = {.budget = budget};
    dx_bytes inside = ca->name_constraints.value;
    bool present;
    const char *id = NULL;
    if (!ca->name_constraints.present)
        return NULL;
    if (!der_optional(&inside, DER_CONSTRUCTED(0), &k.permitted, &present) ||
        !der_optional(&inside, DER_CONSTRUCTED(1), &k.excluded, &present) || inside.size != 0 ||
        (k.permitted.size == 0 && k.excluded.size == 0))
        return "ID-118"; /* of an anchor nobody has looked at the form: what cannot be read constrains
                            everything */
    for (size_t i = 0; id == NULL && i + 1 < count; i++)
        if (i == 0 || !chain[i]->self_issued)
            id = check_certificate(&k, chain[i]);
    return id;
}

/* ---- host names, RFC 9525 6 ---- */

static bool bears(dx_bytes name, dx_bytes host)
{
    bool found;
    if (!dx_bytes_starts(name, "*."))
        return dx_bytes_equal_nocase(name, host);
    dx_bytes rest = after(host, '.', &found);
    return found && rest.size + 1 < host.size &&
           dx_bytes_equal_nocase(dx_bytes_part(name, 2, name.size), rest);
}

bool name_constraint_host(const cert_facts *leaf, const char *host)
{
    uint8_t address[16];
    size_t size = inet_pton(AF_INET, host, address) == 1    ? 4
                  : inet_pton(AF_INET6, host, address) == 1 ? 16
                                                            : 0;
    dx_bytes rest = leaf->alt_names.value;
    der_item name;
    while (rest.size > 0 && der_next(&rest, &name))
        if (size > 0 ? name.tag == FORM_ADDRESS && dx_bytes_equal(name.value, dx_bytes_of(address, size))
                     : name.tag == FORM_DNS && bears(name.value, dx_bytes_text(host)))
            return true;
    return false;
}
