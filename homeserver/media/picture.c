/* Kinds and sizes of pictures, from their headers. */
#include "homeserver/media/picture.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 30,
    JPEG_SEGMENTS_MAX = 200, /* before the one that tells the size */
};

static uint32_t big_endian(const uint8_t *bytes, size_t count)
{
    uint32_t value = 0;

    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static uint32_t little_endian(const uint8_t *bytes, size_t count)
{
    uint32_t value = 0;

    for (size_t i = count; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

/* SOF0 … SOF15 without DHT, JPG and DAC. ITU T.81, table B.1. */
static bool is_frame_header(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static void read_jpeg_size(int fd, struct picture *out)
{
    uint8_t segment[9]; /* FF, marker, two of length, precision, two of height, two of width */
    off_t at = 2;

    for (int i = 0; i < JPEG_SEGMENTS_MAX; i++) {
        if (pread(fd, segment, sizeof(segment), at) != (ssize_t)sizeof(segment) ||
            segment[0] != 0xff)
            return;
        if (is_frame_header(segment[1])) {
            out->height = big_endian(segment + 5, 2);
            out->width = big_endian(segment + 7, 2);
            return;
        }
        at += 2 + (off_t)big_endian(segment + 2, 2);
    }
}

/* https://developers.google.com/speed/webp/docs/riff_container */
static void read_webp_size(const uint8_t *head, struct picture *out)
{
    if (memcmp(head + 12, "VP8X", 4) == 0) {
        out->width = little_endian(head + 24, 3) + 1;
        out->height = little_endian(head + 27, 3) + 1;
    } else if (memcmp(head + 12, "VP8L", 4) == 0) {
        uint32_t bits = little_endian(head + 21, 4);
        out->width = (bits & 0x3fff) + 1;
        out->height = (bits >> 14 & 0x3fff) + 1;
    } else if (memcmp(head + 12, "VP8 ", 4) == 0) {
        out->width = little_endian(head + 26, 2) & 0x3fff;
        out->height = little_endian(head + 28, 2) & 0x3fff;
    }
}

bool picture_read(int fd, struct picture *out)
{
    uint8_t head[HEAD_BYTES] = {0};

    *out = (struct picture){0};
    if (pread(fd, head, sizeof(head), 0) < 12)
        return false;
    if (memcmp(head, "\xff\xd8\xff", 3) == 0) {
        out->type = "image/jpeg";
        read_jpeg_size(fd, out);
    } else if (memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0) {
        out->type = "image/png";
        out->width = big_endian(head + 16, 4);
        out->height = big_endian(head + 20, 4);
    } else if (memcmp(head, "GIF87a", 6) == 0 || memcmp(head, "GIF89a", 6) == 0) {
        out->type = "image/gif";
        out->width = little_endian(head + 6, 2);
        out->height = little_endian(head + 8, 2);
    } else if (memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0) {
        out->type = "image/webp";
        read_webp_size(head, out);
    }
    return out->type != NULL;
}
