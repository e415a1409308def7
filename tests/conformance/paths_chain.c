#include "tests/conformance/paths.h"
#include "tests/conformance/suite.h"

#include "trust/base/der.h"

#include <stdio.h>

/* BoringSSL's verify_certificate_chain: a chain, target first; the last certificate is what may be the
 * anchor, and the case says how it is trusted. Names of hosts and revocation are not asked. */

#define SUITE     "boringssl-chain"
#define MANY      32
#define DEFAULT_S 1633435200 /* 2021-10-05T12:00:00Z */

static const struct {
    const char *name, *oid;
} purposes[] = {{"SERVER_AUTH", "1.3.6.1.5.5.7.3.1"},
                {"CLIENT_AUTH", "1.3.6.1.5.5.7.3.2"},
                {"ANY_EKU", NULL},
                {"MLS_CLIENT_AUTH", "2.23.146.2.1.3"}};

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* The strict purposes want the usage in the leaf and no CA there; the strictest also in every CA that limits
 * usages. False: a purpose that is not known here. */
static bool rules_of(const char *purpose, path_rules *out)
{
    *out = *path_rules_of(PATH_RFC5280);
    out->no_revocation = true;
    bool strict = has(purpose, "_STRICT");
    size_t size = strict ? (size_t)(strstr(purpose, "_STRICT") - purpose) : strlen(purpose);
    if (strict || strcmp(purpose, "MLS_CLIENT_AUTH") == 0)
        out->leaf_usage = USAGE_REQUIRED;
    out->leaf_may_be_ca = !strict;
    out->nested_exact = strict && !has(purpose, "_STRICT_LEAF");
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        if (strlen(purposes[i].name) == size && strncmp(purposes[i].name, purpose, size) == 0) {
            out->usage = purposes[i].oid;
            return true;
        }
    return false;
}

static bool is_self_issued(dx_bytes der)
{
    cert_facts f;
    return cert_facts_read(der, &f) && f.self_issued;
}

/* False: nobody trusts it. */
static bool anchor_of(const char *trust, dx_bytes der, path_anchor *out)
{
    *out = (path_anchor){.der = der,
                         .validity = has(trust, "EXPIRATION"),
                         .constraints = has(trust, "CONSTRAINTS"),
                         .distrusted = strcmp(trust, "DISTRUSTED") == 0,
                         .leaf = has(trust, "LEAF"),
                         .not_issuer = !has(trust, "ANCHOR")};
    if (has(trust, "REQUIRE_SELF_SIGNED") && !is_self_issued(der))
        return false;
    return strcmp(trust, "UNSPECIFIED") != 0;
}

static bool time_of(const char *text, int64_t *at_s)
{
    *at_s = DEFAULT_S;
    return strcmp(text, "DEFAULT") == 0 || der_time(DER_UTC_TIME, dx_bytes_text(text), at_s);
}

static bool same_policy(const policy_outcome *found, const char *wanted)
{
    return wanted[0] == 0 ||
           (!found->any && found->count == 1 && dx_bytes_equal(found->policies[0], paths_oid(wanted)));
}

static void run(const char *root, const json_t *test)
{
    const char *purpose = paths_text(test, "key_purpose");
    const path_case c = {.suite = SUITE,
                         .id = paths_text(test, "id"),
                         .wanted = strcmp(paths_text(test, "expected"), "ok") == 0,
                         .baseline = -1};
    dx_bytes chain[MANY];
    size_t count = 0;
    path_anchor anchor;
    path_rules rules;
    policy_outcome found = {0};
    trust_verdict v;
    int64_t at_s;
    if (!rules_of(purpose, &rules)) {
        suite_skip(SUITE, c.id, "a purpose that is not known here");
        return;
    }
    dx_bytes text = paths_file(dx_arena_printf(paths_arena(), "%s/%s", root, paths_text(test, "chain")));
    if (!paths_pem(text, chain, &count, MANY) || !time_of(paths_text(test, "utc_time"), &at_s)) {
        suite_fail(SUITE, c.id, "the case cannot be read");
        return;
    }
    path_limits limits = path_limits_hard;
    limits.comparisons = path_limits_default.comparisons; /* a million is more than 50 ms */
    path_anchor nobody = {.der = chain[count - 1], .not_issuer = true};
    bool trusted = anchor_of(paths_text(test, "last_cert_trust"), chain[count - 1], &anchor);
    path_input input = {.leaf = chain[0],
                        .presented = &chain[1],
                        .presented_count = count - 1,
                        .anchors = trusted ? &anchor : &nobody,
                        .anchor_count = 1,
                        .rules = &rules,
                        .limits = &limits,
                        .at_s = at_s,
                        .policies_found = &found};
    paths_judge(&c, &input, &v);
    const char *policy = paths_text(json_object_get(test, "options"), "expected_user_constrained_policy_set");
    if (c.wanted && v.answer == TRUST_YES && !same_policy(&found, policy))
        paths_refuse(&c, "another user-constrained policy set");
}

void paths_chain(const char *folder)
{
    size_t i;
    json_t *test, *index = paths_json(dx_arena_printf(paths_arena(), "%s/tests.json", folder));
    if (index == NULL)
        suite_skip(SUITE, "all", "no index in this data folder");
    json_array_foreach(json_object_get(index, "tests"), i, test) run(folder, test);
    paths_summary(SUITE, SUITE);
    json_decref(index);
}
