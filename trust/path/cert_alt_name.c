#include "trust/path/cert_alt_name.h"
#include "trust/path/cert_name.h"

/* The form of names in subjectAltName and of the bases that constrain them (RFC 5280 4.2.1.6, 4.2.1.10; RFC
 * 1034 3.5, RFC 3986 3.1). */

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool label_ok(dx_bytes label, bool *underscore)
{
    if (label.size < 1 || label.size > 63 || label.data[0] == '-' || label.data[label.size - 1] == '-')
        return false;
    for (size_t i = 0; i < label.size; i++) {
        uint8_t c = label.data[i];
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_')
            return false;
        *underscore |= c == '_';
    }
    return true;
}

/* Labels of letters, digits and hyphens; a wildcard is the whole leftmost label with two behind it. */
static bool dns_ok(dx_bytes name, bool *underscore)
{
    bool wild = dx_bytes_starts(name, "*.");
    size_t labels = 0;
    if (name.size == 0 || name.size > 253)
        return false;
    for (size_t from = wild ? 2 : 0; from <= name.size; labels++) {
        size_t to = from;
        while (to < name.size && name.data[to] != '.')
            to++;
        if (!label_ok(dx_bytes_part(name, from, to - from), underscore))
            return false;
        from = to + 1;
    }
    return !wild || labels >= 2;
}

static bool mailbox_ok(dx_bytes name)
{
    size_t at = 0;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
            return false;
        at += name.data[i] == '@';
    }
    return at == 1 && name.data[0] != '@' && name.data[name.size - 1] != '@';
}

static bool uri_ok(dx_bytes name)
{
    size_t i = 0;
    for (size_t k = 0; k < name.size; k++)
        if (name.data[k] <= ' ' || name.data[k] >= 0x7f)
            return false;
    while (i < name.size &&
           (is_letter(name.data[i]) || (i > 0 && (is_digit(name.data[i]) || name.data[i] == '+' ||
                                                  name.data[i] == '-' || name.data[i] == '.'))))
        i++;
    return i > 0 && i < name.size && name.data[i] == ':';
}

cert_alt_form cert_alt_name_form(const der_item *name, bool *underscore)
{
    bool empty;
    switch (name->tag) {
    case CERT_ALT_MAILBOX:
        return mailbox_ok(name->value) ? CERT_ALT_OK : CERT_ALT_WRONG;
    case CERT_ALT_DNS:
        return dns_ok(name->value, underscore) ? CERT_ALT_OK : CERT_ALT_WRONG;
    case CERT_ALT_URI:
        return uri_ok(name->value) ? CERT_ALT_OK : CERT_ALT_WRONG;
    case CERT_ALT_ADDRESS:
        return name->value.size == 4 || name->value.size == 16 ? CERT_ALT_OK : CERT_ALT_WRONG;
    case CERT_ALT_REGISTERED:
        return der_oid_ok(name->value) ? CERT_ALT_OK : CERT_ALT_UNREADABLE;
    case CERT_ALT_DIRECTORY: /* a Name, explicit: it is a CHOICE */
        return cert_name_read(name->value, &empty) ? CERT_ALT_OK : CERT_ALT_UNREADABLE;
    case DER_CONSTRUCTED(0):
    case DER_CONSTRUCTED(3):
    case DER_CONSTRUCTED(5):
        return CERT_ALT_OK;
    default:
        return CERT_ALT_UNREADABLE;
    }
}

/* The ones of a mask stand together (RFC 4632 3.1). */
static bool range_ok(dx_bytes range)
{
    size_t size = range.size / 2;
    bool ended = false;
    if (range.size != 8 && range.size != 32)
        return false;
    for (size_t i = 0; i < size * 8; i++) {
        bool one = (range.data[size + i / 8] & (0x80U >> i % 8)) != 0;
        if (one && ended)
            return false;
        ended |= !one;
    }
    return true;
}

/* A host, or behind a dot every host below it; empty: every host. A wildcard is no host. */
static bool hosts_ok(dx_bytes base)
{
    bool underscore = false;
    dx_bytes host = dx_bytes_starts(base, ".") ? dx_bytes_part(base, 1, base.size) : base;
    return base.size == 0 || (!dx_bytes_starts(host, "*") && dns_ok(host, &underscore));
}

static bool mailboxes_ok(dx_bytes base)
{
    bool whole = base.size > 0 && memchr(base.data, '@', base.size) != NULL;
    return whole ? mailbox_ok(base) : hosts_ok(base);
}

bool cert_alt_base_ok(uint8_t tag, dx_bytes base)
{
    bool empty;
    switch (tag) {
    case CERT_ALT_MAILBOX:
        return mailboxes_ok(base);
    case CERT_ALT_DNS:
    case CERT_ALT_URI:
        return hosts_ok(base);
    case CERT_ALT_ADDRESS:
        return range_ok(base);
    case CERT_ALT_DIRECTORY:
        return cert_name_read(base, &empty);
    default:
        return true; /* not compared: name_constraint_check refuses when a name of that form is below */
    }
}
