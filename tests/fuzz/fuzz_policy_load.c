/* room: policy */
/* A document of any kind, as it would stand in a bundle: the golden bundle with this file in place of one of
 * its own. The first byte chooses the place. Accepted documents print to canonical bytes that load again to
 * the same findings. */
#include "policy/compile.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {
    "guards.json",     "levels.json",       "vocab.json",         "partnerships/p.json", "parties/p.json",
    "datasets/d.json", "agreements/a.json", "authorities/a.json", "tests/t.json",        "manifest.json"};
static char dir[] = "/tmp/fuzz-policy-XXXXXX";

static void put(const char *name, dx_bytes text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!write(fd, text.data, text.size);
        close(fd);
    }
}

static void leave(void)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    static const char *const folders[] = {"partnerships", "parties", "datasets", "agreements",
                                          "authorities",  "tests",   ""};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        rmdir(path);
    }
}

static void enter(void)
{
    static bool ready;
    if (ready)
        return;
    ready = mkdtemp(dir) != NULL;
    static const char *const folders[] = {"partnerships", "parties",     "datasets",
                                          "agreements",   "authorities", "tests"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        mkdir(path, 0700);
    }
    atexit(leave);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enter();
    unsigned which = data[0] % (sizeof files / sizeof files[0]);
    put("guards.json",
        DX_BYTES("{\"dfft\":\"1\",\"kind\":\"guards\",\"id\":\"urn:dfft:guards:m\",\"version\":1,\"builtin\":"
                 "{\"jp.individual_number\":\"deny\"},\"prohibit\":[]}"));
    put("levels.json",
        DX_BYTES(
            "{\"dfft\":\"1\",\"kind\":\"levels\",\"id\":\"urn:dfft:levels:m\",\"version\":1,\"rows\":[]}"));
    put(files[which], dx_bytes_of(data + 1, size - 1));
    const policy_source source = {.dir = dir, .io = &dx_io_system, .now_s = 1795489200, .working_copy = true};
    policy_findings lint = {0};
    policy *p = NULL;
    dx_why why = {0};
    struct dx_rc rc = policy_build(&source, NULL, &p, &lint, &why);
    assert((rc.code == DX_OK) == (p != NULL));
    assert(rc.code != DX_OK || lint.errors == 0); /* accepted means sound */
    if (p != NULL) {
        dx_arena arena = {0};
        policy_facts *facts = policy_facts_new(&arena);
        assert(policy_evaluate(p, POLICY_BODY, facts, NULL, &arena).answer ==
               POLICY_DENY); /* no facts, no permit */
        dx_arena_fini(&arena);
        json_t *again = json_loadb((const char *)data + 1, size - 1, JSON_ALLOW_NUL, NULL);
        dx_buf canonical;
        dx_buf_init(&canonical, 4 * 1024 * 1024);
        assert(dx_json_canonical(again, &canonical).code == DX_OK);
        put(files[which], dx_buf_view(&canonical));
        policy_findings second = {0};
        policy *q = NULL;
        if (which != 9) { /* a manifest lists digests of files as they are */
            assert(policy_build(&source, NULL, &q, &second, &why).code == DX_OK);
            assert(second.warnings == lint.warnings);
        }
        policy_unref(q);
        policy_findings_fini(&second);
        dx_buf_fini(&canonical);
        json_decref(again);
    }
    policy_unref(p);
    policy_findings_fini(&lint);
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, files[which]);
    unlink(path);
    return 0;
}
