/* room: policy */
/* A facts or test document against the golden battery bundle: every ruling prints, and facts print to what
 * reads back. */
#include "policy/policy.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static policy *p;
    const policy_source source = {
        .dir = "tests/golden/policy/battery", .io = &dx_io_system, .now_s = 1795489200, .working_copy = true};
    policy_findings bad = {0};
    if (p == NULL) {
        struct dx_rc built = policy_build(&source, NULL, &p, &bad, NULL);
        (void)built; /* NULL is judged too: bundle.none */
        policy_findings_fini(&bad);
    }
    dx_arena arena = {0};
    dx_buf text;
    policy_ruling ruling;
    dx_arena_init(&arena, 64 * 1024 * 1024);
    dx_buf_init(&text, 16 * 1024 * 1024);
    struct dx_rc rc = policy_explain(p, dx_bytes_of(data, size), "tests/golden/policy/battery/tests/fixtures",
                                     &dx_io_system, "ja", &ruling, &text, &arena, &bad, NULL);
    assert(rc.code != DX_OK || bad.errors == 0);
    assert(rc.code != DX_OK || (ruling.code != NULL && ruling.clause != NULL && text.size > 0));
    assert(rc.code == DX_OK || ruling.answer == POLICY_DENY);
    policy_findings_fini(&bad);
    dx_buf_fini(&text);
    dx_arena_fini(&arena);
    return 0;
}
