#include "tests/conformance/paths.h"
#include "tests/conformance/suite.h"

#include <openssl/x509.h>
#include <stdio.h>

/* NIST PKITS: anchor by name and key only, the five inputs of RFC 5280 6.1.1, revocation of the whole path by
 * the CRLs given, and the user-constrained policy set compared (README of the data folder). */

#define SUITE "nist-pkits"
#define MANY  64

static const char *root;

static size_t read_named(const json_t *names, const char *kind, dx_bytes *out)
{
    size_t n = 0, i;
    json_t *name;
    json_array_foreach(names, i, name) if (n < MANY) out[n++] =
        paths_file(dx_arena_printf(paths_arena(), "%s/%ss/%s.%s", root, kind, json_string_value(name),
                                   strcmp(kind, "cert") == 0 ? "crt" : "crl"));
    return n;
}

static size_t read_oids(const json_t *texts, dx_bytes *out)
{
    size_t n = 0, i;
    json_t *text;
    json_array_foreach(texts, i, text) if (n < MANY) out[n++] = paths_oid(json_string_value(text));
    return n;
}

static bool anchor_of(dx_bytes der, path_anchor *out)
{
    cert_facts f;
    if (!cert_facts_read(der, &f))
        return false;
    *out = (path_anchor){.name = f.subject, .spki = f.spki};
    return true;
}

static bool holds(const dx_bytes *all, size_t count, dx_bytes one)
{
    for (size_t i = 0; i < count; i++)
        if (dx_bytes_equal(all[i], one))
            return true;
    return false;
}

static bool same_policies(const policy_outcome *found, const dx_bytes *wanted, size_t count)
{
    dx_bytes any = paths_oid("2.5.29.32.0");
    size_t expected = count - holds(wanted, count, any);
    bool same = found->any == holds(wanted, count, any) && found->count == expected;
    for (size_t i = 0; same && i < found->count; i++)
        same = holds(wanted, count, found->policies[i]);
    return same;
}

static void run(const json_t *test)
{
    dx_bytes certs[MANY], crls[MANY], initial[MANY], wanted[MANY];
    size_t count = read_named(json_object_get(test, "certs"), "cert", certs);
    path_anchor anchor;
    policy_outcome found = {0};
    trust_verdict v;
    int64_t at_us = 0;
    const path_case c = {.suite = SUITE,
                         .id = paths_text(test, "id"),
                         .wanted = json_is_true(json_object_get(test, "should_validate")),
                         .baseline = -1};
    if (count < 2 || !anchor_of(certs[0], &anchor) ||
        !dx_time_parse(dx_bytes_text(paths_text(test, "time")), true, &at_us)) {
        suite_fail(SUITE, c.id, "the case cannot be read");
        return;
    }
    path_input input = {
        .leaf = certs[count - 1],
        .presented = &certs[1],
        .presented_count = count - 2,
        .anchors = &anchor,
        .anchor_count = 1,
        .profile = PATH_RFC5280,
        .at_s = at_us / 1000000,
        .evidence = {.crl = crls, .crl_count = read_named(json_object_get(test, "crls"), "crl", crls)},
        .revocation = paths_revocation(),
        .policies = {.initial = initial,
                     .initial_count = read_oids(json_object_get(test, "initial_policy_set"), initial),
                     .require_explicit = json_is_true(json_object_get(test, "initial_explicit_policy")),
                     .inhibit_mapping = json_is_true(json_object_get(test, "initial_policy_mapping_inhibit")),
                     .inhibit_any = json_is_true(json_object_get(test, "initial_any_policy_inhibit"))},
        .policies_found = &found,
    };
    paths_judge(&c, &input, &v);
    size_t policies = read_oids(json_object_get(test, "user_constrained_policy_set"), wanted);
    if (c.wanted && v.answer == TRUST_YES && !same_policies(&found, wanted, policies))
        paths_refuse(&c, "another user-constrained policy set");
}

void paths_pkits(const char *folder)
{
    size_t i;
    json_t *test, *index = paths_json(dx_arena_printf(paths_arena(), "%s/tests.json", folder));
    root = folder;
    if (index == NULL)
        suite_skip(SUITE, "all", "no index in this data folder");
    json_array_foreach(json_object_get(index, "tests"), i, test) run(test);
    paths_summary(SUITE, SUITE);
    json_decref(index);
}
