/* keys PIPE: a keypad by Linux's uinput, as one on USB is to the programs that read it. Each character that comes through
 * the pipe is pressed and released: 0 to 9, and a new line for Enter. The keypad is there for as long as this program is. */
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const int digits[] = {KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4, KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9};

/* Says that the key is down or up. */
static int say(int keypad, int key, int down)
{
    const struct input_event events[] = {{.type = EV_KEY, .code = key, .value = down}, {.type = EV_SYN, .code = SYN_REPORT}};

    return write(keypad, events, sizeof events) == sizeof events;
}

int main(int argc, char **argv)
{
    const struct uinput_setup setup = {.name = "keypad of the test", .id = {.bustype = BUS_VIRTUAL, .version = 1}};
    const struct timespec pause = {0, 20000000};
    int keypad = open("/dev/uinput", O_WRONLY | O_CLOEXEC);
    /* For writing as well: so it never ends. */
    int pipe = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
    char typed;

    if (keypad < 0 || pipe < 0 || ioctl(keypad, UI_SET_EVBIT, EV_KEY) || ioctl(keypad, UI_SET_KEYBIT, KEY_KPENTER))
        return perror("keys"), 1;
    for (int digit = 0; digit < 10; digit++)
        if (ioctl(keypad, UI_SET_KEYBIT, digits[digit]))
            return perror("keys"), 1;
    if (ioctl(keypad, UI_DEV_SETUP, &setup) || ioctl(keypad, UI_DEV_CREATE))
        return perror("keys"), 1;
    while (read(pipe, &typed, 1) == 1) {
        int key = typed == '\n' ? KEY_KPENTER : typed >= '0' && typed <= '9' ? digits[typed - '0'] : KEY_RESERVED;

        if (key == KEY_RESERVED)
            continue;
        if (!say(keypad, key, 1) || nanosleep(&pause, NULL) || !say(keypad, key, 0) || nanosleep(&pause, NULL))
            return perror("keys"), 1;
    }
    return 1;
}
