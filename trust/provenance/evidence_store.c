/* Content-addressed public blobs that leaves name: lists, OCSP answers, CRLs, policies, agreements, tokens.
 * Durable before anyone may name them (provenance.md 3.3, rule 5). */
#include "trust/base/digest.h"
#include "trust/provenance/writer.h"

#include <fcntl.h>
#include <stdio.h>

DX_RC prov_evidence_put(prov_log *log, dx_bytes blob, uint8_t sha256[32], dx_why *why)
{
    char folder[PATH_MAX + 32], path[PATH_MAX + 128], hex[DX_HEX_SIZE(32)];
    dx_sha256(blob, sha256);
    dx_hex(dx_bytes_of(sha256, 32), hex);
    snprintf(folder, sizeof folder, "%s/evidence/%.2s", log->base, hex);
    snprintf(path, sizeof path, "%s/%s", folder, hex);
    int fd = log->io->open(log->io, path, O_RDONLY, 0);
    if (fd >= 0) { /* its name is its content: nothing to write again */
        log->io->close(log->io, fd);
        return DX_OKAY;
    }
    DX_TRY(dx_io_make_folders(log->io, folder, 0700, why));
    /* Two threads may store one blob at the same time: each has its own temporary name. */
    char temp[PATH_MAX + 160];
    uint8_t salt[8];
    char suffix[DX_HEX_SIZE(8)];
    if (log->io->random(log->io, salt, sizeof salt) != 0)
        return DX_FAIL(why, INTERNAL, "", "no random bytes");
    dx_hex(dx_bytes_of(salt, sizeof salt), suffix);
    snprintf(temp, sizeof temp, "%s.%s", path, suffix);
    DX_TRY(dx_io_replace_file(log->io, temp, blob, 0600, why));
    if (log->io->rename(log->io, temp, path) != 0)
        return dx_io_fail(why, "cannot rename to", path);
    return dx_io_sync_folder(log->io, folder, why);
}
