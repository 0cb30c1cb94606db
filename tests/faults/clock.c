/* A wall clock that another process moves: preloaded into a service by the fault run.
 *
 * PIE_TEST_CLOCK names a file that holds an offset in seconds (int64); it is read through a shared
 * mapping, so that a jump is seen at once. Clocks that only count on are left as they are. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void map_offset(void) {
    const char *path = getenv("PIE_TEST_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    void *memory = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED) {
        offset = memory;
    }
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int result = (int)syscall(SYS_clock_gettime, clock, at);
    if (result == 0 && clock == CLOCK_REALTIME && offset != NULL) {
        at->tv_sec += *offset;
    }
    return result;
}

int gettimeofday(struct timeval *at, void *zone) {
    int result = (int)syscall(SYS_gettimeofday, at, zone);
    if (result == 0 && offset != NULL) {
        at->tv_sec += *offset;
    }
    return result;
}

time_t time(time_t *at) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (at != NULL) {
        *at = now.tv_sec;
    }
    return now.tv_sec;
}
