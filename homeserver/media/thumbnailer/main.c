/*
 * beffroi-thumbnailer: one picture in, one small picture out, in a process that can do nothing
 * else. Whatever a picture makes a decoder do ends here.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

#include "homeserver/media/thumbnailer/job.h"
#include "homeserver/media/thumbnailer/sandbox.h"

enum {
    SIDE_MAX = 4096,
    FRAMES_MAX = 200, /* more are shown as the first one */
    ICON_SIDE_MAX = 64,
    JPEG_QUALITY = 82,
    WEBP_QUALITY = 75,
    PIXELS_MAX = 128 * 1000 * 1000,       /* of one picture */
    FRAME_PIXELS_MAX = 128 * 1000 * 1000, /* of all frames of an animation */
};

static const struct sandbox_limits limits = {
    .memory_bytes = (size_t)768 << 20, .cpu_seconds = 10, .output_bytes = (size_t)16 << 20};

struct job {
    int width, height;
    bool crops;
    bool animated;
    const void *bytes;
    size_t size;
};

static bool read_arguments(int argc, char **argv, struct job *job)
{
    if (argc != 5)
        return false;
    job->width = (int)strtol(argv[1], NULL, 10);
    job->height = (int)strtol(argv[2], NULL, 10);
    job->crops = strcmp(argv[3], "crop") == 0;
    job->animated = strcmp(argv[4], "1") == 0;
    return job->width > 0 && job->width <= SIDE_MAX && job->height > 0 && job->height <= SIDE_MAX;
}

static bool map_input(struct job *job)
{
    struct stat status;

    if (fstat(STDIN_FILENO, &status) != 0 || status.st_size <= 0)
        return false;
    job->size = (size_t)status.st_size;
    void *mapped = mmap(NULL, job->size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    job->bytes = mapped;
    return mapped != MAP_FAILED;
}

/* Only decoders that are meant for files from strangers, and of these the four we promise. */
static void block_decoders(void)
{
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignLoadJpeg", FALSE);
    vips_operation_block_set("VipsForeignLoadPng", FALSE);
    vips_operation_block_set("VipsForeignLoadNsgif", FALSE);
    vips_operation_block_set("VipsForeignLoadWebp", FALSE);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
}

/* An APNG, which vips takes for a still: the chunk stands before the pixels. PNG, 5.3. */
static bool is_animated_png(const struct job *job)
{
    enum { SIGNATURE = 8, CHUNK_OVERHEAD = 12 };
    const uint8_t *bytes = job->bytes;

    if (job->size < SIGNATURE || memcmp(bytes, "\x89PNG", 4) != 0)
        return false;
    for (size_t at = SIGNATURE; job->size - at >= CHUNK_OVERHEAD;) {
        const uint8_t *chunk = bytes + at;
        size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 |
                        (size_t)chunk[3];
        if (memcmp(chunk + 4, "acTL", 4) == 0)
            return true;
        if (memcmp(chunk + 4, "IDAT", 4) == 0 || length > job->size - at - CHUNK_OVERHEAD)
            return false;
        at += CHUNK_OVERHEAD + length;
    }
    return false;
}

/* The header is read here, no pixel is. */
static enum thumbnailer_status look(struct job *job)
{
    VipsImage *image = vips_image_new_from_buffer(job->bytes, job->size, "", NULL);

    if (image == NULL)
        return THUMBNAILER_FAILED;
    int64_t width = vips_image_get_width(image);
    int64_t height = vips_image_get_page_height(image);
    int64_t frames = vips_image_get_n_pages(image);
    int turned = vips_image_get_orientation_swap(image) ? 1 : 0;
    g_object_unref(image);

    if (width * height > PIXELS_MAX)
        return THUMBNAILER_TOO_LARGE;
    int64_t shown_width = turned != 0 ? height : width;
    int64_t shown_height = turned != 0 ? width : height;
    bool is_animation = frames > 1 || is_animated_png(job);
    /* Spec: never larger than the original; and a still of an animation was asked for, or not. */
    if (shown_width <= job->width && shown_height <= job->height &&
        (!is_animation || job->animated))
        return THUMBNAILER_NOT_NEEDED;
    if (frames <= 1 || frames > FRAMES_MAX || width * height * frames > FRAME_PIXELS_MAX)
        job->animated = false;
    return 0;
}

static VipsImage *shrink(const struct job *job)
{
    VipsImage *small = NULL;
    union {
        const void *borrowed;
        void *passed;
    } bytes = {.borrowed = job->bytes}; /* vips takes void *, but does not write there */
    const char *options = job->animated ? "n=-1" : "";
    VipsInteresting crop = job->crops ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE;

    if (vips_thumbnail_buffer(bytes.passed, job->size, &small, job->width, "height", job->height,
                              "size", VIPS_SIZE_DOWN, "crop", crop, "option_string", options,
                              NULL) != 0)
        return NULL;
    return small;
}

/* Icons and emoji stay sharp, and cost no more than as JPEG. */
static bool is_icon(const struct job *job, VipsImage *small)
{
    static const unsigned char signature[] = {0x89, 'P', 'N', 'G'};

    return job->size >= sizeof(signature) &&
           memcmp(job->bytes, signature, sizeof(signature)) == 0 &&
           vips_image_get_width(small) <= ICON_SIDE_MAX &&
           vips_image_get_height(small) <= ICON_SIDE_MAX;
}

/* Nothing of the original but its pixels: no place, no camera, no embedded profile. */
static enum thumbnailer_status encode(const struct job *job, VipsImage *small, void **bytes,
                                      size_t *size)
{
    if (job->animated)
        return vips_webpsave_buffer(small, bytes, size, "Q", WEBP_QUALITY, "strip", TRUE, NULL) == 0
                   ? THUMBNAILER_WEBP
                   : THUMBNAILER_FAILED;
    if (vips_image_hasalpha(small) || is_icon(job, small))
        return vips_pngsave_buffer(small, bytes, size, "strip", TRUE, NULL) == 0
                   ? THUMBNAILER_PNG
                   : THUMBNAILER_FAILED;
    return vips_jpegsave_buffer(small, bytes, size, "Q", JPEG_QUALITY, "strip", TRUE,
                                "optimize_coding", TRUE, NULL) == 0
               ? THUMBNAILER_JPEG
               : THUMBNAILER_FAILED;
}

static bool write_output(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, size);
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static enum thumbnailer_status run(struct job *job)
{
    void *bytes = NULL;
    size_t size = 0;

    enum thumbnailer_status status = look(job);
    if (status != 0)
        return status;
    VipsImage *small = shrink(job);
    if (small == NULL)
        return THUMBNAILER_FAILED;
    status = encode(job, small, &bytes, &size);
    if (status == THUMBNAILER_FAILED || !write_output(bytes, size))
        return THUMBNAILER_FAILED;
    return status;
}

int main(int argc, char **argv)
{
    struct job job = {0};

    /* Vips would make machine code at run time, which the sandbox forbids. */
    if (setenv("VIPS_NOVECTOR", "1", 1) != 0 || !read_arguments(argc, argv, &job) ||
        !sandbox_limit(&limits) || !map_input(&job) || VIPS_INIT(argv[0]) != 0)
        return THUMBNAILER_FAILED;
    block_decoders();
    if (!sandbox_enter())
        return THUMBNAILER_FAILED;
    /* Without destructors: libraries would look for files to close. */
    _exit((int)run(&job));
}
