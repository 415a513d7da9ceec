#ifndef HOMESERVER_MEDIA_THUMBNAILER_JOB_H
#define HOMESERVER_MEDIA_THUMBNAILER_JOB_H

/*
 * What the server and its thumbnailer agree on. The server starts `beffroi-thumbnailer WIDTH HEIGHT
 * METHOD ANIMATED` with the picture as standard input (a file) and an empty file as standard
 * output; METHOD is "scale" or "crop", ANIMATED "0" or "1". The exit status tells the outcome.
 */
enum thumbnailer_status {
    THUMBNAILER_FAILED = 1, /* no picture, a broken one, or something is wrong with us */
    THUMBNAILER_JPEG = 10,
    THUMBNAILER_PNG = 11,
    THUMBNAILER_WEBP = 12,
    THUMBNAILER_NOT_NEEDED = 20, /* the picture is not larger than what is wanted */
    THUMBNAILER_TOO_LARGE = 21   /* more pixels than we decode */
};

#endif
