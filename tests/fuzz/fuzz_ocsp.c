/* room: trust_path */
/* fuzz_ocsp.c -- a certificate, the authority that is said to have issued it, and an OCSP response about it.
 * Input: length of the authority (two bytes), the authority, length of the certificate, the certificate, the
 * response. Whoever is believed has a GOOD behind it, every no has its id, and the same question has the same
 * answer. Seeds: SEEDS=tests/fuzz/corpus build/asan/test_revocation */
#include "trust/base/digest.h"
#include "trust/list/tlist_certificate.h"
#include "trust/list/tlist_object.h"
#include "trust/path/path.h"
#include "trust/path/revocation_ocsp.h"

#include <stdlib.h>

#define NOW_S 1795608000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(dx_bytes *in, dx_bytes *part)
{
    if (in->size < 2)
        return false;
    size_t size = (size_t)in->data[0] << 8 | in->data[1];
    if (size > in->size - 2)
        return false;
    *part = dx_bytes_part(*in, 2, size);
    *in = dx_bytes_part(*in, 2 + size, in->size);
    return true;
}

static tlist_interval interval = {.until_s = INT64_MAX,
                                  .type = "CA/QC",
                                  .status = "granted",
                                  .usable = true,
                                  .purposes = TLIST_FOR(ISSUER),
                                  .status_valid = true};
static tlist_service service = {
    .provider = "P", .name = "S", .certificate_count = 1, .intervals = &interval, .interval_count = 1};
static tlist_list list = {.refs = 1,
                          .facts = {.source = "eu",
                                    .scheme = "EU",
                                    .territory = "DE",
                                    .sequence = 1,
                                    .next_update_s = NOW_S + 86400,
                                    .url = ""},
                          .services = &service,
                          .service_count = 1};

static tlist_snapshot *snapshot_of(const tlist_certificate *anchor)
{
    tlist_list *lists[] = {&list};
    tlist_snapshot *out = NULL;
    service.certificates = anchor;
    if (tlist_snapshot_of(lists, 1, NOW_S, &out, NULL).code != DX_OK)
        abort();
    return out;
}

/* The check by itself, for issuers whose certificate no list would hold. */
static void check(dx_bytes authority, dx_bytes leaf, dx_bytes answer)
{
    cert_facts facts[2];
    if (!cert_facts_read(leaf, &facts[0]) || !cert_facts_read(authority, &facts[1]))
        return;
    const ocsp_question q = {.subject = &facts[0],
                             .issuer = &facts[1],
                             .at_s = NOW_S,
                             .until_s = NOW_S,
                             .max_age_s = 86400,
                             .any_time = answer.size % 2,
                             .algorithms = ALGORITHMS_LEGACY};
    ocsp_answer a = revocation_ocsp_check(answer, &q);
    if ((a.state == REVOCATION_GOOD) != (a.id == NULL) ||
        (a.state != REVOCATION_UNKNOWN && a.by == OCSP_BY_NOBODY))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_bytes answer = dx_bytes_of(data, size), authority, leaf, request;
    tlist_certificate anchor;
    if (!take(&answer, &authority) || !take(&answer, &leaf))
        return 0;
    check(authority, leaf, answer);
    if (!tlist_certificate_read(authority, &anchor))
        return 0;
    tlist_snapshot *snapshot = snapshot_of(&anchor);
    path_judge_state *judge;
    trust_verdict verdict[2];
    revocation_question questions[PATH_MAX_CERTS];
    size_t count;
    organisation org;
    int64_t from_s, until_s;
    if (path_judge_new(&judge, NULL).code != DX_OK)
        abort();
    const path_input input = {.leaf = leaf,
                              .presented = &authority,
                              .presented_count = 1,
                              .snapshot = snapshot,
                              .at_s = NOW_S,
                              .evidence = {.ocsp = &answer, .ocsp_count = 1}};
    for (size_t i = 0; i < 2; i++) {
        dx_arena arena = {0};
        if (path_judge(judge, &input, &arena, &verdict[i], questions, &count, NULL).code != DX_OK)
            abort();
        if ((verdict[i].answer == TRUST_YES) != (verdict[i].id[0] == '\0'))
            abort();
        if (verdict[i].answer == TRUST_YES && verdict[i].path_count > 1 &&
            verdict[i].revocation[0].state != REVOCATION_GOOD)
            abort();
        for (size_t k = 0; k < count; k++)
            (void)(revocation_ocsp_request(&questions[k], &arena, &request, NULL)).code;
        dx_arena_fini(&arena);
    }
    if (strcmp(verdict[0].id, verdict[1].id) != 0)
        abort();
    (void)(path_claims(leaf, &org, &from_s, &until_s, NULL)).code;
    path_judge_free(judge);
    tlist_snapshot_unref(snapshot);
    return 0;
}
