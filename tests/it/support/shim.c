/* What a machine may be like, put before a process with LD_PRELOAD:
   SHIM_CLOCK_S  its wall clock is so many seconds ahead;
   SHIM_FOLDER   its file system syncs no folders and takes no locks;
   SHIM_CONNECT  connecting fails with this error number;
   SHIM_NAMES    looking up names fails, and may succeed later (EAI_AGAIN);
   SHIM_WRITE    writing to files fails with this error number;
   SHIM_SLOW     writing to files takes so many seconds;
   SHIM_MAKE     making and renaming files and folders fails with this error number;
   SHIM_UNDER    those files are the ones whose path begins so;
   SHIM_ARMED    all this is so while there is a file of this name, and not else. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The value of one thing that is told, while it is so. */
static const char *told(const char *name)
{
    const char *value = getenv(name);
    const char *armed = value ? getenv("SHIM_ARMED") : NULL;
    if (armed && syscall(SYS_access, armed, F_OK)) {
        return NULL;
    }
    return value;
}

static int fails(const char *name)
{
    const char *value = told(name);
    if (value)
        errno = atoi(value);
    return value != NULL;
}

static int is_under(const char *path)
{
    const char *under = getenv("SHIM_UNDER");
    return under && !strncmp(path, under, strlen(under));
}

static int file_fails(int file)
{
    char link[64], path[4096];
    if (!getenv("SHIM_WRITE") && !getenv("SHIM_SLOW"))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!is_under(path))
        return 0;
    const char *seconds = told("SHIM_SLOW");
    if (seconds)
        sleep((unsigned)atoi(seconds));
    return fails("SHIM_WRITE");
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    const char *ahead = !failed && clock == CLOCK_REALTIME ? told("SHIM_CLOCK_S") : NULL;
    if (ahead)
        time->tv_sec += atol(ahead);
    return failed;
}

int fsync(int file)
{
    struct stat of;
    if (told("SHIM_FOLDER") && !fstat(file, &of) && S_ISDIR(of.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    if (file_fails(file))
        return -1;
    return (int)syscall(SYS_fsync, file);
}

int flock(int file, int operation)
{
    if (told("SHIM_FOLDER")) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_flock, file, operation);
}

int connect(int socket, const struct sockaddr *to, socklen_t length)
{
    if (fails("SHIM_CONNECT"))
        return -1;
    return (int)syscall(SYS_connect, socket, to, length);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    static int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    extern void *dlsym(void *, const char *);
    if (told("SHIM_NAMES"))
        return EAI_AGAIN;
    if (!next)
        next = dlsym((void *)-1L /* RTLD_NEXT */, "getaddrinfo");
    return next(node, service, hints, found);
}

ssize_t write(int file, const void *bytes, size_t length)
{
    return file_fails(file) ? -1 : syscall(SYS_write, file, bytes, length);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    return file_fails(file) ? -1 : syscall(SYS_writev, file, parts, count);
}

static int opens(const char *path, int flags, mode_t mode)
{
    if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && is_under(path) && fails("SHIM_MAKE"))
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return opens(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return opens(path, flags | O_LARGEFILE, mode);
}

int mkdir(const char *path, mode_t mode)
{
    if (is_under(path) && fails("SHIM_MAKE"))
        return -1;
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int rename(const char *from, const char *to)
{
    if (is_under(to) && fails("SHIM_MAKE"))
        return -1;
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
