#include "tests/support/prov_faults.h"

#include <errno.h>

static prov_faults *faults_of(const dx_io *io)
{
    return (prov_faults *)(uintptr_t)io;
}

static bool hit(const dx_io *io)
{
    prov_faults *f = faults_of(io);
    long n = atomic_fetch_add(&f->calls, 1) + 1;
    if (n != atomic_load(&f->fail_call))
        return false;
    errno = f->error;
    return true;
}

static int f_open(const dx_io *io, const char *path, int flags, mode_t mode)
{
    return hit(io) ? -1 : dx_io_system.open(&dx_io_system, path, flags, mode);
}

static int f_close(const dx_io *io, int fd)
{
    (void)io;
    return dx_io_system.close(&dx_io_system, fd);
}

static ssize_t f_pread(const dx_io *io, int fd, void *data, size_t size, off_t at)
{
    ssize_t n = hit(io) ? -1 : dx_io_system.pread(&dx_io_system, fd, data, size, at);
    if (n > 0)
        atomic_fetch_add(&faults_of(io)->read_bytes, n);
    return n;
}

static ssize_t f_pwrite(const dx_io *io, int fd, const void *data, size_t size, off_t at)
{
    prov_faults *f = faults_of(io);
    if (hit(io))
        return -1;
    if (atomic_load(&f->short_writes) > 0) {
        atomic_fetch_sub(&f->short_writes, 1);
        size = size > 1 ? 1 : size;
    }
    if (atomic_load(&f->space_bytes) >= 0) {
        if (atomic_fetch_sub(&f->space_bytes, (long)size) < (long)size) {
            atomic_store(&f->space_bytes, 0);
            errno = ENOSPC;
            return -1;
        }
    }
    return dx_io_system.pwrite(&dx_io_system, fd, data, size, at);
}

static int f_fdatasync(const dx_io *io, int fd)
{
    prov_faults *f = faults_of(io);
    if (hit(io))
        return -1;
    if (atomic_load(&f->fail_sync) > 0) {
        atomic_fetch_sub(&f->fail_sync, 1);
        errno = EIO;
        return -1;
    }
    return dx_io_system.fdatasync(&dx_io_system, fd);
}

static int f_fsync(const dx_io *io, int fd)
{
    return hit(io) ? -1 : dx_io_system.fsync(&dx_io_system, fd);
}

static int f_ftruncate(const dx_io *io, int fd, off_t size)
{
    return hit(io) ? -1 : dx_io_system.ftruncate(&dx_io_system, fd, size);
}

static int f_fstat(const dx_io *io, int fd, struct stat *st)
{
    return hit(io) ? -1 : dx_io_system.fstat(&dx_io_system, fd, st);
}

static int f_rename(const dx_io *io, const char *from, const char *to)
{
    return hit(io) ? -1 : dx_io_system.rename(&dx_io_system, from, to);
}

static int f_unlink(const dx_io *io, const char *path)
{
    (void)io;
    return dx_io_system.unlink(&dx_io_system, path);
}

static int f_mkdir(const dx_io *io, const char *path, mode_t mode)
{
    return hit(io) ? -1 : dx_io_system.mkdir(&dx_io_system, path, mode);
}

static int f_random(const dx_io *io, void *data, size_t size)
{
    (void)io;
    return dx_io_system.random(&dx_io_system, data, size);
}

void prov_faults_init(prov_faults *f)
{
    *f = (prov_faults){.io = {f_open, f_close, f_pread, f_pwrite, f_fdatasync, f_fsync, f_ftruncate, f_fstat,
                              f_rename, f_unlink, f_mkdir, f_random},
                       .error = EIO};
    atomic_store(&f->space_bytes, -1);
}
