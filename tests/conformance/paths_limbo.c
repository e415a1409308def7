#include "tests/conformance/paths.h"
#include "tests/conformance/suite.h"

#include <stdio.h>

/* Suites in the x509-limbo format: x509-limbo itself and BetterTLS. */

#define MANY 64

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static size_t read_all(const json_t *texts, dx_bytes *out)
{
    size_t n = 0, i;
    json_t *text;
    json_array_foreach(texts, i, text)(void) paths_pem(dx_bytes_text(json_string_value(text)), out, &n, MANY);
    return n;
}

static const char *usage_oid(const char *name)
{
    static const struct {
        const char *name, *oid;
    } usages[] = {{"serverAuth", "1.3.6.1.5.5.7.3.1"},   {"clientAuth", "1.3.6.1.5.5.7.3.2"},
                  {"codeSigning", "1.3.6.1.5.5.7.3.3"},  {"emailProtection", "1.3.6.1.5.5.7.3.4"},
                  {"timeStamping", "1.3.6.1.5.5.7.3.8"}, {"OCSPSigning", "1.3.6.1.5.5.7.3.9"}};
    for (size_t i = 0; i < sizeof usages / sizeof *usages; i++)
        if (strcmp(usages[i].name, name) == 0)
            return usages[i].oid;
    return NULL; /* anyExtendedKeyUsage: none in particular */
}

/* `webpki` for the cases that are about the web and for real sites, `rfc5280-strict` for the rest of
 * x509-limbo, plain `rfc5280` for BetterTLS (identity.md 16); what a case asks for changes the row. */
static path_rules rules_of(const char *suite, const char *id, const json_t *test)
{
    bool limbo = strcmp(suite, "bettertls") != 0, web = starts(id, "webpki::") || starts(id, "online::");
    path_rules rules = *path_rules_of(!limbo ? PATH_RFC5280 : web ? PATH_WEBPKI : PATH_RFC5280_STRICT);
    const json_t *asked = json_array_get(json_object_get(test, "extended_key_usage"), 0);
    const char *kind =
        strcmp(paths_text(test, "validation_kind"), "CLIENT") == 0 ? "clientAuth" : "serverAuth";
    const json_t *bits = json_object_get(test, "key_usage");
    rules.usage = usage_oid(asked != NULL ? json_string_value(asked) : kind);
    for (size_t i = 0; i < json_array_size(bits); i++)
        if (strcmp(json_string_value(json_array_get(bits, i)), "digitalSignature") == 0)
            rules.leaf_key_usage |= CERT_DIGITAL_SIGNATURE;
    return rules;
}

/* Low importance, and what the suite itself marks as optional: nobody is harmed by a declared difference. */
static bool is_optional(const json_t *test)
{
    const json_t *features = json_object_get(test, "features");
    bool optional = strcmp(paths_text(test, "importance"), "low") == 0;
    for (size_t i = 0; i < json_array_size(features); i++) {
        const char *feature = json_string_value(json_array_get(features, i));
        optional |= starts(feature, "pedantic-") || strcmp(feature, "rfc5280-incompatible-with-webpki") == 0;
    }
    const char *importance = paths_text(test, "importance");
    return optional && strcmp(importance, "high") != 0 && strcmp(importance, "critical") != 0;
}

static int baseline_of(const json_t *baseline, const char *id)
{
    const char *said = paths_text(json_object_get(baseline, "results"), id);
    return strcmp(said, "SUCCESS") == 0 ? 1 : strcmp(said, "FAILURE") == 0 ? 0 : -1;
}

static void run(const char *suite, const json_t *test, const json_t *baseline)
{
    dx_bytes leaf[1], between[MANY], trusted[MANY], crls[MANY];
    size_t leaves = 0, crl_count = read_all(json_object_get(test, "crls"), crls);
    path_anchor anchors[MANY];
    const char *id = paths_text(test, "id"), *time = paths_text(test, "validation_time");
    const path_case c = {.suite = suite,
                         .id = id,
                         .wanted = strcmp(paths_text(test, "expected_result"), "SUCCESS") == 0,
                         .excusable = is_optional(test),
                         .baseline = baseline_of(baseline, id)};
    const path_rules rules = rules_of(suite, id, test);
    path_limits limits = path_limits_default;
    const json_t *depth = json_object_get(test, "max_chain_depth");
    const char *host = paths_text(json_object_get(test, "expected_peer_name"), "value");
    int64_t at_us = dx_now_us(&dx_clock_system);
    if (!paths_pem(dx_bytes_text(paths_text(test, "peer_certificate")), leaf, &leaves, 1) ||
        (time[0] != 0 && !dx_time_parse(dx_bytes_text(time), false, &at_us))) {
        suite_fail(suite, id, "the case cannot be read");
        return;
    }
    if (json_is_integer(depth))
        limits.intermediates = (unsigned)json_integer_value(depth);
    size_t anchor_count = read_all(json_object_get(test, "trusted_certs"), trusted);
    for (size_t i = 0; i < anchor_count; i++)
        anchors[i] = (path_anchor){.der = trusted[i], .constraints = true, .validity = true};
    path_input input = {.leaf = leaf[0],
                        .presented = between,
                        .presented_count =
                            read_all(json_object_get(test, "untrusted_intermediates"), between),
                        .anchors = anchors,
                        .anchor_count = anchor_count,
                        .rules = &rules,
                        .limits = &limits,
                        .host = host[0] != 0 ? host : NULL,
                        .at_s = at_us / 1000000,
                        .revocation_off = crl_count == 0,
                        .evidence = {.crl = crls, .crl_count = crl_count},
                        .revocation = paths_revocation()};
    paths_judge(&c, &input, NULL);
}

/* BetterTLS is two suites in one file, by the second segment of the id; x509-limbo is one. */
static const char *const parts[] = {"", "::pathbuilding::", "::nameconstraints::"};

static size_t part_of(const char *suite, const char *id)
{
    size_t found = 0;
    for (size_t i = 1; i < sizeof parts / sizeof *parts && strcmp(suite, "bettertls") == 0; i++)
        if (strstr(id, parts[i]) != NULL)
            found = i;
    return found;
}

void paths_limbo(const char *suite, const char *folder, const char *index)
{
    size_t i;
    char name[64];
    json_t *all = paths_json(dx_arena_printf(paths_arena(), "%s/%s", folder, index)), *test,
           *baseline = paths_json(dx_arena_printf(paths_arena(), "%s/baseline-openssl-3.0.22.json", folder));
    if (all == NULL)
        suite_skip(suite, "all", "no index in this data folder");
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        json_array_foreach(json_object_get(all, "testcases"), i,
                           test) if (part_of(suite, paths_text(test, "id")) == part)
            run(suite, test, baseline);
        snprintf(name, sizeof name, "%s%s", suite, parts[part]);
        paths_summary(suite, name);
    }
    json_decref(all);
    json_decref(baseline);
}
