/* Preloaded into a process: writes down what it does to the files of one directory ($POWER_ROOT), in
   order, to $POWER_LOG, before the call returns. So a test can make the directory as a power cut
   leaves it: with what was synced, and any part of what was not. Only what SQLite and Python use. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int log_fd = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("POWER_LOG");
    if (path != NULL)
        log_fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int inside(const char *path)
{
    const char *root = getenv("POWER_ROOT");
    return log_fd >= 0 && root != NULL && strncmp(path, root, strlen(root)) == 0;
}

/* The path of a descriptor, if it is one of the directory's. */
static int path_of(int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return inside(path);
}

/* One record: a letter, the lengths of both texts, an offset, the texts. */
static void note(char what, const char *path, int64_t offset, const void *data, size_t size)
{
    uint32_t lengths[2] = {(uint32_t)strlen(path), (uint32_t)size};
    size_t whole = 1 + sizeof lengths + sizeof offset + lengths[0] + size;
    char *record = malloc(whole), *end = record;
    *end++ = what;
    memcpy(end, lengths, sizeof lengths);
    end += sizeof lengths;
    memcpy(end, &offset, sizeof offset);
    end += sizeof offset;
    memcpy(end, path, lengths[0]);
    memcpy(end + lengths[0], data, size);
    if (REAL(write)(log_fd, record, whole) != (ssize_t)whole)
        abort();
    free(record);
}

static int note_open(const char *path, int flags, int fd)
{
    char real[PATH_MAX];
    if (fd >= 0 && (flags & O_CREAT) && path_of(fd, real))
        note('c', real, 0, "", 0);
    if (fd >= 0 && (flags & O_TRUNC) && path_of(fd, real))
        note('t', real, 0, "", 0);
    (void)path;
    return fd;
}

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...)                \
    {                                                         \
        va_list rest;                                         \
        va_start(rest, flags);                                \
        int mode = va_arg(rest, int);                         \
        va_end(rest);                                         \
        return note_open(path, flags, REAL(name)(path, flags, mode)); \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t size)
{
    char path[PATH_MAX];
    int known = log_fd >= 0 && fd != log_fd && path_of(fd, path);
    off_t at = known ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t written = REAL(write)(fd, data, size);
    if (known && written > 0)
        note('w', path, at, data, (size_t)written);
    return written;
}

#define PWRITE(name, offset_type)                                                  \
    ssize_t name(int fd, const void *data, size_t size, offset_type offset)        \
    {                                                                              \
        char path[PATH_MAX];                                                       \
        ssize_t written = REAL(name)(fd, data, size, offset);                      \
        if (written > 0 && path_of(fd, path))                                      \
            note('w', path, offset, data, (size_t)written);                        \
        return written;                                                            \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset_type)                                                \
    int name(int fd, offset_type size)                                             \
    {                                                                              \
        char path[PATH_MAX];                                                       \
        int done = REAL(name)(fd, size);                                           \
        if (done == 0 && path_of(fd, path))                                        \
            note('t', path, size, "", 0);                                          \
        return done;                                                               \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                                                 \
    int name(int fd)                                                               \
    {                                                                              \
        char path[PATH_MAX];                                                       \
        int done = REAL(name)(fd);                                                 \
        if (done == 0 && path_of(fd, path))                                        \
            note('s', path, 0, "", 0);                                             \
        return done;                                                               \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to)
{
    int done = REAL(rename)(from, to);
    if (done == 0 && inside(to))
        note('r', from, 0, to, strlen(to));
    return done;
}

int unlink(const char *path)
{
    int done = REAL(unlink)(path);
    if (done == 0 && inside(path))
        note('u', path, 0, "", 0);
    return done;
}
