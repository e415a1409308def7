#include "gateway/cli/cli.h"

#include "gateway/admin/control.h"
#include "trust/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* sekisho run, check, manual, version */

static dx_log_level level_of(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return (dx_log_level)i;
    return DX_LOG_INFO;
}

int cli_run(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"}, {.name = NULL}};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 1)
        return cli_usage("run");
    config *cf;
    dx_why why = {0};
    struct dx_rc rc = cli_config(cli_value(o, "-c"), &cf, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    dx_log_open(STDOUT_FILENO, level_of(cf->log->level), &dx_clock_system);
    /* Keys live here: no core file, no peeking by others of the same user (reliability.md 6.3). */
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigset_t set; /* signals go to the control thread alone; every thread inherits the mask */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    control *c;
    rc = control_start(cf, &dx_clock_system, &dx_io_system, &c, &why);
    if (rc.code != DX_OK) {
        dx_log_why(DX_LOG_ERROR, "start.refused", &why);
        int exit_code = cli_fail(&why, rc);
        return exit_code == 4 || exit_code == 5 ? exit_code : 2;
    }
    int code = control_run(c);
    control_stop(c);
    return code;
}

/* ---- check ---- */

typedef struct {
    bool json, first;
    unsigned bad;
} report;

static void line(report *r, const char *id, bool ok, const char *text)
{
    if (r->json) {
        fputs(r->first ? "" : ",", stdout);
        cli_json(json_pack("{s:s,s:b,s:s}", "id", id, "ok", ok, "text", text));
    } else {
        printf("%-5s %-16s %s\n", ok ? "ok" : "bad", id, text);
    }
    r->first = false;
    r->bad += !ok;
}

static void check_lists(report *r, config *cf)
{
    dx_arena arena = {0};
    tlist_source *sources;
    size_t count;
    dx_why why = {0};
    bool ok = control_sources(cf, &dx_io_system, &arena, &sources, &count, &why).code == DX_OK;
    line(r, "trust.anchors", ok, ok ? "every source has anchors" : why.text);
    dx_arena_fini(&arena);
}

static void check_block(report *r, const config *cf)
{
    trust_block *block = NULL;
    dx_why why = {0};
    if (cf->trust->block == NULL)
        return;
    bool ok = trust_block_load(&dx_io_system, cf->trust->block, &block, &why).code == DX_OK;
    line(r, "trust.block", ok, ok ? "the block file is well-formed" : why.text);
    trust_block_unref(block);
}

static void check_policy(report *r, config *cf)
{
    policy *p = NULL;
    policy_findings findings;
    dx_why why = {0};
    struct dx_rc rc = control_read_policy(cf, &dx_io_system, dx_now_s(&dx_clock_system), &p, &findings, &why);
    char text[1200];
    for (size_t i = 0; i < findings.count; i++) {
        const policy_finding *f = &findings.items[i];
        snprintf(text, sizeof text, "%s:%u:%u %s %.200s", f->file, f->line, f->column, f->pointer, f->text);
        line(r, f->id, !f->error, text);
    }
    line(r, "policy", rc.code == DX_OK, rc.code == DX_OK ? "the bundle loads" : why.text);
    policy_unref(p);
    policy_findings_fini(&findings);
}

int cli_check(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"}, {.name = "--json", .flag = true}, {.name = NULL}};
    if (!cli_options(&argc, argv, o) || cli_value(o, "-c") == NULL || argc != 1)
        return cli_usage("check");
    config *cf;
    dx_why why = {0};
    struct dx_rc rc = cli_config(cli_value(o, "-c"), &cf, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    report r = {.json = cli_value(o, "--json") != NULL, .first = true};
    seal_credential *credential = NULL;
    if (r.json)
        fputs("[", stdout);
    line(&r, "config", true, "the file is well-formed and complete");
    bool ok = control_credential(cf, &dx_io_system, &credential, &why).code == DX_OK;
    line(&r, "seal.key", ok, ok ? "key and certificate belong together" : why.text);
    seal_credential_unref(credential);
    const char *const keys[] = {cf->provenance_keys->ed25519, cf->provenance_keys->p256};
    for (size_t i = 0; i < 2; i++) {
        sign_key *key = NULL;
        if (keys[i] == NULL)
            continue;
        ok = sign_open(&(sign_spec){.file = keys[i], .io = &dx_io_system}, &key, &why).code == DX_OK;
        line(&r, i == 0 ? "log.ed25519" : "log.p256", ok, ok ? "the key opens" : why.text);
        sign_unref(key);
    }
    const upstream_spec upstream = gate_upstream_spec(cf);
    ok = upstream_check(&upstream, &why).code == DX_OK;
    line(&r, "upstream", ok, ok ? "the data API's addresses and certificates can be used" : why.text);
    check_lists(&r, cf);
    check_block(&r, cf);
    check_policy(&r, cf);
    line(&r, "guard_dir", true,
         cf->provenance->guard_dir != NULL
             ? "a rollback guard is configured"
             : "no provenance.guard_dir: a restored old log would not be noticed");
    if (r.json)
        fputs("]\n", stdout);
    config_free(cf);
    return r.bad > 0 ? 2 : 0;
}

int cli_manual(int argc, char **argv)
{
    cli_option o[] = {{.name = "--roff", .flag = true},
                      {.name = "--options", .flag = true},
                      {.name = "--commands", .flag = true},
                      {.name = NULL}};
    if (!cli_options(&argc, argv, o) || argc != 1 ||
        (cli_value(o, "--options") != NULL && cli_value(o, "--commands") != NULL))
        return cli_usage("manual");
    dx_buf text;
    dx_buf_init(&text, 1U << 20);
    bool roff = cli_value(o, "--roff") != NULL;
    struct dx_rc rc =
        cli_value(o, "--commands") != NULL ? cli_commands(roff, &text) : config_manual(roff, &text);
    if (rc.code == DX_OK)
        fwrite(text.data, 1, text.size, stdout);
    dx_buf_fini(&text);
    return dx_code_exit(rc.code);
}

int cli_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("sekisho %s\n", SEKISHO_VERSION);
    return 0;
}
