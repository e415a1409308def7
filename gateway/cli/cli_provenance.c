#include "gateway/cli/cli.h"

#include "trust/provenance/provenance.h"

#include <stdio.h>
#include <stdlib.h>

/* sekisho provenance verify, prove, export, keys */

#define VKEYS_MAX 8

/* A key, or @FILE with one key a line. */
static size_t read_vkeys(const char *argument, dx_buf *text, const char *keys[VKEYS_MAX], dx_why *why)
{
    size_t count = 0;
    if (argument[0] != '@') {
        keys[0] = argument;
        return 1;
    }
    if (dx_io_read_file(&dx_io_system, argument + 1, 65536, text, why).code != DX_OK ||
        dx_buf_add_byte(text, 0).code != DX_OK)
        return 0;
    for (char *save = NULL, *line = strtok_r((char *)text->data, "\r\n", &save);
         line != NULL && count < VKEYS_MAX; line = strtok_r(NULL, "\r\n", &save))
        keys[count++] = line;
    return count;
}

static void progress(void *context, uint64_t done, uint64_t of)
{
    (void)context;
    if (of > 100000)
        fprintf(stderr, "\r%llu of %llu", (unsigned long long)done, (unsigned long long)of);
}

/* One leaf and its proof, without the log. */
static DX_RC verify_proof(const char *proof_file, const char *leaf_file, const char *const *keys,
                          size_t count, prov_finding *finding, dx_why *why)
{
    dx_buf proof, leaf;
    DX_TRY(dx_io_read_file(&dx_io_system, proof_file, 1U << 20, &proof, why));
    struct dx_rc rc = dx_io_read_file(&dx_io_system, leaf_file, 65535, &leaf, why);
    if (rc.code == DX_OK) {
        rc = prov_proof_check(dx_buf_view(&proof), dx_buf_view(&leaf), keys, count, finding, why);
        dx_buf_fini(&leaf);
    }
    dx_buf_fini(&proof);
    return rc;
}

static void print_json(const prov_finding *f)
{
    json_t *text = json_string(f->text); /* it may quote a leaf, which may be anything */
    cli_json(json_pack("{s:b,s:s,s:s,s:I,s:I,s:o}", "ok", f->ok, "id", f->id, "clause",
                       f->clause == NULL ? "" : f->clause, "index", (json_int_t)f->index, "leaves",
                       (json_int_t)f->leaves, "text", text != NULL ? text : json_string("")));
    fputs("\n", stdout);
}

static void print_finding(const prov_finding *f, bool one_proof)
{
    unsigned long long index = f->index, leaves = f->leaves;
    if (!f->ok)
        printf("no    %s (%s) at record %llu: %s\n", f->id, f->clause, index, f->text);
    else if (one_proof)
        printf("ok    this is record %llu of a signed log\n", index);
    else
        printf("ok    %llu records: dense, unchanged, in order, signed\n", leaves);
}

int cli_provenance_verify(int argc, char **argv)
{
    cli_option o[] = {{.name = "--vkey"},
                      {.name = "--proof"},
                      {.name = "--leaf"},
                      {.name = "--json", .flag = true},
                      {.name = NULL}};
    if (!cli_options(&argc, argv, o) || cli_value(o, "--vkey") == NULL)
        return cli_usage("provenance verify");
    const char *proof = cli_value(o, "--proof"), *leaf = cli_value(o, "--leaf");
    if (argc != (proof != NULL ? 1 : 2) || (proof != NULL) != (leaf != NULL))
        return cli_usage("provenance verify");
    dx_buf text = {0};
    const char *keys[VKEYS_MAX];
    dx_why why = {0};
    size_t count = read_vkeys(cli_value(o, "--vkey"), &text, keys, &why);
    prov_finding finding = {0};
    struct dx_rc rc = count == 0      ? (struct dx_rc){DX_USAGE}
                      : proof != NULL ? verify_proof(proof, leaf, keys, count, &finding, &why)
                                      : prov_verify_dir(&dx_io_system, argv[1], keys, count, progress, NULL,
                                                        &finding, &why);
    if (rc.code == DX_OK && cli_value(o, "--json") != NULL)
        print_json(&finding);
    else if (rc.code == DX_OK)
        print_finding(&finding, proof != NULL);
    dx_buf_fini(&text);
    return rc.code != DX_OK ? cli_fail(&why, rc) : finding.ok ? 0 : 1;
}

int cli_provenance_prove(int argc, char **argv)
{
    cli_option o[] = {{.name = "--dir"}, {.name = "--size"}, {.name = NULL}};
    uint64_t index, size = 0;
    if (!cli_options(&argc, argv, o) || argc != 2 || cli_value(o, "--dir") == NULL ||
        !dx_bytes_u64(dx_bytes_text(argv[1]), INT64_MAX, &index) ||
        (cli_value(o, "--size") != NULL &&
         !dx_bytes_u64(dx_bytes_text(cli_value(o, "--size")), INT64_MAX, &size)))
        return cli_usage("provenance prove");
    prov_reader *reader = NULL;
    dx_buf proof;
    dx_why why = {0};
    dx_buf_init(&proof, 1U << 20);
    struct dx_rc rc = prov_reader_open(&dx_io_system, cli_value(o, "--dir"), &reader, &why);
    if (rc.code == DX_OK)
        rc = prov_reader_prove(reader, index, size, &proof, &why);
    if (rc.code == DX_OK)
        fwrite(proof.data, 1, proof.size, stdout);
    prov_reader_close(reader);
    dx_buf_fini(&proof);
    return rc.code == DX_OK ? 0 : cli_fail(&why, rc);
}

int cli_provenance_export(int argc, char **argv)
{
    cli_option o[] = {{.name = "--dir"}, {.name = NULL}};
    if (!cli_options(&argc, argv, o) || argc != 2 || cli_value(o, "--dir") == NULL)
        return cli_usage("provenance export");
    prov_reader *reader = NULL;
    dx_why why = {0};
    struct dx_rc rc = prov_reader_open(&dx_io_system, cli_value(o, "--dir"), &reader, &why);
    if (rc.code == DX_OK)
        rc = prov_export_tiles(reader, argv[1], &why);
    prov_reader_close(reader);
    return rc.code == DX_OK ? 0 : cli_fail(&why, rc);
}

int cli_provenance_keys(int argc, char **argv)
{
    cli_option o[] = {{.name = "-c"}, {.name = NULL}};
    config *cf;
    dx_why why = {0};
    if (!cli_options(&argc, argv, o) || argc != 1 || cli_value(o, "-c") == NULL)
        return cli_usage("provenance keys");
    struct dx_rc rc = cli_config(cli_value(o, "-c"), &cf, &why);
    if (rc.code != DX_OK)
        return cli_fail(&why, rc);
    sign_key *keys[2] = {NULL, NULL};
    dx_buf lines;
    dx_buf_init(&lines, 65536);
    rc = sign_open(&(sign_spec){.file = cf->provenance_keys->ed25519, .io = &dx_io_system}, &keys[0], &why);
    if (rc.code == DX_OK && cf->provenance_keys->p256 != NULL)
        rc = sign_open(&(sign_spec){.file = cf->provenance_keys->p256, .io = &dx_io_system}, &keys[1], &why);
    if (rc.code == DX_OK)
        rc = prov_vkeys(&(prov_log_spec){.host = cf->gateway->host,
                                         .ed25519 = keys[0],
                                         .p256 = keys[1],
                                         .io = &dx_io_system,
                                         .clock = &dx_clock_system},
                        &lines, &why);
    if (rc.code == DX_OK)
        fwrite(lines.data, 1, lines.size, stdout);
    sign_unref(keys[0]);
    sign_unref(keys[1]);
    dx_buf_fini(&lines);
    config_free(cf);
    return rc.code == DX_OK ? 0 : cli_fail(&why, rc);
}
