/* watch NAME:FOLDER[:PULL]...: notes when lines of the simulated GPIO chip change, one change a line:
 *
 *   line BEFORE AFTER NAME LEVEL
 *
 * The line changed between the two times, which are microseconds of CLOCK_MONOTONIC, as are those of gpiomon and the
 * journal. LEVEL is what the file `value` in the folder says, or `-` where there is none; the first levels are noted as
 * `first NOW NAME LEVEL`. With PULL, the line's level is passed on to that file, as by a wire to another line: gpiomon
 * watches that one, since it cannot have a line that is in use. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST 32

struct line {
    const char *name, *pull;
    char path[256];
    int file;
    char level;
};

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static char level(struct line *line)
{
    char read;

    if (line->file < 0)
        line->file = open(line->path, O_RDONLY | O_CLOEXEC);
    if (line->file >= 0 && pread(line->file, &read, 1, 0) == 1)
        return read;
    if (line->file >= 0)
        close(line->file);
    line->file = -1;
    return '-';
}

static void pass_on(const struct line *line)
{
    int file = line->pull && line->level != '-' ? open(line->pull, O_WRONLY | O_CLOEXEC) : -1;
    const char *pull = line->level == '1' ? "pull-up" : "pull-down";

    if (file < 0)
        return;
    if (write(file, pull, strlen(pull)) < 0)
        perror(line->pull);
    close(file);
}

int main(int argc, char **argv)
{
    static struct line lines[MOST];
    const struct timespec pause = {0, 2000000};
    int count = argc - 1;

    if (count < 1 || count > MOST)
        return 2;
    for (int i = 0; i < count; i++) {
        lines[i].name = strtok(argv[i + 1], ":");
        snprintf(lines[i].path, sizeof lines[i].path, "%s/value", strtok(NULL, ":"));
        lines[i].pull = strtok(NULL, ":");
        lines[i].file = -1;
        lines[i].level = level(&lines[i]);
        pass_on(&lines[i]);
        printf("first %lld %s %c\n", now(), lines[i].name, lines[i].level);
    }
    for (long long before = now();; nanosleep(&pause, NULL)) {
        long long start = now();

        for (int i = 0; i < count; i++) {
            char seen = level(&lines[i]);

            if (seen == lines[i].level)
                continue;
            lines[i].level = seen;
            pass_on(&lines[i]);
            printf("line %lld %lld %s %c\n", before, now(), lines[i].name, seen);
        }
        before = start;
        fflush(stdout);
    }
}
