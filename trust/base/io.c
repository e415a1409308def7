#include "trust/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

static int sys_open(const dx_io *io, const char *path, int flags, mode_t mode)
{
    (void)io;
    return open(path, flags | O_CLOEXEC, mode);
}

static int sys_close(const dx_io *io, int fd)
{
    (void)io;
    return close(fd);
}

static ssize_t sys_pread(const dx_io *io, int fd, void *data, size_t size, off_t at)
{
    (void)io;
    return pread(fd, data, size, at);
}

static ssize_t sys_pwrite(const dx_io *io, int fd, const void *data, size_t size, off_t at)
{
    (void)io;
    return pwrite(fd, data, size, at);
}

static int sys_fdatasync(const dx_io *io, int fd)
{
    (void)io;
    return fdatasync(fd);
}

static int sys_fsync(const dx_io *io, int fd)
{
    (void)io;
    return fsync(fd);
}

static int sys_ftruncate(const dx_io *io, int fd, off_t size)
{
    (void)io;
    return ftruncate(fd, size);
}

static int sys_fstat(const dx_io *io, int fd, struct stat *st)
{
    (void)io;
    return fstat(fd, st);
}

static int sys_rename(const dx_io *io, const char *from, const char *to)
{
    (void)io;
    return rename(from, to);
}

static int sys_unlink(const dx_io *io, const char *path)
{
    (void)io;
    return unlink(path);
}

static int sys_mkdir(const dx_io *io, const char *path, mode_t mode)
{
    (void)io;
    return mkdir(path, mode);
}

static int sys_random(const dx_io *io, void *data, size_t size)
{
    (void)io;
    for (size_t done = 0; done < size;) {
        ssize_t n = getrandom((uint8_t *)data + done, size - done, 0);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

const dx_io dx_io_system = {sys_open,      sys_close, sys_pread,  sys_pwrite, sys_fdatasync, sys_fsync,
                            sys_ftruncate, sys_fstat, sys_rename, sys_unlink, sys_mkdir,     sys_random};

struct dx_rc dx_io_fail(dx_why *why, const char *what, const char *path)
{
    int error = errno;
    dx_code code = error == ENOSPC || error == EDQUOT ? DX_NO_SPACE : error == ENOENT ? DX_NOT_FOUND : DX_IO;
    return dx_fail(why, code, "", "", "%s %s: %s", what, path, strerror(error));
}

DX_RC dx_io_write_all(const dx_io *io, int fd, dx_bytes data, off_t at, dx_why *why)
{
    for (size_t done = 0; done < data.size;) {
        ssize_t n = io->pwrite(io, fd, data.data + done, data.size - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dx_io_fail(why, "cannot write to", "file");
        if (n == 0)
            return dx_fail(why, DX_IO, "", "", "a write took no bytes");
        done += (size_t)n;
    }
    return DX_OKAY;
}

DX_RC dx_io_read_file(const dx_io *io, const char *path, size_t max_bytes, dx_buf *out, dx_why *why)
{
    int fd = io->open(io, path, O_RDONLY, 0);
    if (fd < 0)
        return dx_io_fail(why, "cannot open", path);
    dx_buf_init(out, max_bytes);
    struct dx_rc rc = DX_OKAY;
    for (;;) {
        uint8_t part[65536];
        ssize_t n = io->pread(io, fd, part, sizeof part, (off_t)out->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = dx_io_fail(why, "cannot read", path);
        if (n <= 0)
            break;
        rc = dx_buf_add(out, dx_bytes_of(part, (size_t)n));
        if (rc.code == DX_TOO_LARGE)
            rc = dx_fail(why, DX_TOO_LARGE, "", "", "%s is larger than %zu bytes", path, max_bytes);
        if (rc.code != DX_OK)
            break;
    }
    io->close(io, fd);
    if (rc.code != DX_OK)
        dx_buf_fini(out);
    return rc;
}

DX_RC dx_io_sync_folder(const dx_io *io, const char *folder, dx_why *why)
{
    int fd = io->open(io, folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return dx_io_fail(why, "cannot open", folder);
    int failed = io->fsync(io, fd);
    struct dx_rc rc = failed != 0 ? dx_io_fail(why, "cannot sync", folder) : DX_OKAY;
    io->close(io, fd);
    return rc;
}

static DX_RC sync_folder_of(const dx_io *io, const char *path, dx_why *why)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path),
             slash == NULL ? "." : path);
    return dx_io_sync_folder(io, folder[0] == 0 ? "/" : folder, why);
}

DX_RC dx_io_replace_file(const dx_io *io, const char *path, dx_bytes content, mode_t mode, dx_why *why)
{
    char temp[PATH_MAX];
    if (snprintf(temp, sizeof temp, "%s.new", path) >= (int)sizeof temp)
        return DX_FAIL(why, USAGE, "", "path is too long: %s", path);
    int fd = io->open(io, temp, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (fd < 0)
        return dx_io_fail(why, "cannot create", temp);
    struct dx_rc rc = dx_io_write_all(io, fd, content, 0, why);
    if (rc.code == DX_OK && io->fsync(io, fd) != 0)
        rc = dx_io_fail(why, "cannot sync", temp);
    io->close(io, fd);
    if (rc.code == DX_OK && io->rename(io, temp, path) != 0)
        rc = dx_io_fail(why, "cannot rename to", path);
    if (rc.code != DX_OK) {
        io->unlink(io, temp);
        return rc;
    }
    return sync_folder_of(io, path, why);
}

DX_RC dx_io_make_folders(const dx_io *io, const char *path, mode_t mode, dx_why *why)
{
    char part[PATH_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof part)
        return DX_FAIL(why, USAGE, "", "not a usable folder path: %s", path);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (io->mkdir(io, part, mode) != 0 && errno != EEXIST)
            return dx_io_fail(why, "cannot make folder", part);
    }
    return DX_OKAY;
}
