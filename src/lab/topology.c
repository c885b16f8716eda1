#include "topology.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "netlink.h"
#include "netns.h"
#include "privilege.h"

#define HOST_INTERFACE "eth0"

struct program {
    pid_t pid; /* 0: free */
    bool foreground;
    bool ended;
    int status;
};

struct topology {
    struct topology_config config;
    struct router *router;
    struct pidns pidns;
    int netns[LAB_HOSTS];
    int signals;
    int signal;            /* the last that came */
    unsigned signal_count; /* that were for us to act on */
    pid_t waited;
    bool stopped;
    struct program programs[TOPOLOGY_MAX_PROGRAMS];
};

static const struct nat_config *nat_of(const struct topology_config *c, enum lab_host host)
{
    return host < LAB_NATS ? &c->nat[host] : NULL;
}

/* Sets up the host's side of its link; this process is in the host's namespace. */
static int set_up_interface(const struct topology *t, enum lab_host host, struct netlink *nl,
                            struct error *error)
{
    uint32_t addresses[LAB_ADDRESSES];
    unsigned count = lab_host_addresses(host, nat_of(&t->config, host), addresses);

    if (netlink_up(nl, "lo", error) < 0 || netlink_no_offload(HOST_INTERFACE, error) < 0 ||
        netlink_no_ip6(nl, HOST_INTERFACE, error) < 0 || netlink_up(nl, HOST_INTERFACE, error) < 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (netlink_add_address(nl, HOST_INTERFACE, addresses[i], error) < 0)
            return -1;
    return netlink_add_default_route(nl, HOST_INTERFACE, addresses[0], error);
}

static int set_up_host_side(const struct topology *t, enum lab_host host, int home,
                            struct error *error)
{
    struct netlink *nl;
    struct error ignored;
    int failed = -1;

    if (netns_set(t->netns[host], error) < 0)
        return -1;
    nl = netlink_open(error);
    if (nl != NULL)
        failed = set_up_interface(t, host, nl, error);
    netlink_close(nl);
    if (netns_set(home, failed < 0 ? &ignored : error) < 0)
        failed = -1;
    return failed;
}

static int set_up_link(struct topology *t, enum lab_host host, struct netlink *nl, int home,
                       struct error *error)
{
    const char *name = lab_host_name(host);
    uint8_t host_mac[MAC_SIZE], own_mac[MAC_SIZE];

    router_host_mac(host, host_mac);
    router_own_mac(host, own_mac);
    t->netns[host] = netns_new(error);
    if (t->netns[host] < 0 ||
        netlink_add_veth(nl, name, own_mac, HOST_INTERFACE, host_mac, t->netns[host], error) < 0 ||
        set_up_host_side(t, host, home, error) < 0)
        return -1;
    if (netlink_no_offload(name, error) < 0 || netlink_no_ip6(nl, name, error) < 0)
        return -1;
    return netlink_up(nl, name, error);
}

static int set_up_links(struct topology *t, struct error *error)
{
    int home = netns_current(error);
    struct netlink *nl = home < 0 ? NULL : netlink_open(error);
    int failed = nl == NULL ? -1 : 0;

    for (unsigned i = 0; i < LAB_HOSTS && failed == 0; i++)
        failed = set_up_link(t, (enum lab_host)i, nl, home, error);
    netlink_close(nl);
    if (home >= 0)
        close(home);
    return failed;
}

/* Collects the programs that have ended, and tells. */
static void reap(struct topology *t)
{
    for (unsigned i = 0; i < TOPOLOGY_MAX_PROGRAMS; i++) {
        struct program *p = &t->programs[i];

        if (p->pid == 0 || p->ended || waitpid(p->pid, &p->status, WNOHANG) != p->pid)
            continue;
        p->ended = true;
        if (t->config.ended != NULL)
            t->config.ended(t->config.ended_context, p->pid, p->status);
        if (p->pid == t->waited)
            router_stop(t->router);
    }
}

static struct program *find_program(struct topology *t, pid_t pid)
{
    for (unsigned i = 0; i < TOPOLOGY_MAX_PROGRAMS; i++)
        if (t->programs[i].pid == pid)
            return &t->programs[i];
    return NULL;
}

static void take_signal(struct topology *t, const struct signalfd_siginfo *info)
{
    const struct program *p = t->waited == 0 ? NULL : find_program(t, t->waited);
    int number = (int)info->ssi_signo;
    bool from_terminal = info->ssi_code == SI_KERNEL;

    t->signal = number;
    t->signal_count++;
    if (p != NULL && !p->ended && !(p->foreground && from_terminal))
        kill(p->pid, number);
    if (p == NULL || t->signal_count > 1)
        router_stop(t->router);
}

static void read_signals(void *context, int fd)
{
    struct topology *t = context;
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGCHLD)
            reap(t);
        else
            take_signal(t, &info);
}

static int open_signals(struct topology *t, struct error *error)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return error_set(error, EX_OSERR, errno, "cannot block signals");
    t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (t->signals < 0)
        return error_set(error, EX_OSERR, errno, "cannot make a signal descriptor");
    return router_watch(t->router, t->signals, read_signals, t, error);
}

static int build(struct topology *t, struct error *error)
{
    struct internet_config internet = {
        .seed = t->config.seed,
        .observe = t->config.observe,
        .observe_context = t->config.observe_context,
    };

    memcpy(internet.nat, t->config.nat, sizeof internet.nat);
    memcpy(internet.link, t->config.link, sizeof internet.link);
    if (netns_enter(error) < 0 || pidns_open(&t->pidns, error) < 0 || set_up_links(t, error) < 0)
        return -1;
    t->router = router_open(&internet, error);
    return t->router == NULL ? -1 : open_signals(t, error);
}

struct topology *topology_new(const struct topology_config *config, struct error *error)
{
    struct topology *t = calloc(1, sizeof *t);

    if (t == NULL) {
        error_set(error, EX_OSERR, errno, "cannot allocate memory");
        return NULL;
    }
    t->config = *config;
    t->signals = -1;
    t->pidns = (struct pidns){.ns = -1, .lifeline = -1, .init = -1};
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        t->netns[i] = -1;
    if (build(t, error) == 0)
        return t;
    topology_close(t, 0);
    return NULL;
}

pid_t topology_spawn(struct topology *t, enum lab_host host, const struct spawn *program,
                     struct error *error)
{
    struct program *p = find_program(t, 0);

    if (p == NULL)
        return error_set(error, EX_SOFTWARE, 0, "too many programs in the lab");
    *p = (struct program){.foreground = program->foreground};
    p->pid = spawn_program(program, t->netns[host], t->pidns.ns, error);
    if (p->pid < 0) {
        p->pid = 0;
        return -1;
    }
    return p->pid;
}

int topology_seal(struct topology *t, struct error *error)
{
    static const int keep[] = {CAP_KILL};

    (void)t;
    return privilege_drop_except(keep, sizeof keep / sizeof *keep, error);
}

int topology_watch(struct topology *t, int fd, void (*ready)(void *context, int fd), void *context,
                   struct error *error)
{
    return router_watch(t->router, fd, ready, context, error);
}

void topology_unwatch(struct topology *t, int fd)
{
    router_unwatch(t->router, fd);
}

enum topology_end topology_run(struct topology *t, pid_t pid, nsec until, int *status,
                               struct error *error)
{
    const struct program *p = pid == 0 ? NULL : find_program(t, pid);
    enum router_end end = ROUTER_STOPPED;

    t->stopped = false;
    t->signal_count = 0;
    t->waited = pid;
    if (p == NULL || !p->ended)
        end = router_run(t->router, until, error);
    t->waited = 0;
    if (end == ROUTER_FAILED)
        return TOPOLOGY_FAILED;
    if (p != NULL && p->ended) {
        if (status != NULL)
            *status = p->status;
        return TOPOLOGY_ENDED;
    }
    if (end == ROUTER_TIMED_OUT)
        return TOPOLOGY_TIMED_OUT;
    return t->stopped ? TOPOLOGY_STOPPED : TOPOLOGY_INTERRUPTED;
}

void topology_stop(struct topology *t)
{
    t->stopped = true;
    router_stop(t->router);
}

int topology_signal(const struct topology *t)
{
    return t->signal;
}

unsigned topology_addresses(const struct topology *t, enum lab_host host,
                            uint32_t out[static LAB_ADDRESSES])
{
    return lab_host_addresses(host, nat_of(&t->config, host), out);
}

uint64_t topology_kernel_drops(struct topology *t)
{
    return router_kernel_drops(t->router);
}

/* Asks the programs to end, and carries their last packets until they have or until DEADLINE. */
static void end_programs(struct topology *t, nsec deadline)
{
    struct error ignored;

    for (unsigned i = 0; i < TOPOLOGY_MAX_PROGRAMS; i++)
        if (t->programs[i].pid != 0 && !t->programs[i].ended)
            kill(t->programs[i].pid, SIGTERM);
    for (unsigned i = 0; i < TOPOLOGY_MAX_PROGRAMS; i++)
        if (t->programs[i].pid != 0 &&
            topology_run(t, t->programs[i].pid, deadline, NULL, &ignored) == TOPOLOGY_FAILED)
            return;
}

void topology_close(struct topology *t, nsec grace)
{
    if (t == NULL)
        return;
    if (t->router != NULL && grace > 0)
        end_programs(t, clock_now() + grace);
    /* What is left dies with its process namespace. */
    pidns_kill(&t->pidns);
    for (unsigned i = 0; i < TOPOLOGY_MAX_PROGRAMS; i++)
        if (t->programs[i].pid != 0 && !t->programs[i].ended)
            waitpid(t->programs[i].pid, NULL, 0);
    pidns_close(&t->pidns);
    router_close(t->router);
    if (t->signals >= 0)
        close(t->signals);
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if (t->netns[i] >= 0)
            close(t->netns[i]);
    free(t);
}
