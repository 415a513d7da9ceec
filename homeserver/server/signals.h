#ifndef HOMESERVER_SERVER_SIGNALS_H
#define HOMESERVER_SERVER_SIGNALS_H

/* Before any thread is started: SIGTERM, SIGINT and SIGHUP wait until they are asked for, and
 * SIGPIPE is ignored. */
void signals_block(void);

enum signal_wish { SIGNAL_STOP, SIGNAL_RELOAD };

/* Sleeps until an administrator wants something. */
enum signal_wish signals_wait(void);

#endif
