/* room: trust_provenance */
/* checkpoints.log out of a disk that lies: read from the front, from behind and by halving. */
#include "trust/provenance/checkpoint.h"
#include "trust/provenance/checkpoint_file.h"

#include <assert.h>

static dx_bytes file;

static int mem_open(const dx_io *io, const char *path, int flags, mode_t mode)
{
    (void)io;
    (void)path;
    (void)flags;
    (void)mode;
    return 7;
}

static int mem_close(const dx_io *io, int fd)
{
    (void)io;
    (void)fd;
    return 0;
}

static ssize_t mem_pread(const dx_io *io, int fd, void *data, size_t size, off_t at)
{
    (void)io;
    (void)fd;
    dx_bytes part = dx_bytes_part(file, (size_t)at, size);
    if (part.size > 0)
        memcpy(data, part.data, part.size);
    return (ssize_t)part.size;
}

static int mem_fstat(const dx_io *io, int fd, struct stat *st)
{
    (void)io;
    (void)fd;
    memset(st, 0, sizeof *st);
    st->st_size = (off_t)file.size;
    return 0;
}

static bool keep_last(void *context, dx_bytes note)
{
    dx_buf *last = context;
    dx_buf_clear(last);
    return dx_buf_add(last, note).code == DX_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_io io = dx_io_system;
    io.open = mem_open;
    io.close = mem_close;
    io.pread = mem_pread;
    io.fstat = mem_fstat;
    file = (dx_bytes){data, size};
    dx_buf newest, last, found;
    dx_buf_init(&newest, CHECKPOINT_FILE_ENTRY_MAX);
    dx_buf_init(&last, CHECKPOINT_FILE_ENTRY_MAX);
    dx_buf_init(&found, CHECKPOINT_FILE_ENTRY_MAX);
    checkpoint cp;
    prov_finding finding;
    uint64_t end = 0, wanted = 0;
    bool walked = checkpoint_file_walk(&io, "", keep_last, &last, NULL).code == DX_OK;
    if (checkpoint_file_end(&io, "", &newest, &end, NULL).code == DX_OK) {
        assert(end <= size);
        /* what begins with a note is what we write: from behind as from the front */
        if (walked && newest.size > 0)
            assert(dx_bytes_equal(dx_buf_view(&newest), dx_buf_view(&last)));
    }
    if (checkpoint_parse(dx_buf_view(&last), &cp, &finding))
        wanted = cp.size;
    for (uint64_t ask = wanted < 3 ? 0 : wanted - 3; ask <= wanted; ask++) {
        dx_buf_clear(&found);
        if (checkpoint_file_find(&io, "", ask, &found, NULL).code == DX_OK)
            assert(checkpoint_parse(dx_buf_view(&found), &cp, &finding) && cp.size == ask);
    }
    dx_buf_fini(&newest);
    dx_buf_fini(&last);
    dx_buf_fini(&found);
    return 0;
}
