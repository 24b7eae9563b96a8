/* vm-feeder DEVICE PICTURES SHOW: plays pictures into a v4l2loopback device, 640x480 YUYV, ten frames a second.
 *
 * The file SHOW holds names, and can be changed at any time: of each, PICTURES/NAME.yuyv is shown for a second, in
 * turn; SHOW.now tells which it is. The lowest bit of every byte is noise, as of a sensor: equal frames would be a picture that stands still. */
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 640, HEIGHT = 480, BYTES = WIDTH * HEIGHT * 2, RATE = 10, NAMES = 512 };

static uint64_t picture[BYTES / 8], frame[BYTES / 8];

/* Reads at most `size` bytes of the file; -1 when it cannot be opened. */
static ssize_t slurp(const char *path, void *into, size_t size) {
    int file = open(path, O_RDONLY);
    if (file < 0) return -1;
    size_t got = 0;
    for (ssize_t n; got < size && (n = read(file, (char *)into + got, size - got)) > 0;) got += (size_t)n;
    close(file);
    return (ssize_t)got;
}

/* Copies word number `turn` (counted around) of `names` to `word`; 0 when there is none. */
static int word_of(const char *names, unsigned turn, char *word) {
    const char *blank = " \n\t";
    unsigned count = 0;
    for (const char *at = names + strspn(names, blank); *at; count++) {
        at += strcspn(at, blank);
        at += strspn(at, blank);
    }
    if (count == 0) return 0;
    const char *at = names + strspn(names, blank);
    for (unsigned skip = turn % count; skip > 0; skip--) {
        at += strcspn(at, blank);
        at += strspn(at, blank);
    }
    size_t length = strcspn(at, blank);
    memcpy(word, at, length);
    word[length] = 0;
    return 1;
}

/* Makes `picture` that of the names' turn; what cannot be read leaves the one before. */
static void choose(const char *folder, const char *show, unsigned turn) {
    char names[NAMES + 1], word[NAMES + 1], path[2 * NAMES];
    static char shown[NAMES + 1];
    ssize_t got = slurp(show, names, NAMES);
    if (got <= 0) return; /* Not there yet, or just being written. */
    names[got] = 0;
    if (!word_of(names, turn, word) || strcmp(word, shown) == 0) return;
    snprintf(path, sizeof path, "%s/%s.yuyv", folder, word);
    if (slurp(path, picture, BYTES) != BYTES) {
        fprintf(stderr, "feeder: %s: no picture of %d bytes\n", path, BYTES);
        return;
    }
    strcpy(shown, word);
    snprintf(path, sizeof path, "%s.now", show);
    FILE *now = fopen(path, "w");
    if (now) fprintf(now, "%s\n", shown), fclose(now);
}

static void add_noise(void) {
    static uint64_t state = 88172645463325252u;
    const uint64_t lowest = 0x0101010101010101u;
    for (size_t i = 0; i < BYTES / 8; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        frame[i] = (picture[i] & ~lowest) | (state & lowest);
    }
}

static int start(const char *device) {
    int camera = open(device, O_RDWR);
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
    format.fmt.pix.width = WIDTH, format.fmt.pix.height = HEIGHT, format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
    format.fmt.pix.bytesperline = WIDTH * 2, format.fmt.pix.sizeimage = BYTES;
    format.fmt.pix.field = V4L2_FIELD_NONE, format.fmt.pix.colorspace = V4L2_COLORSPACE_SRGB;
    struct v4l2_streamparm rate = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
    rate.parm.output.timeperframe.numerator = 1, rate.parm.output.timeperframe.denominator = RATE;
    int output = V4L2_BUF_TYPE_VIDEO_OUTPUT;
    /* The driver notices that a writer is gone only when that one had switched its stream on. */
    if (camera < 0 || ioctl(camera, VIDIOC_S_FMT, &format) || ioctl(camera, VIDIOC_S_PARM, &rate) ||
        ioctl(camera, VIDIOC_STREAMON, &output)) {
        perror(device);
        return -1;
    }
    return camera;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: vm-feeder DEVICE PICTURES SHOW\n");
        return 2;
    }
    int camera = start(argv[1]);
    if (camera < 0) return 1;
    memset(picture, 0x80, sizeof picture); /* Grey until something is to be shown. */
    for (unsigned count = 0;; count++) {
        choose(argv[2], argv[3], count / RATE);
        add_noise();
        if (write(camera, frame, BYTES) != BYTES) {
            perror("feeder: write");
            return 1;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000000 / RATE}, NULL);
    }
}
