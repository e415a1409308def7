/* room: trust_provenance */
/* A segment file out of a disk that lies: strict, and as a start after a crash would read it. */
#include "trust/provenance/segment.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dx_io io = dx_io_system;
    io.open = mem_open;
    io.close = mem_close;
    io.pread = mem_pread;
    io.fstat = mem_fstat;
    file = (dx_bytes){data, size};
    uint64_t sizes[2];
    bool ok[2];
    for (int recover = 0; recover < 2; recover++) {
        merkle_tree tree = {0};
        segment_end end;
        prov_finding finding;
        const char *path = "memory";
        const segment_walk walk = {.io = &io, .recover = recover, .tree = &tree};
        ok[recover] = segment_walk_files(&walk, &path, 1, &end, &finding, NULL).code == DX_OK && finding.ok;
        sizes[recover] = tree.size;
        assert(end.at <= size + SEGMENT_STEP);
    }
    if (ok[0] && ok[1])
        assert(sizes[0] == sizes[1]);
    return 0;
}
