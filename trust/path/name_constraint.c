#include "trust/path/name_constraint.h"

#include "trust/path/cert_alt_name.h"
#include "trust/path/cert_name.h"

#include <arpa/inet.h>

/* RFC 5280 4.2.1.10. A name is held against the subtrees of its own form; excluded beats permitted; a form
 * with at least one permitted subtree must match one of them. */

#define EMAIL_ADDRESS "1.2.840.113549.1.9.1"
#define BUDGET_BYTES  64 /* of a base that one comparison of the budget pays for */

typedef enum { OUTSIDE = 0, INSIDE, BAD_NAME } relation;

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

/* "*.x" stands for each name one label below x: all of them are inside x; one of them may be, or lie below, a
 * name one label below x. */
static relation match_dns(dx_bytes name, dx_bytes subtree, bool some)
{
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

/* A host: "x" is x alone, ".x" all below it. */
static bool host_inside(dx_bytes host, dx_bytes subtree)
{
    bool below = subtree.size == 0 || subtree.data[0] == '.';
    return below ? dns_inside(host, subtree) : dx_bytes_equal_nocase(host, subtree);
}

/* A mailbox or the hosts of mailboxes. The part before "@" counts letter by letter. An emailAddress of the
 * subject comes here with a form that nobody has looked at. */
static relation match_mailbox(dx_bytes name, dx_bytes subtree)
{
    bool found, whole, underscore = false;
    dx_bytes host = after(name, '@', &found), wanted = after(subtree, '@', &whole);
    const der_item item = {.tag = CERT_ALT_MAILBOX, .value = name};
    if (cert_alt_name_form(&item, &underscore) != CERT_ALT_OK)
        return BAD_NAME;
    if (!whole)
        return host_inside(host, wanted) ? INSIDE : OUTSIDE;
    bool same = dx_bytes_equal(dx_bytes_part(name, 0, name.size - host.size),
                               dx_bytes_part(subtree, 0, subtree.size - wanted.size));
    return same && dx_bytes_equal_nocase(host, wanted) ? INSIDE : OUTSIDE;
}

static dx_bytes until_any(dx_bytes text, const char *marks)
{
    size_t size = 0;
    while (size < text.size && strchr(marks, text.data[size]) == NULL)
        size++;
    return dx_bytes_part(text, 0, size);
}

/* The host of an absolute URI. An address, however it is spelled, or no host at all cannot be compared (RFC
 * 5280 4.2.1.10); no top level domain begins with a digit. */
static bool uri_host(dx_bytes uri, dx_bytes *host)
{
    bool found, named, underscore = false;
    dx_bytes rest = after(uri, ':', &found);
    if (!found || !dx_bytes_starts(rest, "//"))
        return false;
    *host = until_any(after(until_any(dx_bytes_part(rest, 2, rest.size), "/?#"), '@', &named), ":");
    const der_item item = {.tag = CERT_ALT_DNS, .value = *host};
    if (dx_bytes_starts(*host, "*") || cert_alt_name_form(&item, &underscore) != CERT_ALT_OK)
        return false;
    size_t last = host->size;
    while (last > 0 && host->data[last - 1] != '.')
        last--;
    return host->data[last] < '0' || host->data[last] > '9';
}

static relation match_uri(dx_bytes name, dx_bytes subtree)
{
    dx_bytes host;
    if (!uri_host(name, &host))
        return BAD_NAME;
    return host_inside(host, subtree) ? INSIDE : OUTSIDE;
}

/* Address and mask of one family. */
static relation match_address(dx_bytes name, dx_bytes subtree)
{
    if (name.size * 2 != subtree.size)
        return OUTSIDE;
    for (size_t i = 0; i < name.size; i++)
        if ((name.data[i] ^ subtree.data[i]) & subtree.data[name.size + i])
            return OUTSIDE;
    return INSIDE;
}

static relation match(uint8_t form, dx_bytes name, dx_bytes subtree, bool some)
{
    switch (form) {
    case CERT_ALT_MAILBOX:
        return match_mailbox(name, subtree);
    case CERT_ALT_DNS:
        return match_dns(name, subtree, some);
    case CERT_ALT_URI:
        return match_uri(name, subtree);
    case CERT_ALT_ADDRESS:
        return match_address(name, subtree);
    default:
        return cert_name_within(name, subtree) ? INSIDE : OUTSIDE;
    }
}

static bool is_compared(uint8_t form)
{
    return form == CERT_ALT_MAILBOX || form == CERT_ALT_DNS || form == CERT_ALT_URI ||
           form == CERT_ALT_ADDRESS || form == CERT_ALT_DIRECTORY;
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
        unsigned price = 1 + (unsigned)(base.value.size / BUDGET_BYTES);
        if (*k->budget < price) {
            *k->budget = 0;
            return "ID-215";
        }
        *k->budget -= price;
        if (!cert_alt_base_ok(form, base.value))
            return "ID-118";
        relation r = match(form, name, base.value, some);
        if (r == BAD_NAME)
            return "ID-115";
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
    dx_bytes rdns, rdn, type;
    der_item value;
    const char *id = NULL;
    if (!der_only(subject, DER_SEQUENCE, &rdns))
        return "ID-115";
    while (id == NULL && der_take(&rdns, DER_SET, &rdn))
        while (id == NULL && cert_attribute_next(&rdn, &type, &value))
            if (der_oid_is(type, EMAIL_ADDRESS))
                id = check_name(k, CERT_ALT_MAILBOX, value.value);
    return id;
}

static const char *check_certificate(const constraints *k, const cert_facts *c)
{
    dx_bytes rdns, rest = c->alt_names.value;
    der_item name;
    const char *id = NULL;
    if (!der_only(c->subject, DER_SEQUENCE, &rdns))
        return "ID-115";
    if (rdns.size > 0)
        id = check_name(k, CERT_ALT_DIRECTORY, c->subject);
    if (id == NULL)
        id = check_subject_mailboxes(k, c->subject);
    while (id == NULL && rest.size > 0) {
        bool underscore = false;
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

static bool bears(const der_item *name, dx_bytes host)
{
    bool found, underscore = false;
    if (!dx_bytes_starts(name->value, "*"))
        return dx_bytes_equal_nocase(name->value, host);
    dx_bytes rest = after(host, '.', &found);
    return cert_alt_name_form(name, &underscore) == CERT_ALT_OK && found && rest.size + 1 < host.size &&
           dx_bytes_equal_nocase(dx_bytes_part(name->value, 2, name->value.size), rest);
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
        if (size > 0 ? name.tag == CERT_ALT_ADDRESS && dx_bytes_equal(name.value, dx_bytes_of(address, size))
                     : name.tag == CERT_ALT_DNS && bears(&name, dx_bytes_text(host)))
            return true;
    return false;
}
