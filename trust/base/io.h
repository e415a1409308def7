/* io.h -- the operating system, handed in, so that a test can tear a write, fill a disk or fail the n-th
 * call.
 *
 * The functions have the shape of the system calls: -1 and errno on failure. Callers that need whole writes
 * use dx_io_write_all; nobody retries fsync on the same descriptor (the kernel may have dropped the pages).
 * Threads: dx_io_system is stateless.
 */
#ifndef TRUST_BASE_IO_H
#define TRUST_BASE_IO_H

#include "trust/base/bytes.h"

#include <sys/stat.h>
#include <sys/types.h>

typedef struct dx_io dx_io;
struct dx_io {
    int (*open)(const dx_io *io, const char *path, int flags, mode_t mode); /* adds O_CLOEXEC */
    int (*close)(const dx_io *io, int fd);
    ssize_t (*pread)(const dx_io *io, int fd, void *data, size_t size, off_t at);
    ssize_t (*pwrite)(const dx_io *io, int fd, const void *data, size_t size, off_t at);
    int (*fdatasync)(const dx_io *io, int fd);
    int (*fsync)(const dx_io *io, int fd);
    int (*ftruncate)(const dx_io *io, int fd, off_t size);
    int (*fstat)(const dx_io *io, int fd, struct stat *st);
    int (*rename)(const dx_io *io, const char *from, const char *to);
    int (*unlink)(const dx_io *io, const char *path);
    int (*mkdir)(const dx_io *io, const char *path, mode_t mode);
    int (*random)(const dx_io *io, void *data, size_t size); /* 0, or -1: never weak bytes */
};

extern const dx_io dx_io_system;

/* What errno says, right after a call of `io` failed: DX_NO_SPACE, DX_NOT_FOUND or DX_IO. */
struct dx_rc dx_io_fail(dx_why *why, const char *what, const char *path);

/* Writes all of `data` at `at`, going on after short writes and EINTR.
 * DX_NO_SPACE the disk is full; DX_IO anything else. */
DX_RC dx_io_write_all(const dx_io *io, int fd, dx_bytes data, off_t at, dx_why *why);

/* Reads a whole file. `max_bytes` over: DX_TOO_LARGE. Missing: DX_NOT_FOUND. */
DX_RC dx_io_read_file(const dx_io *io, const char *path, size_t max_bytes, dx_buf *out, dx_why *why);

/* Replaces a file so that a reader, or a crash, sees the old or the new content, never a mixture:
 * temporary file, fsync, rename, fsync of the folder. */
DX_RC dx_io_replace_file(const dx_io *io, const char *path, dx_bytes content, mode_t mode, dx_why *why);

/* Makes names in a folder durable: after a rename into it. */
DX_RC dx_io_sync_folder(const dx_io *io, const char *folder, dx_why *why);

/* Makes a folder and those above it; existing ones are fine. */
DX_RC dx_io_make_folders(const dx_io *io, const char *path, mode_t mode, dx_why *why);

#endif
