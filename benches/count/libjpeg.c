/* libjpeg-turbo's decoder on N copies of a JPEG, at a part of its size: `libjpeg FILE N [1|2|4|8]`. Prints microseconds on the CPU a
 * picture, the median and the twentieth. To be counted or timed beside `attack_frames decode`; see benches/README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jpeglib.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int order(const void *a, const void *b) {
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

static void decode(unsigned char *jpeg, size_t length, int scale) {
    struct jpeg_error_mgr errors;
    struct jpeg_decompress_struct d = {.err = jpeg_std_error(&errors)};
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, jpeg, length);
    jpeg_read_header(&d, TRUE);
    d.out_color_space = JCS_RGB;
    d.dct_method = JDCT_ISLOW;
    d.scale_num = 1;
    d.scale_denom = scale;
    jpeg_start_decompress(&d);
    unsigned char *rgb = malloc((size_t)d.output_width * d.output_height * 3);
    while (d.output_scanline < d.output_height) {
        JSAMPROW row = rgb + (size_t)d.output_scanline * d.output_width * 3;
        jpeg_read_scanlines(&d, &row, 1);
    }
    jpeg_finish_decompress(&d);
    jpeg_destroy_decompress(&d);
    free(rgb);
}

int main(int count, char **words) {
    FILE *file = count < 3 ? NULL : fopen(words[1], "rb");
    if (!file) {
        fprintf(stderr, "usage: libjpeg FILE N [1|2|4|8]\n");
        return 2;
    }
    static unsigned char jpeg[1 << 22];
    size_t length = fread(jpeg, 1, sizeof jpeg, file);
    int n = atoi(words[2]), scale = count > 3 ? atoi(words[3]) : 1;
    double *took = malloc((size_t)(n + 1) * sizeof *took);
    for (int i = 0; i < n; i++) {
        double begun = now();
        decode(jpeg, length, scale);
        took[i] = now() - begun;
    }
    qsort(took, (size_t)n, sizeof *took, order);
    if (n > 0)
        printf("%.0f %.0f\n", took[n / 2], took[n / 20]);
    return 0;
}
