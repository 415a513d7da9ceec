/* Queues in memory. */
#include "federation/sender/queue.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
    char *copied = strdup(text);

    if (copied == NULL)
        abort();
    return copied;
}

struct sender_queue *sender_queue_obtain(struct sender_queues *queues, const char *origin,
                                         const char *server_name)
{
    struct sender_queue *queue;
    char name[600];

    snprintf(name, sizeof(name), "%s %s", origin, server_name);
    HASH_FIND_STR(queues->table, name, queue);
    if (queue != NULL)
        return queue;
    queue = calloc(1, sizeof(*queue));
    if (queue == NULL)
        abort();
    queue->name = copy(name);
    queue->state.origin = copy(origin);
    queue->state.server_name = copy(server_name);
    queue->pdu_limit = TRANSACTION_PDUS_MAX;
    HASH_ADD_KEYPTR(hh, queues->table, queue->name, strlen(queue->name), queue);
    return queue;
}

void sender_queue_drop_edus(struct sender_queue *queue)
{
    for (size_t i = 0; i < queue->edu_count; i++)
        json_decref(queue->edus[i]);
    queue->edu_count = 0;
}

static void free_text(const char *text)
{
    char *owned;

    memcpy(&owned, &text, sizeof(owned));
    free(owned);
}

void sender_queue_forget(struct sender_queues *queues, struct sender_queue *queue)
{
    HASH_DEL(queues->table, queue);
    sender_queue_drop_edus(queue);
    free_text(queue->state.origin);
    free_text(queue->state.server_name);
    free(queue->name);
    free(queue);
}

void sender_queues_finish(struct sender_queues *queues)
{
    struct sender_queue *queue, *next;

    HASH_ITER (hh, queues->table, queue, next)
        sender_queue_forget(queues, queue);
}

void sender_queue_update(struct sender_queue *queue, const struct federation_queue *row)
{
    if (row->sent_position > queue->state.sent_position)
        queue->state.sent_position = row->sent_position;
    if (row->wanted_position > queue->state.wanted_position)
        queue->state.wanted_position = row->wanted_position;
}

bool sender_queue_has_work(const struct sender_queue *queue)
{
    return queue->edu_count > 0 || queue->state.sent_position < queue->state.wanted_position;
}

void sender_queue_add_edu(struct sender_queue *queue, json_t *edu_owned)
{
    if (queue->edu_count == TRANSACTION_VOLATILE_EDUS_MAX) {
        json_decref(queue->edus[0]);
        queue->edu_count--;
        memmove(queue->edus, queue->edus + 1, queue->edu_count * sizeof(queue->edus[0]));
    }
    queue->edus[queue->edu_count++] = edu_owned;
}
