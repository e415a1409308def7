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

int cli_provenance_verify(int argc, char **argv)
{
    cli_option o[] = {{.name = "--vkey"}, {.name = "--json", .flag = true}, {.name = NULL}};
    if (!cli_options(&argc, argv, o) || argc != 2 || cli_value(o, "--vkey") == NULL)
        return cli_usage("provenance verify");
    dx_buf text = {0};
    const char *keys[VKEYS_MAX];
    dx_why why = {0};
    size_t count = read_vkeys(cli_value(o, "--vkey"), &text, keys, &why);
    prov_finding finding = {0};
    struct dx_rc rc =
        count == 0 ? (struct dx_rc){DX_USAGE}
                   : prov_verify_dir(&dx_io_system, argv[1], keys, count, progress, NULL, &finding, &why);
    if (rc.code == DX_OK && cli_value(o, "--json") != NULL)
        printf("{\"ok\":%s,\"id\":\"%s\",\"index\":%llu,\"leaves\":%llu,\"text\":\"%s\"}\n",
               finding.ok ? "true" : "false", finding.id, (unsigned long long)finding.index,
               (unsigned long long)finding.leaves, finding.text);
    else if (rc.code == DX_OK && finding.ok)
        printf("ok    %llu records: dense, unchanged, in order, signed\n",
               (unsigned long long)finding.leaves);
    else if (rc.code == DX_OK)
        printf("no    %s at record %llu: %s\n", finding.id, (unsigned long long)finding.index, finding.text);
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
