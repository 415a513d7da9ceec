/*
 * What a call waits for before it answers: counts its journal entries under way and remembers the
 * first failure.
 */
#include <pthread.h>

#include "storage/journal.h"
#include "storage/journal_internal.h"

struct commit_group {
    pthread_mutex_t lock;
    pthread_cond_t all_done;
    int references;
    int under_way;
    enum errcode outcome;
    commit_callback callback;
    void *context;
};

struct commit_group *commit_group_create(void)
{
    struct commit_group *group = calloc(1, sizeof(*group));

    if (group == NULL)
        abort();
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->all_done, NULL);
    group->references = 1;
    return group;
}

void commit_group_release(struct commit_group *group)
{
    if (group == NULL)
        return;
    pthread_mutex_lock(&group->lock);
    bool last = --group->references == 0;
    pthread_mutex_unlock(&group->lock);
    if (!last)
        return;
    pthread_cond_destroy(&group->all_done);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

void commit_group_enter(struct commit_group *group)
{
    pthread_mutex_lock(&group->lock);
    group->references++;
    group->under_way++;
    pthread_mutex_unlock(&group->lock);
}

void commit_group_leave(struct commit_group *group, enum errcode outcome)
{
    commit_callback callback = NULL;
    void *context = NULL;

    pthread_mutex_lock(&group->lock);
    if (group->outcome == OK)
        group->outcome = outcome;
    outcome = group->outcome;
    if (--group->under_way == 0) {
        callback = group->callback;
        context = group->context;
        group->callback = NULL;
        pthread_cond_broadcast(&group->all_done);
    }
    pthread_mutex_unlock(&group->lock);
    if (callback != NULL)
        callback(context, outcome);
    commit_group_release(group);
}

void commit_group_when_done(struct commit_group *group, commit_callback callback, void *context)
{
    pthread_mutex_lock(&group->lock);
    bool done = group->under_way == 0;
    enum errcode outcome = group->outcome;
    if (!done) {
        group->callback = callback;
        group->context = context;
    }
    pthread_mutex_unlock(&group->lock);
    if (done)
        callback(context, outcome);
}

enum errcode commit_group_wait(struct commit_group *group)
{
    pthread_mutex_lock(&group->lock);
    while (group->under_way > 0)
        pthread_cond_wait(&group->all_done, &group->lock);
    enum errcode outcome = group->outcome;
    pthread_mutex_unlock(&group->lock);
    return outcome;
}
