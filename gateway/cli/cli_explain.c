#include "gateway/cli/cli.h"

#include "gateway/upstream/upstream.h"
#include "trust/path/path_qualified.h"
#include "trust/provenance/pv_check.h"
#include "trust/seal/seal.h"

#include <stdio.h>

int cli_explain(int argc, char **argv)
{
    if (argc != 2)
        return cli_usage("explain");
    static const char *(*const rooms[])(const char *, const char **) = {
        tlist_check_text, path_check_text, path_qualified_text, stamp_check_text,
        seal_check_text,  pv_check_text,   http_check_text,     upstream_check_text};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        const char *clause = NULL, *text = rooms[i](argv[1], &clause);
        if (text != NULL) {
            printf("%s\n  %s\n  clause: %s\n", argv[1], text,
                   clause == NULL || clause[0] == 0 ? "own rule" : clause);
            return 0;
        }
    }
    fprintf(stderr,
            "sekisho: no check has the id %s (they look like TL-502, ID-304, SEAL-11, STAMP-03, PV-203, "
            "DP-127)\n",
            argv[1]);
    return 3;
}
