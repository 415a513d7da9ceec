/* Signals are taken by the main thread, synchronously: there are no handlers. */
#include "homeserver/server/signals.h"

#include <pthread.h>
#include <signal.h>

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

void signals_block(void)
{
    sigset_t set;

    fill(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

enum signal_wish signals_wait(void)
{
    sigset_t set;
    int taken;

    fill(&set);
    while (sigwait(&set, &taken) != 0)
        ;
    return taken == SIGHUP ? SIGNAL_RELOAD : SIGNAL_STOP;
}
