#include "trust/base/fetch_private.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

/* The address guard (identity.md 9.4): which addresses, ports and URLs are asked at all. */

static const char *const forbidden[] = {
    "0.0.0.0/8",      "10.0.0.0/8",   "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24",   "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",  "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4",  "240.0.0.0/4",    "::/128",         "::1/128",        "64:ff9b:1::/48",
    "100::/64",       "2001::/23",    "2001:db8::/32",  "2002::/16",      "fc00::/7",       "fe80::/10",
    "fec0::/10",      "ff00::/8",
};

static bool range_parse(const char *text, dx_fetch_range *out)
{
    char address[64];
    const char *slash = strchr(text, '/');
    size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (size >= sizeof address)
        return false;
    memcpy(address, text, size);
    address[size] = 0;
    uint8_t v4[4];
    bool is_v4 = inet_pton(AF_INET, address, v4) == 1;
    if (is_v4) {
        memset(out->address, 0, 10);
        memset(out->address + 10, 0xff, 2);
        memcpy(out->address + 12, v4, 4);
    } else if (inet_pton(AF_INET6, address, out->address) != 1) {
        return false;
    }
    uint64_t bits = is_v4 ? 32 : 128;
    if (slash != NULL && !dx_bytes_u64(dx_bytes_text(slash + 1), bits, &bits))
        return false;
    out->bits = (unsigned)bits + (is_v4 ? 96 : 0);
    return true;
}

static bool range_holds(const dx_fetch_range *r, const uint8_t address[16])
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(r->address, address, whole) != 0)
        return false;
    return rest == 0 || ((r->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool address_bytes(const struct sockaddr *address, uint8_t out[16], uint16_t *port)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        memset(out, 0, 10);
        memset(out + 10, 0xff, 2);
        memcpy(out + 12, &v4->sin_addr, 4);
        *port = ntohs(v4->sin_port);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    memcpy(out, &v6->sin6_addr, 16);
    *port = ntohs(v6->sin6_port);
    /* NAT64 carries a v4 address behind its prefix: judge that one. */
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(out, nat64, sizeof nat64) == 0) {
        memset(out, 0, 10);
        memset(out + 10, 0xff, 2);
    }
    return true;
}

static bool is_own(const dx_fetch_guard *g, const uint8_t bytes[16], uint16_t port)
{
    for (size_t i = 0; i < g->own_count; i++)
        if (g->own[i].port == port && memcmp(g->own[i].address, bytes, 16) == 0)
            return true;
    return false;
}

bool dx_fetch_guard_allows(const dx_fetch_guard *g, const struct sockaddr *address)
{
    uint8_t bytes[16];
    uint16_t port;
    if (!address_bytes(address, bytes, &port) || is_own(g, bytes, port))
        return false;
    bool port_ok = port == 80 || port == 443;
    for (size_t i = 0; i < g->port_count; i++)
        port_ok = port_ok || g->ports[i] == 0 || g->ports[i] == port;
    if (!port_ok)
        return false;
    for (size_t i = 0; i < g->private_count; i++)
        if (range_holds(&g->private_ranges[i], bytes))
            return true;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        dx_fetch_range r;
        if (!range_parse(forbidden[i], &r) || range_holds(&r, bytes))
            return false;
    }
    return true;
}

static void add_own(dx_fetch_guard *g, const uint8_t address[16], uint16_t port)
{
    if (g->own_count == DX_FETCH_OWN_MAX)
        return;
    memcpy(g->own[g->own_count].address, address, 16);
    g->own[g->own_count++].port = port;
}

/* A listener on every address is reached at each one that this machine has now, and at all of loopback that
 * anybody uses. */
static void add_everywhere(dx_fetch_guard *g, uint16_t port)
{
    struct ifaddrs *all = NULL;
    dx_fetch_range loopback;
    uint8_t bytes[16];
    uint16_t unused;
    for (const char *const *at = (const char *const[]){"127.0.0.1", "::1", NULL}; *at != NULL; at++)
        if (range_parse(*at, &loopback))
            add_own(g, loopback.address, port);
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
        if (i->ifa_addr != NULL && address_bytes(i->ifa_addr, bytes, &unused))
            add_own(g, bytes, port);
    freeifaddrs(all);
}

static bool read_own(dx_fetch_guard *g, const char *text)
{
    static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff}, any6[16];
    const char *colon = strrchr(text, ':');
    dx_fetch_range r;
    uint64_t port;
    char host[64];
    size_t size = colon == NULL ? 0 : (size_t)(colon - text);
    if (size == 0 || size >= sizeof host || !dx_bytes_u64(dx_bytes_text(colon + 1), 65535, &port))
        return false;
    bool bracket = text[0] == '[' && text[size - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(bracket ? size - 2 : size), text + (bracket ? 1 : 0));
    if (!range_parse(host, &r))
        return false;
    if (memcmp(r.address, any4, 16) == 0 || memcmp(r.address, any6, 16) == 0)
        add_everywhere(g, (uint16_t)port);
    else
        add_own(g, r.address, (uint16_t)port);
    return true;
}

DX_RC dx_fetch_guard_read(const dx_fetch_rules *rules, dx_fetch_guard *out, dx_why *why)
{
    *out = (dx_fetch_guard){0};
    if (rules->allow_private_count > DX_FETCH_RULES_MAX || rules->allow_ports_count > DX_FETCH_RULES_MAX)
        return DX_FAIL(why, CONFIG, "", "at most %d entries in fetch.allow_private and fetch.allow_ports",
                       DX_FETCH_RULES_MAX);
    for (size_t i = 0; i < rules->allow_private_count; i++)
        if (!range_parse(rules->allow_private[i], &out->private_ranges[out->private_count++]))
            return DX_FAIL(why, CONFIG, "", "fetch.allow_private: %s is not address/bits",
                           rules->allow_private[i]);
    for (size_t i = 0; i < rules->allow_ports_count; i++)
        out->ports[out->port_count++] = rules->allow_ports[i];
    for (size_t i = 0; i < rules->own_count; i++)
        if (!read_own(out, rules->own[i]))
            return DX_FAIL(why, CONFIG, "", "%s is not an address with port", rules->own[i]);
    return DX_OKAY;
}

bool dx_fetch_address_allowed(const dx_fetch_rules *rules, const struct sockaddr *address)
{
    dx_fetch_guard guard;
    return dx_fetch_guard_read(rules, &guard, NULL).code == DX_OK && dx_fetch_guard_allows(&guard, address);
}

/* Scheme, userinfo and length are judged before any name is resolved. */
DX_RC dx_fetch_guard_url(const char *url, bool *https, dx_why *why)
{
    if (strlen(url) >= DX_FETCH_URL_BYTES)
        return DX_FAIL_ID(why, REFUSED, "ID-416", "", "URL is longer than %d bytes", DX_FETCH_URL_BYTES);
    CURLU *parsed = curl_url();
    char *scheme = NULL, *user = NULL;
    struct dx_rc rc = DX_OKAY;
    if (parsed == NULL || curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        rc = DX_FAIL_ID(why, REFUSED, "ID-416", "RFC 3986", "not a URL: %.200s", url);
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        rc = DX_FAIL_ID(why, REFUSED, "ID-416", "own rule: http and https", "scheme %s is not fetched",
                        scheme);
    else if (curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK)
        rc = DX_FAIL_ID(why, REFUSED, "ID-416", "RFC 9110 4.2.4", "URL carries user information");
    else
        *https = strcmp(scheme, "https") == 0;
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(parsed);
    return rc;
}
