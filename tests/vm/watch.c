/* watch FILE: prints the first word of FILE and the milliseconds since boot, whenever it has changed. The test of a door
 * looks at a line of the simulated GPIO chip with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
    char last[16] = "";
    const struct timespec pause = {0, 2000000};

    if (argc != 2)
        return 2;
    for (;;) {
        char now[16];
        struct timespec time;
        FILE *file = fopen(argv[1], "r");

        if (!file || fscanf(file, "%15s", now) != 1)
            return 1;
        fclose(file);
        clock_gettime(CLOCK_BOOTTIME, &time);
        if (strcmp(last, now) != 0) {
            printf("%lld %s\n", time.tv_sec * 1000LL + time.tv_nsec / 1000000, now);
            fflush(stdout);
            strcpy(last, now);
        }
        nanosleep(&pause, NULL);
    }
}
