/*
 * Argon2id by libsodium; bcrypt by crypt(3) for accounts imported from other servers.
 *
 * Passwords are normalised to NFKC first: the same letters typed on two systems may be different
 * code points, and imported hashes were made that way.
 */
#include "homeserver/accounts/password_hash.h"

#include <crypt.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <uninorm.h>
#include <unistd.h>
#include <unistr.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/secret.h"
#include "homeserver/base/thread.h"
#include "homeserver/call.h"
#include "homeserver/services.h"

enum {
    NICE_VALUE = 10,
    RETRY_AFTER_MS = 2000, /* a full queue takes about as long to empty */
};

/* One piece of work, on the stack of the thread that waits for it. */
struct task {
    struct task *next;
    const char *password;    /* normalised */
    const char *stored_hash; /* NULL: only make a new hash */
    unsigned long long iterations;
    size_t memory_bytes;
    bool done;
    bool failed; /* out of memory */
    bool matches;
    bool has_new_hash;
    char new_hash[crypto_pwhash_STRBYTES];
};

struct password_hasher {
    pthread_t thread;
    pthread_mutex_t lock; /* protects everything below, and `done` of the tasks */
    pthread_cond_t work_arrived;
    pthread_cond_t work_done;
    struct task *first;
    struct task *last;
    size_t waiting;
    size_t waiting_max;
    bool stopping;
    struct crypt_data crypt_scratch; /* 32 KiB; the hashing thread's own */
};

static bool is_bcrypt(const char *hash)
{
    return hash[0] == '$' && hash[1] == '2' && hash[2] != '\0' && hash[3] == '$';
}

static void make_hash(struct task *task)
{
    task->has_new_hash =
        crypto_pwhash_str_alg(task->new_hash, task->password, strlen(task->password),
                              task->iterations, task->memory_bytes,
                              crypto_pwhash_ALG_ARGON2ID13) == 0;
    task->failed = !task->has_new_hash;
}

static bool bcrypt_matches(struct crypt_data *scratch, const struct task *task)
{
    const char *computed = crypt_r(task->password, task->stored_hash, scratch);
    bool matches = computed != NULL && secret_equal(computed, task->stored_hash);

    secret_clear(scratch, sizeof(*scratch));
    return matches;
}

static void run_task(struct password_hasher *hasher, struct task *task)
{
    const char *stored = task->stored_hash;
    bool outdated;

    if (stored == NULL) {
        make_hash(task);
        return;
    }
    if (is_bcrypt(stored)) {
        task->matches = bcrypt_matches(&hasher->crypt_scratch, task);
        outdated = true;
    } else {
        task->matches =
            crypto_pwhash_str_verify(stored, task->password, strlen(task->password)) == 0;
        outdated =
            crypto_pwhash_str_needs_rehash(stored, task->iterations, task->memory_bytes) != 0;
    }
    if (task->matches && outdated)
        make_hash(task);
}

/* Waits for a task and takes it off the queue; NULL when the hasher stops and nothing is left. */
static struct task *next_task(struct password_hasher *hasher)
{
    struct task *task;

    pthread_mutex_lock(&hasher->lock);
    while (hasher->first == NULL && !hasher->stopping)
        pthread_cond_wait(&hasher->work_arrived, &hasher->lock);
    task = hasher->first;
    if (task != NULL) {
        hasher->first = task->next;
        if (hasher->first == NULL)
            hasher->last = NULL;
        hasher->waiting--;
    }
    pthread_mutex_unlock(&hasher->lock);
    return task;
}

static void *hashing_thread(void *argument)
{
    struct password_hasher *hasher = argument;
    struct task *task;

    /* On Linux this lowers this thread only. Failing costs fairness, not correctness. */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE_VALUE);
    while ((task = next_task(hasher)) != NULL) {
        run_task(hasher, task);
        pthread_mutex_lock(&hasher->lock);
        task->done = true;
        pthread_cond_broadcast(&hasher->work_done);
        pthread_mutex_unlock(&hasher->lock);
    }
    return NULL;
}

struct password_hasher *password_hasher_create(size_t waiting_max)
{
    struct password_hasher *hasher = calloc(1, sizeof(*hasher));

    if (hasher == NULL || sodium_init() < 0)
        abort();
    hasher->waiting_max = waiting_max;
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->work_arrived, NULL);
    pthread_cond_init(&hasher->work_done, NULL);
    if (!thread_start(&hasher->thread, "password-hash", hashing_thread, hasher))
        abort();
    return hasher;
}

void password_hasher_destroy(struct password_hasher *hasher)
{
    if (hasher == NULL)
        return;
    pthread_mutex_lock(&hasher->lock);
    hasher->stopping = true;
    pthread_cond_signal(&hasher->work_arrived);
    pthread_mutex_unlock(&hasher->lock);
    pthread_join(hasher->thread, NULL);
    pthread_cond_destroy(&hasher->work_arrived);
    pthread_cond_destroy(&hasher->work_done);
    pthread_mutex_destroy(&hasher->lock);
    free(hasher);
}

/* False when too many are waiting already. */
static bool enqueue_and_wait(struct password_hasher *hasher, struct task *task)
{
    bool accepted;

    pthread_mutex_lock(&hasher->lock);
    accepted = hasher->waiting < hasher->waiting_max && !hasher->stopping;
    if (accepted) {
        if (hasher->last != NULL)
            hasher->last->next = task;
        else
            hasher->first = task;
        hasher->last = task;
        hasher->waiting++;
        pthread_cond_signal(&hasher->work_arrived);
        while (!task->done)
            pthread_cond_wait(&hasher->work_done, &hasher->lock);
    }
    pthread_mutex_unlock(&hasher->lock);
    return accepted;
}

static enum errcode check_length(struct call *call, const char *password)
{
    if (strnlen(password, PASSWORD_BYTES_MAX + 1) > PASSWORD_BYTES_MAX)
        return fail(call->error, M_INVALID_PARAM, "A password has at most %d bytes.",
                    PASSWORD_BYTES_MAX);
    return OK;
}

static enum errcode run(struct call *call, const char *password, struct task *task)
{
    const struct config_passwords *cost = &config_current(call->services->config)->passwords;
    uint8_t *normalised;
    size_t size = 0;
    bool accepted;

    TRY(check_length(call, password));
    /* The NUL is normalised too: it ends the result. */
    normalised =
        u8_normalize(UNINORM_NFKC, (const uint8_t *)password, strlen(password) + 1, NULL, &size);
    if (normalised == NULL)
        return fail(call->error, M_INVALID_PARAM, "The password is not valid text.");
    task->password = (const char *)normalised;
    task->iterations = (unsigned long long)cost->argon2_iterations;
    task->memory_bytes = (size_t)cost->argon2_memory_kib * 1024;
    accepted = enqueue_and_wait(call->services->passwords, task);
    secret_clear(normalised, size);
    free(normalised);
    if (!accepted) {
        error_set_int(call->error, "retry_after_ms", RETRY_AFTER_MS);
        return fail(call->error, M_LIMIT_EXCEEDED,
                    "Too many people are logging in right now. Try again in a few seconds.");
    }
    if (task->failed)
        return fail(call->error, E_SYSTEM, "There was no memory to check the password.");
    return OK;
}

enum errcode password_hash(struct call *call, const char *password, const char **hash_out)
{
    struct task task = {0};

    TRY(run(call, password, &task));
    *hash_out = arena_strdup(call->arena, task.new_hash);
    return OK;
}

enum errcode password_verify(struct call *call, const char *password, const char *hash,
                             bool *matches_out, const char **better_hash_out)
{
    struct task task = {.stored_hash = hash};

    TRY(run(call, password, &task));
    /* Without a stored hash the work above was only done to take the same time. */
    *matches_out = hash != NULL && task.matches;
    *better_hash_out =
        *matches_out && task.has_new_hash ? arena_strdup(call->arena, task.new_hash) : NULL;
    return OK;
}

/* Code points, not bytes: what a person counts. */
static size_t count_characters(const char *text)
{
    return u8_mbsnlen((const uint8_t *)text, strlen(text));
}

enum errcode password_check_new(struct call *call, const char *password)
{
    int length_min = config_current(call->services->config)->passwords.length_min;

    TRY(check_length(call, password));
    if (count_characters(password) < (size_t)length_min)
        return fail(call->error, M_WEAK_PASSWORD, "A password has at least %d characters.",
                    length_min);
    return OK;
}
