/* What a machine may be like, put before a process with LD_PRELOAD:
   SHIM_CLOCK_S  its wall clock is so many seconds ahead;
   SHIM_FOLDER   its file system syncs no folders and takes no locks. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    const char *ahead = getenv("SHIM_CLOCK_S");
    if (!failed && ahead && clock == CLOCK_REALTIME)
        time->tv_sec += atol(ahead);
    return failed;
}

int fsync(int file)
{
    struct stat of;
    if (getenv("SHIM_FOLDER") && !fstat(file, &of) && S_ISDIR(of.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_fsync, file);
}

int flock(int file, int operation)
{
    if (getenv("SHIM_FOLDER")) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_flock, file, operation);
}
