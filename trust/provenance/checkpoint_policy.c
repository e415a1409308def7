/* The C2SP tlog-policy file: who the logs and witnesses are, and how many witnesses are enough. */
#include "trust/provenance/checkpoint.h"

#include "trust/provenance/pv_check.h"

#define WORDS_MAX (CHECKPOINT_KEYS_MAX + 4)

static unsigned split(dx_bytes line, dx_bytes words[WORDS_MAX])
{
    unsigned n = 0;
    for (size_t i = 0; i < line.size && n < WORDS_MAX;) {
        size_t from = i;
        while (i < line.size && line.data[i] != ' ' && line.data[i] != '\t')
            i++;
        if (i > from)
            words[n++] = dx_bytes_part(line, from, i - from);
        i++;
    }
    return n;
}

/* Index of a witness or group; -1: not defined. */
static int member(const checkpoint_trust *trust, dx_bytes name)
{
    for (unsigned i = 0; i < trust->count; i++)
        if (trust->witness[i] && trust->names[i][0] != 0 && dx_bytes_is(name, trust->names[i]))
            return (int)i;
    for (unsigned i = 0; i < trust->group_count; i++)
        if (dx_bytes_is(name, trust->groups[i].name))
            return (int)(CHECKPOINT_KEYS_MAX + i);
    return -1;
}

static bool name_free(const checkpoint_trust *trust, dx_bytes name)
{
    return name.size < sizeof trust->names[0] && !dx_bytes_is(name, "none") && member(trust, name) < 0;
}

static const char *group(checkpoint_trust *trust, const dx_bytes *words, unsigned count,
                         bool used[2 * CHECKPOINT_KEYS_MAX])
{
    if (trust->group_count == CHECKPOINT_KEYS_MAX || !name_free(trust, words[1]))
        return "too many groups, or the name is taken";
    unsigned g = trust->group_count, n = count - 3;
    uint64_t threshold = dx_bytes_is(words[2], "any") ? 1 : dx_bytes_is(words[2], "all") ? n : 0;
    if (threshold == 0 && (!dx_bytes_u64(words[2], n, &threshold) || threshold == 0))
        return "the threshold is not any, all or 1 to the number of members";
    for (unsigned i = 0; i < n; i++) {
        int m = member(trust, words[3 + i]);
        if (m < 0 || used[m])
            return "a member is not defined above, or is a member already";
        used[m] = true;
        trust->groups[g].members[i] = (uint8_t)m;
    }
    trust->groups[g].member_count = n;
    trust->groups[g].threshold = (unsigned)threshold;
    memcpy(trust->groups[g].name, words[1].data, words[1].size);
    trust->group_count++;
    return NULL;
}

bool checkpoint_trust_policy(checkpoint_trust *trust, dx_bytes text, prov_finding *finding)
{
    bool used[2 * CHECKPOINT_KEYS_MAX] = {false}, quorum = false;
    unsigned number = 0;
    while (text.size > 0) {
        const uint8_t *lf = memchr(text.data, '\n', text.size);
        dx_bytes line = dx_bytes_part(text, 0, lf == NULL ? text.size : (size_t)(lf - text.data)),
                 words[WORDS_MAX];
        text = dx_bytes_part(text, line.size + 1, text.size);
        const char *bad = NULL;
        number++;
        for (size_t i = 0; i < line.size; i++)
            if ((line.data[i] < 0x20 && line.data[i] != '\t') || line.data[i] == 0x7f)
                bad = "control character";
        unsigned n = split(line, words);
        if (bad == NULL && (n == 0 || words[0].data[0] == '#'))
            continue;
        if (bad == NULL && dx_bytes_is(words[0], "log") && (n == 2 || n == 3)) {
            if (!checkpoint_trust_add(trust, words[1], false, finding))
                return false;
        } else if (bad == NULL && dx_bytes_is(words[0], "witness") && (n == 3 || n == 4)) {
            if (!name_free(trust, words[1]))
                bad = "the name is taken";
            else if (!checkpoint_trust_add(trust, words[2], true, finding))
                return false;
            else
                memcpy(trust->names[trust->count - 1], words[1].data, words[1].size);
        } else if (bad == NULL && dx_bytes_is(words[0], "group") && n >= 4 && n < WORDS_MAX) {
            bad = group(trust, words, n, used);
        } else if (bad == NULL && dx_bytes_is(words[0], "quorum") && n == 2 && !quorum) {
            quorum = true;
            trust->quorum = member(trust, words[1]);
            if (trust->quorum < 0 && !dx_bytes_is(words[1], "none"))
                bad = "the quorum is not defined above";
        } else if (bad == NULL) {
            bad = "no line of a policy, or a second quorum";
        }
        if (bad != NULL)
            return prov_no(finding, "PV-107", "policy line %u: %s", number, bad);
    }
    return quorum || prov_no(finding, "PV-107", "a policy has exactly one quorum line");
}
