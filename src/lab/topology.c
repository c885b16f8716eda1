#include "topology.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
    struct loop *loop;
    struct router *router;
    struct pidns pidns;
    int netns[LAB_HOSTS];
    int signal;            /* the last that came */
    unsigned signal_count; /* that were for us to act on */
    pid_t waited;          /* for, by the run under way; 0 = none */
    struct loop_timer until;
    enum topology_end end; /* of the run under way */
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
    struct veth_end own = {.name = name}, peer = {.name = HOST_INTERFACE};

    router_own_mac(host, own.mac);
    router_host_mac(host, peer.mac);
    t->netns[host] = netns_new(error);
    if (t->netns[host] < 0 || netlink_add_veth(nl, &own, &peer, t->netns[host], error) < 0 ||
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

static struct program *find_program(struct topology *t, pid_t pid)
{
    for (unsigned i = 0; i < TOPOLOGY_MAX_PROGRAMS; i++)
        if (t->programs[i].pid == pid)
            return &t->programs[i];
    return NULL;
}

static void finish(struct topology *t, enum topology_end end)
{
    t->end = end;
    loop_stop(t->loop);
}

static int time_is_up(void *context, struct error *error)
{
    (void)error;
    finish(context, TOPOLOGY_TIMED_OUT);
    return 0;
}

static void program_ended(void *context, pid_t pid, int status)
{
    struct topology *t = context;
    struct program *p = find_program(t, pid);

    p->ended = true;
    p->status = status;
    if (t->config.ended != NULL)
        t->config.ended(t->config.ended_context, pid, status);
    if (pid == t->waited)
        finish(t, TOPOLOGY_ENDED);
}

static void signal_came(void *context, const struct loop_signal *signal)
{
    struct topology *t = context;
    const struct program *p = t->waited == 0 ? NULL : find_program(t, t->waited);

    t->signal = signal->number;
    t->signal_count++;
    if (p != NULL && !p->ended && !(p->foreground && signal->from_kernel))
        kill(p->pid, signal->number);
    if (p == NULL || t->signal_count > 1)
        finish(t, TOPOLOGY_INTERRUPTED);
}

static int take_signals(struct topology *t, struct error *error)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (loop_on_signal(t->loop, numbers[i], signal_came, t, error) != 0)
            return -1;
    return 0;
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
    t->loop = loop_new(error);
    if (t->loop == NULL || (t->router = router_open(&internet, t->loop, error)) == NULL)
        return -1;
    loop_add_timer(t->loop, &t->until);
    return take_signals(t, error);
}

struct topology *topology_new(const struct topology_config *config, struct error *error)
{
    struct topology *t = calloc(1, sizeof *t);

    if (t == NULL) {
        error_set(error, EX_OSERR, errno, "cannot allocate memory");
        return NULL;
    }
    t->config = *config;
    t->until = (struct loop_timer){.when = NSEC_NEVER, .fired = time_is_up, .context = t};
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
    return loop_on_child(t->loop, p->pid, program_ended, t, error) != 0 ? -1 : p->pid;
}

int topology_seal(struct topology *t, struct error *error)
{
    (void)t;
    return privilege_drop_except(PRIVILEGE_BIT(CAP_KILL), error);
}

struct loop *topology_loop(const struct topology *t)
{
    return t->loop;
}

enum topology_end topology_run(struct topology *t, pid_t pid, nsec until, int *status,
                               struct error *error)
{
    const struct program *p = pid == 0 ? NULL : find_program(t, pid);
    int failed = 0;

    t->signal_count = 0;
    t->waited = pid;
    t->until.when = until;
    if (p == NULL || !p->ended)
        failed = loop_run(t->loop, error);
    t->waited = 0;
    t->until.when = NSEC_NEVER;
    if (failed != 0)
        return TOPOLOGY_FAILED;
    if (p == NULL || !p->ended)
        return t->end;
    if (status != NULL)
        *status = p->status;
    return TOPOLOGY_ENDED;
}

void topology_stop(struct topology *t)
{
    finish(t, TOPOLOGY_STOPPED);
}

int topology_signal(const struct topology *t)
{
    return t->signal;
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
    loop_free(t->loop);
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if (t->netns[i] >= 0)
            close(t->netns[i]);
    free(t);
}
