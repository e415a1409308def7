#include "gateway/cli/trust_peers.h"

#include "gateway/admin/control.h"
#include "gateway/exchange/judge.h"
#include "trust/base/digest.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PEERS_MAX = 4096, CHAIN_MAX = 8 };

typedef struct {
    const tlist_snapshot *before, *after;
    int64_t at_s;
    const char *home_scheme;
    path_judge_state *judge;
    void (*line)(void *context, const trust_peer *peer);
    void *context;
} round;

static DX_RC judge(const round *r, const tlist_snapshot *snapshot, const dx_bytes *chain, size_t count,
                   char out[160], dx_why *why)
{
    dx_arena arena = {0};
    trust_verdict v = {0};
    path_input input = {.leaf = chain[0],
                        .presented = chain + 1,
                        .presented_count = count - 1,
                        .snapshot = snapshot,
                        .at_s = r->at_s,
                        .home_scheme = r->home_scheme,
                        .revocation_off = true,
                        .profile = PATH_PEER};
    if (snapshot == NULL) {
        snprintf(out, 160, "no list");
        return DX_OKAY;
    }
    struct dx_rc rc = judge_wait(r->judge, NULL, &input, &arena, &v, why);
    if (rc.code == DX_OK && v.answer == TRUST_YES)
        snprintf(out, 160, "yes %s %s, %.40s %.40s in %s/%s", v.level, v.basis, v.anchor.type,
                 v.anchor.status, v.anchor.scheme, v.anchor.territory);
    else if (rc.code == DX_OK)
        snprintf(out, 160, "%s %s: %.110s", v.kind == TRUST_KIND_UNKNOWN ? "unknown" : "no", v.id, v.reason);
    dx_arena_fini(&arena);
    return rc;
}

static DX_RC one_file(const round *r, const char *file, dx_why *why)
{
    dx_arena arena = {0};
    dx_bytes chain[CHAIN_MAX];
    size_t count = 0;
    trust_peer peer = {.file = file};
    struct dx_rc rc =
        control_read_objects(&dx_io_system, file, "CERTIFICATE", &arena, chain, CHAIN_MAX, &count, why);
    if (rc.code == DX_OK)
        rc = judge(r, r->before, chain, count, peer.before, why);
    if (rc.code == DX_OK)
        rc = judge(r, r->after, chain, count, peer.after, why);
    if (rc.code == DX_OK) {
        dx_sha256(chain[0], peer.sha256);
        peer.touched = strcmp(peer.before, peer.after) != 0;
        r->line(r->context, &peer);
    }
    dx_arena_fini(&arena);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static DX_RC names_in(const char *folder, dx_arena *arena, char **names, size_t *count, dx_why *why)
{
    struct dx_rc rc = DX_OKAY;
    DIR *d = opendir(folder);
    if (d == NULL)
        return DX_FAIL(why, NOT_FOUND, "", "%s cannot be read", folder);
    for (const struct dirent *e; rc.code == DX_OK && (e = readdir(d)) != NULL;) {
        struct stat st;
        char *path = dx_arena_printf(arena, "%s/%s", folder, e->d_name);
        if (path == NULL)
            rc = DX_FAIL(why, NO_MEMORY, "", "no memory for names");
        else if (e->d_name[0] == '.' || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        else if (*count == PEERS_MAX)
            rc = DX_FAIL(why, TOO_LARGE, "", "%s holds more than %d files", folder, PEERS_MAX);
        else
            names[(*count)++] = path;
    }
    closedir(d);
    qsort(names, *count, sizeof *names, by_name);
    return rc;
}

static DX_RC all_files(const round *r, const char *path, dx_why *why)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return DX_FAIL(why, NOT_FOUND, "", "%s cannot be found", path);
    if (!S_ISDIR(st.st_mode))
        return one_file(r, path, why);
    dx_arena arena = {0};
    size_t count = 0;
    char **names = DX_ARENA_ARRAY(&arena, char *, PEERS_MAX);
    struct dx_rc rc = names == NULL ? DX_FAIL(why, NO_MEMORY, "", "no memory for names")
                                    : names_in(path, &arena, names, &count, why);
    for (size_t i = 0; i < count && rc.code == DX_OK; i++)
        rc = one_file(r, names[i], why);
    dx_arena_fini(&arena);
    return rc;
}

DX_RC trust_peers(const char *path, const tlist_snapshot *before, const tlist_snapshot *after, int64_t at_s,
                  const char *home_scheme, void (*line)(void *context, const trust_peer *peer), void *context,
                  dx_why *why)
{
    round r = {before, after, at_s, home_scheme, NULL, line, context};
    DX_TRY(path_judge_new(&r.judge, why));
    struct dx_rc rc = all_files(&r, path, why);
    path_judge_free(r.judge);
    return rc;
}
