/* room: trust_path */
/* A certificate from a stranger: its facts, its names against its own constraints, its algorithms. */
#include "trust/path/cert_name.h"
#include "trust/path/name_constraint.h"
#include "trust/path/path_algorithm.h"

#include <assert.h>

#define BUDGET 65536

static void within(dx_bytes part, dx_bytes whole)
{
    assert(part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

static void check_spans(const cert_facts *f)
{
    const dx_bytes parts[] = {f->tbs,
                              f->spki,
                              f->subject,
                              f->issuer,
                              f->serial,
                              f->signature_algorithm,
                              f->signature,
                              f->ext_key_usage.value,
                              f->alt_names.value,
                              f->name_constraints.value,
                              f->policies.value,
                              f->policy_mappings.value,
                              f->authority_access.value,
                              f->crl_points.value,
                              f->qc_statements.value,
                              f->authority_key_id,
                              f->subject_key_id};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        within(parts[i], f->der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cert_facts f;
    unsigned budget = BUDGET;
    if (!cert_facts_read(dx_bytes_of(data, size), &f)) {
        assert(f.faults == CERT_FAULT(101) || f.faults == CERT_FAULT(102));
        return 0;
    }
    check_spans(&f);
    assert(f.path_length >= -1 && f.path_length <= 255 && f.inhibit_any >= -1 && f.inhibit_any <= 255);
    assert(cert_name_equal(f.subject, f.issuer) == cert_name_equal(f.issuer, f.subject));
    assert(cert_name_within(f.subject, f.subject) && cert_name_within(f.issuer, DX_BYTES("\x30\x00")));
    assert(f.self_issued == (cert_name_within(f.subject, f.issuer) && cert_name_within(f.issuer, f.subject)));
    const cert_facts *chain[] = {&f, &f};
    const char *id = name_constraint_check(chain, 2, &budget);
    assert(f.name_constraints.present || (id == NULL && budget == BUDGET));
    (void)name_constraint_host(&f, "a.example.org");
    (void)name_constraint_host(&f, "192.0.2.1");
    /* What may be used now may be used for old data too. */
    assert(!path_algorithm_allowed(f.signature_algorithm, ALGORITHMS_NOW) ||
           path_algorithm_allowed(f.signature_algorithm, ALGORITHMS_LEGACY));
    assert(!path_key_allowed(f.spki, ALGORITHMS_NOW) || path_key_allowed(f.spki, ALGORITHMS_LEGACY));
    (void)cert_has_usage(&f, "1.3.6.1.5.5.7.3.2");
    (void)cert_has_policy(&f, "2.5.29.32.0");
    return 0;
}
