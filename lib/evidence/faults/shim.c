/* A clock that goes back and a file system that fails, for the processes of one try.
   FUSION_SHIM names a file "errno write-only hang clock": what to answer to calls on paths below FUSION_SHIM_PREFIX
   (0: nothing), whether only to those that write, whether to hang instead, and how many seconds the clock is behind.
   No such file: all is as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int told(int *error, int *writes, int *hang, long *clock) {
    const char *name = getenv("FUSION_SHIM");
    char text[80] = {0};
    if (!name) return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return 0;
    ssize_t n = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    return n > 0 && sscanf(text, "%d %d %d %ld", error, writes, hang, clock) == 4;
}

static int fails(const char *path, int writing) {
    const char *prefix = getenv("FUSION_SHIM_PREFIX");
    int before = errno, error = 0, writes = 0, hang = 0;
    long clock = 0;
    if (!prefix || !path || strncmp(path, prefix, strlen(prefix))) return 0;
    while (told(&error, &writes, &hang, &clock) && error && (writing || !writes)) {
        if (!hang) { errno = error; return 1; }
        if (usleep(50000)) { errno = EINTR; return 1; }
    }
    errno = before;
    return 0;
}

#define MODE(flags) mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); }
#define WRITES(flags) (((flags) & O_ACCMODE) != O_RDONLY || ((flags) & O_CREAT))
#define NEXT(name) static __typeof__(name) *next; if (!next) next = dlsym(RTLD_NEXT, #name)

int open(const char *path, int flags, ...) {
    MODE(flags) NEXT(open);
    return fails(path, WRITES(flags)) ? -1 : next(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags) NEXT(open64);
    return fails(path, WRITES(flags)) ? -1 : next(path, flags, mode);
}
int openat(int at, const char *path, int flags, ...) {
    MODE(flags) NEXT(openat);
    return fails(path, WRITES(flags)) ? -1 : next(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
    MODE(flags) NEXT(openat64);
    return fails(path, WRITES(flags)) ? -1 : next(at, path, flags, mode);
}
int stat(const char *path, struct stat *buffer) {
    NEXT(stat);
    return fails(path, 0) ? -1 : next(path, buffer);
}
int stat64(const char *path, struct stat64 *buffer) {
    NEXT(stat64);
    return fails(path, 0) ? -1 : next(path, buffer);
}
int rename(const char *old, const char *new) {
    NEXT(rename);
    return fails(new, 1) ? -1 : next(old, new);
}
int mkdir(const char *path, mode_t mode) {
    NEXT(mkdir);
    return fails(path, 1) ? -1 : next(path, mode);
}

static long behind(void) {
    int error, writes, hang;
    long clock = 0;
    return told(&error, &writes, &hang, &clock) ? clock : 0;
}
int clock_gettime(clockid_t which, struct timespec *now) {
    int done = (int)syscall(SYS_clock_gettime, which, now);
    if (!done && which == CLOCK_REALTIME) now->tv_sec -= behind();
    return done;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int done = (int)syscall(SYS_gettimeofday, now, zone);
    if (!done && now) now->tv_sec -= behind();
    return done;
}
time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
