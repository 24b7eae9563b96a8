/* says SOCKET COUNT FOLDER...: stands in for the daemon. Once as many clients follow its events as there are lines of the
 * simulated GPIO chip, each by its folder, it says COUNT times that somebody was recognised, to all of them at once, and
 * waits until each line was active and is not any more. It prints the time of each in microseconds of CLOCK_MONOTONIC as
 * `match TIME`. To all else it answers without parameters. It recognises nobody: a thousand grants with pictures would take
 * hours on an emulated machine. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST 64
#define LONGEST 4096

static struct client {
    int socket, follows;
    size_t held;
    char text[LONGEST];
} clients[MOST];
static int count;

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static void say(int socket, const char *text)
{
    /* With the NUL that ends a message. A client that has gone is noticed when it is read. */
    if (send(socket, text, strlen(text) + 1, MSG_NOSIGNAL) < 0)
        perror("send");
}

static void event(int socket, const char *what)
{
    char text[256];

    snprintf(text, sizeof text, "{\"parameters\": {%s, \"time\": %lld}, \"continues\": true}", what, (long long)time(NULL));
    say(socket, text);
}

static void answer(struct client *client)
{
    if (strstr(client->text, ".Events\"")) {
        event(client->socket, "\"kind\": \"listening\"");
        client->follows = 1;
    } else if (!strstr(client->text, "\"more\":true") && !strstr(client->text, "\"more\": true")) {
        say(client->socket, "{\"parameters\": {}}");
    }
}

/* Takes in what a client says; 0 once it has gone. */
static int hear(struct client *client)
{
    ssize_t got = read(client->socket, client->text + client->held, LONGEST - client->held);
    char *end;

    if (got <= 0)
        return 0;
    client->held += got;
    while ((end = memchr(client->text, 0, client->held))) {
        size_t length = end + 1 - client->text;

        answer(client);
        memmove(client->text, client->text + length, client->held - length);
        client->held -= length;
    }
    return client->held < LONGEST;
}

/* Serves all clients until that time. */
static void serve(int listener, long long until)
{
    for (long long left; (left = until - now()) > 0;) {
        struct pollfd waits[MOST + 1] = {{listener, POLLIN, 0}};

        for (int i = 0; i < count; i++)
            waits[i + 1] = (struct pollfd){clients[i].socket, POLLIN, 0};
        if (poll(waits, count + 1, left / 1000 + 1) <= 0)
            continue;
        for (int i = count; i-- > 0;) {
            if (!waits[i + 1].revents || hear(&clients[i]))
                continue;
            close(clients[i].socket);
            clients[i] = clients[--count];
        }
        if (waits[0].revents && count < MOST)
            clients[count++] = (struct client){.socket = accept(listener, NULL, NULL)};
    }
}

static int is_active(const char *folder)
{
    char path[256], level = '-';
    int file;

    snprintf(path, sizeof path, "%s/value", folder);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, &level, 1) != 1)
        perror(path);
    if (file >= 0)
        close(file);
    return level == '1';
}

/* Until all lines were active and are not any more. One that is not active within 5 s gave the event up, as it must when
 * the machine was too busy; 0 if one stays active. */
static int pulses(int listener, char **folders)
{
    int states[MOST] = {0}, left = 0;

    for (char **folder = folders; *folder; folder++)
        left++;
    for (long long start = now(); left > 0;) {
        if (now() > start + 30000000)
            return 0;
        serve(listener, now() + 3000);
        for (int i = 0; folders[i]; i++) {
            int active = states[i] < 2 && is_active(folders[i]);

            if (states[i] == 0 && active) {
                states[i] = 1;
            } else if (!active && (states[i] == 1 || (states[i] == 0 && now() > start + 5000000))) {
                states[i] = 2;
                left--;
            }
        }
    }
    return 1;
}

static int followers(void)
{
    int sum = 0;

    for (int i = 0; i < count; i++)
        sum += clients[i].follows;
    return sum;
}

int main(int argc, char **argv)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc < 4 || argc - 3 > MOST || strlen(argv[1]) >= sizeof name.sun_path)
        return 2;
    strcpy(name.sun_path, argv[1]);
    unlink(name.sun_path);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) || listen(listener, MOST))
        return perror(argv[1]), 1;
    while (followers() < argc - 3)
        serve(listener, now() + 10000);
    for (int n = 0; n < atoi(argv[2]); n++) {
        printf("match %lld\n", now());
        fflush(stdout);
        for (int i = 0; i < count; i++)
            if (clients[i].follows)
                event(clients[i].socket, "\"kind\": \"identify\", \"door\": \"many\", \"user\": \"alice\", \"verdict\": \"match\"");
        if (!pulses(listener, argv + 3))
            return fprintf(stderr, "a line stays active after event %d\n", n + 1), 1;
        /* Whoever reads the lines must see that they are not. */
        serve(listener, now() + 150000);
    }
    return 0;
}
