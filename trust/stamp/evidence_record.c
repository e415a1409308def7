/* evidence_record.c -- reading and believing an RFC 4998 record: its form first (ER-01 to 03), then every
 * hash in it (04 05 07 08), then the tokens, each at the time of the proof that came after it (seals.md 7.3).
 */
#include "trust/stamp/stamp_private.h"

#include <stdlib.h>

#define RECORD_MAX (256U << 10)
#define CHAINS_MAX 64 /* and stamps a chain */
#define GROUPS_MAX 64
#define VALUES_MAX 1024

typedef struct {   /* an ArchiveTimeStamp */
    dx_bytes tree; /* contents of reducedHashtree; NULL data when absent */
    dx_bytes token;
    dx_bytes definite; /* the token as one DER item, for the renewal after it */
    stamp_tstinfo info;
    bool opens_chain;
    size_t chain_at; /* octets of chains before this one's chain */
} archive_stamp;

typedef struct {
    dx_bytes algorithms; /* contents of digestAlgorithms */
    dx_bytes chains;     /* contents of the outer SEQUENCE */
    archive_stamp *stamps;
    size_t count;
} archive;

/* ---- the form ---- */

static bool listed(dx_bytes algorithms, dx_hash_kind kind)
{
    dx_bytes algorithm;
    dx_hash_kind one;
    while (der_take(&algorithms, DER_SEQUENCE, &algorithm))
        if (stamp_hash_of_algorithm(algorithm, &one) && one == kind)
            return true;
    return false;
}

static bool tree_is_sound(dx_bytes tree, size_t value_size)
{
    dx_bytes group, value;
    size_t groups = 0;
    for (; tree.size > 0; groups++) {
        size_t values = 0;
        if (groups == GROUPS_MAX || !der_take(&tree, DER_SEQUENCE, &group))
            return false;
        for (; group.size > 0; values++)
            if (values == VALUES_MAX || !der_take(&group, DER_OCTET_STRING, &value) ||
                value.size != value_size)
                return false;
        if (values == 0)
            return false;
    }
    return groups > 0;
}

static bool read_stamp(const archive *record, dx_bytes in, dx_arena *arena, archive_stamp *out,
                       stamp_verdict *verdict)
{
    dx_bytes algorithm, attributes;
    bool named, has_attributes, has_tree;
    dx_hash_kind kind;
    if (!der_optional(&in, DER_CONSTRUCTED(0), &algorithm, &named) ||
        !der_optional(&in, DER_CONSTRUCTED(1), &attributes, &has_attributes) ||
        !der_optional(&in, DER_CONSTRUCTED(2), &out->tree, &has_tree) || in.size == 0)
        return stamp_no(verdict, CHECK_ER_01, NULL, "an ArchiveTimeStamp is not of the standard's form");
    out->token = in; /* it may be BER, and it is the last member */
    if (!stamp_token_peek(in, arena, &out->info, &out->definite, verdict))
        return false;
    if (named && (!stamp_hash_of_algorithm(algorithm, &kind) || kind != out->info.hash))
        return stamp_no(verdict, CHECK_ER_03, NULL,
                        "the hash algorithm of a time stamp is unknown or not that of its token");
    if (!listed(record->algorithms, out->info.hash))
        return stamp_no(verdict, CHECK_ER_03, NULL,
                        "the hash algorithm of a time stamp is not listed by the record");
    if (has_tree && !tree_is_sound(out->tree, dx_hash_size(out->info.hash)))
        return stamp_no(verdict, CHECK_ER_01, NULL,
                        "a reduced hash tree is not of the standard's form, or over the limits");
    return true;
}

/* How many ArchiveTimeStamps, when the limits hold; 0 else. */
static size_t count_stamps(dx_bytes chains)
{
    dx_bytes chain;
    size_t count = 0, in_chain, chain_count = 0;
    for (; chains.size > 0; count += in_chain)
        if (++chain_count > CHAINS_MAX || !der_take(&chains, DER_SEQUENCE, &chain) ||
            !der_count(chain, &in_chain) || in_chain == 0 || in_chain > CHAINS_MAX)
            return 0;
    return count;
}

static bool read_record(dx_bytes in, dx_arena *arena, archive *out, stamp_verdict *verdict)
{
    dx_bytes body, version, ignored, chain, stamp;
    uint64_t number;
    bool present;
    if (in.size > RECORD_MAX || !der_only(in, DER_SEQUENCE, &body) ||
        !der_take(&body, DER_INTEGER, &version) || !der_u64(version, &number))
        return stamp_no(verdict, CHECK_ER_01, NULL,
                        "the record is not an EvidenceRecord in DER of at most %u bytes", RECORD_MAX);
    if (number != 1)
        return stamp_no(verdict, CHECK_ER_02, NULL, "the version of the record is not 1");
    if (!der_take(&body, DER_SEQUENCE, &out->algorithms) ||
        !der_optional(&body, DER_CONSTRUCTED(0), &ignored, &present) ||
        !der_optional(&body, DER_CONSTRUCTED(1), &ignored, &present) ||
        !der_only(body, DER_SEQUENCE, &out->chains) || (out->count = count_stamps(out->chains)) == 0)
        return stamp_no(verdict, CHECK_ER_01, NULL,
                        "the record is not of the standard's form, or over the limits");
    out->stamps = DX_ARENA_ARRAY(arena, archive_stamp, out->count);
    if (out->stamps == NULL)
        return stamp_no(verdict, CHECK_ER_01, NULL, "no memory to read the record");
    dx_bytes chains = out->chains;
    for (size_t i = 0; chains.size > 0;) {
        size_t chain_at = out->chains.size - chains.size;
        (void)der_take(&chains, DER_SEQUENCE, &chain);
        for (bool first = true; chain.size > 0; first = false, i++) {
            if (!der_take(&chain, DER_SEQUENCE, &stamp))
                return stamp_no(verdict, CHECK_ER_01, NULL,
                                "a chain holds something that is no ArchiveTimeStamp");
            if (!read_stamp(out, stamp, arena, &out->stamps[i], verdict))
                return false;
            out->stamps[i].opens_chain = first;
            out->stamps[i].chain_at = chain_at;
        }
    }
    return true;
}

/* ---- the hashes ---- */

static int by_bytes(const void *a, const void *b)
{
    return dx_bytes_compare(*(const dx_bytes *)a, *(const dx_bytes *)b);
}

/* A group and the result so far: a single value is taken as it is, more are sorted, joined, hashed (RFC
 * 4998 4.3). */
static bool fold(dx_bytes group, dx_bytes before, dx_hash_kind kind, dx_bytes *values, uint8_t result[64])
{
    size_t count = 0;
    dx_hash *hash;
    while (der_take(&group, DER_OCTET_STRING, &values[count]))
        count++;
    if (before.size > 0)
        values[count++] = before;
    if (count == 1) {
        memcpy(result, values[0].data, values[0].size);
        return true;
    }
    qsort(values, count, sizeof *values, by_bytes);
    if ((hash = dx_hash_new(kind)) == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        dx_hash_add(hash, values[i]);
    dx_hash_done(hash, result);
    dx_hash_free(hash);
    return true;
}

static bool holds(dx_bytes group, dx_bytes wanted, bool *others)
{
    dx_bytes value;
    bool found = false;
    *others = false;
    while (der_take(&group, DER_OCTET_STRING, &value)) {
        found |= dx_bytes_equal(value, wanted);
        *others |= !dx_bytes_equal(value, wanted);
    }
    return found;
}

/* From `wanted` to the imprint; `absent` is the check that fails when the first group does not hold it. */
static bool climb(const archive_stamp *stamp, dx_bytes wanted, stamp_check_id absent, dx_arena *arena,
                  bool *orphan, stamp_verdict *verdict)
{
    static const char *const missing[] = {"the object's hash is not in the first group of the record",
                                          "a renewal does not cover the time stamp before it",
                                          "a new chain does not cover the object and the chains before it"};
    const char *text = missing[absent == CHECK_ER_04 ? 0 : absent == CHECK_ER_07 ? 1 : 2];
    dx_bytes tree = stamp->tree, group, *values;
    uint8_t result[2][64];
    dx_bytes so_far = {NULL, 0};
    if (tree.data == NULL)
        return dx_bytes_equal(stamp->info.imprint, wanted) || stamp_no(verdict, absent, NULL, "%s", text);
    if ((values = DX_ARENA_ARRAY(arena, dx_bytes, VALUES_MAX + 1)) == NULL)
        return stamp_no(verdict, CHECK_ER_05, NULL, "no memory to follow the hash tree");
    for (unsigned i = 0; der_take(&tree, DER_SEQUENCE, &group); i++) {
        if (i == 0 && !holds(group, wanted, orphan))
            return stamp_no(verdict, absent, NULL, "%s", text);
        if (!fold(group, so_far, stamp->info.hash, values, result[i % 2]))
            return stamp_no(verdict, CHECK_ER_05, NULL, "no memory to follow the hash tree");
        so_far = dx_bytes_of(result[i % 2], dx_hash_size(stamp->info.hash));
    }
    return dx_bytes_equal(so_far, stamp->info.imprint) ||
           stamp_no(verdict, CHECK_ER_05, NULL,
                    "the root of the reduced hash tree is not the imprint of the token");
}

/* H(H(object) || H(the chains so far)), not sorted, as all known writers do. */
static bool chain_value(const archive *record, const archive_stamp *stamp, const uint8_t leaf[32],
                        uint8_t out[32])
{
    uint8_t both[64];
    dx_buf so_far;
    dx_buf_init(&so_far, RECORD_MAX + 8);
    bool ok = evidence_put_header(&so_far, DER_SEQUENCE, stamp->chain_at).code == DX_OK &&
              dx_buf_add(&so_far, dx_bytes_part(record->chains, 0, stamp->chain_at)).code == DX_OK;
    memcpy(both, leaf, 32);
    if (ok)
        dx_sha256(dx_buf_view(&so_far), both + 32);
    dx_buf_fini(&so_far);
    dx_sha256(dx_bytes_of(both, 64), out);
    return ok;
}

static bool check_hashes(const archive *record, const uint8_t leaf[32], dx_arena *arena, bool *orphan,
                         stamp_verdict *verdict)
{
    uint8_t value[64];
    bool ignored;
    for (size_t i = 0; i < record->count; i++) {
        const archive_stamp *stamp = &record->stamps[i];
        if (stamp->opens_chain && stamp->info.hash != DX_HASH_SHA256)
            return stamp_no(verdict, CHECK_ER_03, NULL,
                            "a chain hashes the object with another algorithm than SHA-256, and the object "
                            "is not at hand");
        if (!stamp->opens_chain && stamp->info.hash != record->stamps[i - 1].info.hash)
            return stamp_no(verdict, CHECK_ER_03, NULL, "the hash algorithm changes within a chain");
        if (i == 0) {
            if (!climb(stamp, dx_bytes_of(leaf, 32), CHECK_ER_04, arena, orphan, verdict))
                return false;
        } else if (stamp->opens_chain) {
            if (!chain_value(record, stamp, leaf, value))
                return stamp_no(verdict, CHECK_ER_08, NULL, "no memory to follow the chains");
            if (!climb(stamp, dx_bytes_of(value, 32), CHECK_ER_08, arena, &ignored, verdict))
                return false;
        } else {
            dx_digest(stamp->info.hash, record->stamps[i - 1].definite, value);
            if (!climb(stamp, dx_bytes_of(value, dx_hash_size(stamp->info.hash)), CHECK_ER_07, arena,
                       &ignored, verdict))
                return false;
        }
    }
    return true;
}

/* ---- the tokens ---- */

static bool check_tokens(const archive *record, const stamp_trust *trust, dx_arena *arena, stamp_facts *facts,
                         stamp_verdict *verdict)
{
    for (size_t i = 0; i < record->count; i++) {
        const archive_stamp *stamp = &record->stamps[i];
        const stamp_expect expect = {.imprint = stamp->info.imprint, .ess_v1_note = true};
        stamp_facts found;
        int64_t next_us = i + 1 < record->count ? record->stamps[i + 1].info.time_us : 0;
        if (next_us != 0 && next_us < stamp->info.time_us)
            return stamp_no(verdict, CHECK_STAMP_14, NULL,
                            "a renewal is older than the time stamp it covers");
        *verdict = stamp_check_token(stamp->token, &expect, trust, next_us / 1000000, arena, &found, NULL);
        if (!verdict->ok)
            return false;
        if (i == 0)
            *facts = found;
    }
    return true;
}

stamp_verdict evidence_record_check(dx_bytes record, const uint8_t leaf[32], const stamp_trust *trust,
                                    dx_arena *arena, stamp_facts *facts)
{
    archive read = {0};
    stamp_verdict verdict = {0};
    bool orphan = false;
    *facts = (stamp_facts){0};
    if (!read_record(record, arena, &read, &verdict) ||
        !check_hashes(&read, leaf, arena, &orphan, &verdict) ||
        !check_tokens(&read, trust, arena, facts, &verdict)) {
        *facts = (stamp_facts){0};
        return verdict;
    }
    facts->orphan = orphan; /* ER-09 */
    return (stamp_verdict){.ok = true};
}
