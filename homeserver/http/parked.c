/*
 * The registry of parked requests: slots that tickets point to, and a binary heap of the deadlines.
 * A ticket is a slot's number and how often the slot was used, so an old ticket finds nothing.
 */
#include "homeserver/http/parked.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/thread.h"

enum slot_state { SLOT_FREE, SLOT_PREPARED, SLOT_WOKEN, SLOT_CANCELLED, SLOT_PARKED };

struct slot {
    struct connection *connection;
    int64_t deadline_ms;
    enum slot_state state;
    uint32_t use;        /* the ticket's upper half */
    uint32_t heap_index; /* while parked */
    uint32_t next_free;
};

struct parked {
    pthread_mutex_t lock;
    pthread_cond_t deadline_changed;
    pthread_t thread;
    bool is_running;
    bool stopping;
    bool draining;
    parked_ready_fn ready;
    struct slot *slots; /* slot 0 is never used */
    uint32_t slot_count;
    uint32_t capacity;
    uint32_t first_free; /* 0: none */
    uint32_t *heap;      /* slot numbers, the earliest deadline first; as large as `slots` */
    uint32_t heap_size;
};

enum { SLOTS_START = 64 };

static NORETURN void out_of_memory(void)
{
    fprintf(stderr, "<2>beffroi: out of memory for parked requests; stopping.\n");
    abort();
}

static uint64_t ticket_of(const struct parked *parked, uint32_t number)
{
    return (uint64_t)parked->slots[number].use << 32 | number;
}

static struct slot *find_slot(const struct parked *parked, uint64_t ticket)
{
    uint32_t number = (uint32_t)ticket;

    if (number == 0 || number >= parked->slot_count)
        return NULL;
    struct slot *slot = &parked->slots[number];
    return slot->use == ticket >> 32 && slot->state != SLOT_FREE ? slot : NULL;
}

static void grow(struct parked *parked)
{
    uint32_t capacity = parked->capacity == 0 ? SLOTS_START : parked->capacity * 2;
    struct slot *slots = reallocarray(parked->slots, capacity, sizeof(*slots));
    uint32_t *heap = reallocarray(parked->heap, capacity, sizeof(*heap));

    if (slots == NULL || heap == NULL)
        out_of_memory();
    parked->slots = slots;
    parked->heap = heap;
    parked->capacity = capacity;
}

static uint32_t take_slot(struct parked *parked)
{
    uint32_t number = parked->first_free;

    if (number != 0) {
        parked->first_free = parked->slots[number].next_free;
        return number;
    }
    if (parked->slot_count == parked->capacity)
        grow(parked);
    number = parked->slot_count++;
    parked->slots[number] = (struct slot){.use = 0};
    return number;
}

static void free_slot(struct parked *parked, struct slot *slot)
{
    slot->state = SLOT_FREE;
    slot->connection = NULL;
    slot->next_free = parked->first_free;
    parked->first_free = (uint32_t)(slot - parked->slots);
}

static void heap_put(struct parked *parked, uint32_t index, uint32_t number)
{
    parked->heap[index] = number;
    parked->slots[number].heap_index = index;
}

static int64_t heap_deadline(const struct parked *parked, uint32_t index)
{
    return parked->slots[parked->heap[index]].deadline_ms;
}

static void heap_rise(struct parked *parked, uint32_t index)
{
    uint32_t number = parked->heap[index];

    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (heap_deadline(parked, parent) <= parked->slots[number].deadline_ms)
            break;
        heap_put(parked, index, parked->heap[parent]);
        index = parent;
    }
    heap_put(parked, index, number);
}

static void heap_sink(struct parked *parked, uint32_t index)
{
    uint32_t number = parked->heap[index];

    while (2 * index + 1 < parked->heap_size) {
        uint32_t child = 2 * index + 1;
        if (child + 1 < parked->heap_size &&
            heap_deadline(parked, child + 1) < heap_deadline(parked, child))
            child++;
        if (parked->slots[number].deadline_ms <= heap_deadline(parked, child))
            break;
        heap_put(parked, index, parked->heap[child]);
        index = child;
    }
    heap_put(parked, index, number);
}

static void heap_remove(struct parked *parked, uint32_t index)
{
    uint32_t last = parked->heap[--parked->heap_size];

    if (index == parked->heap_size)
        return;
    heap_put(parked, index, last);
    heap_rise(parked, index);
    heap_sink(parked, parked->slots[last].heap_index);
}

static struct connection *unpark(struct parked *parked, struct slot *slot)
{
    struct connection *connection = slot->connection;

    heap_remove(parked, slot->heap_index);
    free_slot(parked, slot);
    return connection;
}

uint64_t parked_prepare(struct parked *parked, struct connection *connection)
{
    pthread_mutex_lock(&parked->lock);
    uint32_t number = take_slot(parked);
    struct slot *slot = &parked->slots[number];
    slot->state = SLOT_PREPARED;
    slot->connection = connection;
    slot->use++;
    uint64_t ticket = ticket_of(parked, number);
    pthread_mutex_unlock(&parked->lock);
    return ticket;
}

static enum parked_outcome commit_locked(struct parked *parked, struct slot *slot,
                                         int64_t deadline_ms)
{
    if (slot->state == SLOT_CANCELLED) {
        free_slot(parked, slot);
        return PARKED_CANCELLED;
    }
    if (slot->state == SLOT_WOKEN || parked->draining) {
        free_slot(parked, slot);
        return PARKED_RUN_NOW;
    }
    slot->state = SLOT_PARKED;
    slot->deadline_ms = deadline_ms;
    parked->heap[parked->heap_size] = (uint32_t)(slot - parked->slots);
    heap_rise(parked, parked->heap_size++);
    if (slot->heap_index == 0)
        pthread_cond_signal(&parked->deadline_changed);
    return PARKED_WAITING;
}

enum parked_outcome parked_commit(struct parked *parked, uint64_t ticket, int64_t deadline_ms)
{
    pthread_mutex_lock(&parked->lock);
    enum parked_outcome outcome = commit_locked(parked, find_slot(parked, ticket), deadline_ms);
    pthread_mutex_unlock(&parked->lock);
    return outcome;
}

void parked_wake(void *context, uint64_t ticket)
{
    struct parked *parked = context;
    struct connection *connection = NULL;

    pthread_mutex_lock(&parked->lock);
    struct slot *slot = find_slot(parked, ticket);
    if (slot != NULL && slot->state == SLOT_PREPARED)
        slot->state = SLOT_WOKEN;
    else if (slot != NULL && slot->state == SLOT_PARKED)
        connection = unpark(parked, slot);
    pthread_mutex_unlock(&parked->lock);
    if (connection != NULL)
        parked->ready(connection, PARKED_WOKEN);
}

bool parked_cancel(struct parked *parked, uint64_t ticket)
{
    bool was_parked = false;

    pthread_mutex_lock(&parked->lock);
    struct slot *slot = find_slot(parked, ticket);
    if (slot != NULL && slot->state == SLOT_PARKED) {
        unpark(parked, slot);
        was_parked = true;
    } else if (slot != NULL) {
        slot->state = SLOT_CANCELLED;
    }
    pthread_mutex_unlock(&parked->lock);
    return was_parked;
}

static bool is_first_due_locked(const struct parked *parked)
{
    return parked->heap_size > 0 &&
           (parked->draining || heap_deadline(parked, 0) <= clock_monotonic_ms());
}

/* Until the first deadline, or a change of it. */
static void wait_locked(struct parked *parked)
{
    if (parked->heap_size == 0) {
        pthread_cond_wait(&parked->deadline_changed, &parked->lock);
        return;
    }
    int64_t deadline_ms = heap_deadline(parked, 0);
    struct timespec until = {.tv_sec = deadline_ms / 1000,
                             .tv_nsec = (deadline_ms % 1000) * 1000000};
    pthread_cond_timedwait(&parked->deadline_changed, &parked->lock, &until);
}

static void *run_deadlines(void *argument)
{
    struct parked *parked = argument;

    pthread_mutex_lock(&parked->lock);
    while (!parked->stopping) {
        if (!is_first_due_locked(parked)) {
            wait_locked(parked);
            continue;
        }
        struct connection *connection = unpark(parked, &parked->slots[parked->heap[0]]);
        pthread_mutex_unlock(&parked->lock);
        parked->ready(connection, PARKED_DEADLINE);
        pthread_mutex_lock(&parked->lock);
    }
    pthread_mutex_unlock(&parked->lock);
    return NULL;
}

void parked_drain(struct parked *parked)
{
    pthread_mutex_lock(&parked->lock);
    parked->draining = true;
    pthread_cond_signal(&parked->deadline_changed);
    pthread_mutex_unlock(&parked->lock);
}

struct parked *parked_create(parked_ready_fn ready)
{
    struct parked *parked = calloc(1, sizeof(*parked));
    pthread_condattr_t attributes;

    if (parked == NULL)
        return NULL;
    parked->ready = ready;
    grow(parked);
    parked->slot_count = 1;
    pthread_mutex_init(&parked->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&parked->deadline_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    parked->is_running = thread_start(&parked->thread, "http-parked", run_deadlines, parked);
    if (!parked->is_running) {
        parked_destroy(parked);
        return NULL;
    }
    return parked;
}

void parked_destroy(struct parked *parked)
{
    if (parked == NULL)
        return;
    if (parked->is_running) {
        pthread_mutex_lock(&parked->lock);
        parked->stopping = true;
        pthread_cond_signal(&parked->deadline_changed);
        pthread_mutex_unlock(&parked->lock);
        pthread_join(parked->thread, NULL);
    }
    pthread_cond_destroy(&parked->deadline_changed);
    pthread_mutex_destroy(&parked->lock);
    free(parked->heap);
    free(parked->slots);
    free(parked);
}
