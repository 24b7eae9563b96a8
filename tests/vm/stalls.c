/* stalls: notes when a processor of the emulated machine stood still, as it does while the host has no time for it:
 *
 *   stall FROM TO
 *
 * in microseconds of CLOCK_MONOTONIC. On each processor a process of the highest priority sleeps for 5 ms at a time, so
 * that no other program of the machine can make it late. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLEEP_US 5000
#define STALL_US 10000

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static int watch(int processor)
{
    const struct sched_param highest = {.sched_priority = sched_get_priority_max(SCHED_FIFO)};
    const struct timespec pause = {0, SLEEP_US * 1000};
    cpu_set_t here;

    CPU_ZERO(&here);
    CPU_SET(processor, &here);
    if (sched_setaffinity(0, sizeof here, &here) || sched_setscheduler(0, SCHED_FIFO, &highest))
        return perror("stalls"), 1;
    for (long long last = now();;) {
        long long due = last + SLEEP_US;

        nanosleep(&pause, NULL);
        last = now();
        if (last - due > STALL_US) {
            printf("stall %lld %lld\n", due, last);
            fflush(stdout);
        }
    }
}

int main(void)
{
    for (int processor = sysconf(_SC_NPROCESSORS_ONLN); processor-- > 0;)
        if (fork() == 0)
            return watch(processor);
    return wait(NULL) < 0;
}
