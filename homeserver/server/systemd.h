#ifndef HOMESERVER_SERVER_SYSTEMD_H
#define HOMESERVER_SERVER_SYSTEMD_H

/* Tells systemd ("READY=1", "STOPPING=1") when it started us as Type=notify; else does nothing. */
void systemd_notify(const char *state);

#endif
