#include "gateway/admin/control_private.h"

/* The key under which persons stand in records. A person's certificate is never written down, nor its digest,
 * which whoever has the certificate could look for: the record holds an HMAC that only this operator can make
 * again (identity.md 10.4). */

DX_RC control_subject_key(control *c, dx_why *why)
{
    uint8_t *key = c->gate.subject_key;
    const size_t size = sizeof c->gate.subject_key;
    const dx_io *io = c->gate.io;
    const char *path = dx_arena_printf(&c->source_arena, "%s/subject.key", c->config->root->state_dir);
    dx_buf file;
    if (path == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the subject key");
    dx_buf_init(&file, 64);
    struct dx_rc rc = dx_io_read_file(io, path, 64, &file, why);
    if (rc.code == DX_NOT_FOUND) {
        if (io->random(io, key, size) != 0)
            rc = DX_FAIL(why, INTERNAL, "", "no random bytes for %.150s", path);
        else
            rc = dx_io_replace_file(io, path, dx_bytes_of(key, size), 0600, why);
    } else if (rc.code == DX_OK && file.size != size) {
        rc = DX_FAIL(why, CONFIG, "", "%.150s holds %zu bytes, not %zu", path, file.size, size);
    } else if (rc.code == DX_OK) {
        memcpy(key, file.data, size);
    }
    if (file.data != NULL)
        explicit_bzero(file.data, file.size);
    dx_buf_fini(&file);
    return rc;
}
