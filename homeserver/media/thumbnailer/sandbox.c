/* Limits by setrlimit(2), and a list of harmless system calls by seccomp(2). */
#include "homeserver/media/thumbnailer/sandbox.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "homeserver/base/compiler.h"

static bool set_limit(__rlimit_resource_t resource, size_t value)
{
    const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    return setrlimit(resource, &limit) == 0;
}

bool sandbox_limit(const struct sandbox_limits *limits)
{
    return close_range(3, ~0U, 0) == 0 && set_limit(RLIMIT_CORE, 0) &&
           set_limit(RLIMIT_DATA, limits->memory_bytes) &&
           set_limit(RLIMIT_CPU, limits->cpu_seconds) &&
           set_limit(RLIMIT_FSIZE, limits->output_bytes) && prctl(PR_SET_DUMPABLE, 0) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Memory, threads, clocks and what is open already. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(getrandom),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
};

static bool add_rules(scmp_filter_ctx filter)
{
    bool added = true;

    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        added = added && seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
    /* Memory that is never executable: PROT_EXEC is 4. */
    added = added && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                      SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0)) == 0;
    added = added && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                      SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0)) == 0;
    /* Threads but no processes; glibc falls back to clone() when there is no clone3(). */
    added = added && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) == 0;
    return added && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

bool sandbox_enter(void)
{
    /* What is not on the list fails as if it were forbidden: libraries look for files that they can
     * do without. */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool entered = filter != NULL && add_rules(filter) && seccomp_load(filter) == 0;

    seccomp_release(filter);
    return entered;
}
