/* The whole lab: namespaces for the hosts, interfaces, the router between them, and the programs on
 * the hosts. One process is every link, router and NAT: the one that calls topology_new, which
 * moves into a network (and, unless it is root, a user) namespace for good and must have one thread
 * only.
 *
 * When it ends, in whatever way, SIGKILL included, every program of the lab is killed with all its
 * descendants, and every namespace and interface is gone. Nothing is left in /run or anywhere else.
 *
 * Programs run as root: as real root if the lab does, else as root of the lab's user namespace, who
 * outside is the user who started it. */
#ifndef LAB_TOPOLOGY_H
#define LAB_TOPOLOGY_H

#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "internet.h"
#include "loop.h"
#include "nsec.h"
#include "router.h"
#include "spawn.h"

enum {
    TOPOLOGY_MAX_PROGRAMS = 16
};

struct topology_config {
    struct nat_config nat[LAB_NATS]; /* of nat_config_parse */
    struct link_config link[LAB_HOSTS];
    uint64_t seed;
    packet_event_observer *observe; /* may be NULL */
    void *observe_context;

    /* Called when a program has ended; STATUS as waitpid has it. May be NULL. */
    void (*ended)(void *context, pid_t pid, int status);
    void *ended_context;
};

struct topology;

/* Builds everything. SIGINT, SIGTERM and SIGHUP are blocked from then on and taken by topology_run.
 * NULL and ERROR on failure (EX_NOPERM with what to try, where the system does not
 * let an ordinary user); the process may then already be in the lab's namespaces. */
struct topology *topology_new(const struct topology_config *config, struct error *error);

/* Kills what still runs (SIGTERM, then SIGKILL after GRACE, during which packets are still
 * carried), waits for it, tears down and frees everything. Takes NULL too. */
void topology_close(struct topology *t, nsec grace);

/* Starts a program on HOST; see spawn.h. */
pid_t topology_spawn(struct topology *t, enum lab_host host, const struct spawn *program,
                     struct error *error);

/* Gives up all privileges of this process, but that of killing its programs. Nothing can be started
 * afterwards. Returns 0, or -1 and ERROR. */
int topology_seal(struct topology *t, struct error *error);

/* What topology_run runs: for what else is to be watched meanwhile. */
struct loop *topology_loop(const struct topology *t);

enum topology_end {
    TOPOLOGY_FAILED = -1,
    TOPOLOGY_STOPPED, /* by topology_stop */
    TOPOLOGY_TIMED_OUT,
    TOPOLOGY_ENDED,       /* the program waited for has ended */
    TOPOLOGY_INTERRUPTED, /* by a signal: topology_signal */
};

/* Carries packets until the program PID (0: none) has ended, or topology_stop is called by one of
 * the callbacks, or UNTIL has come, or a signal has. SIGINT, SIGTERM and SIGHUP are passed on to
 * the program waited for (which has a SIGINT from the terminal already, if in the foreground); they
 * interrupt if none is waited for, and from the second on in any case. *STATUS (may be NULL) is set
 * when the program has ended, even before the call. */
enum topology_end topology_run(struct topology *t, pid_t pid, nsec until, int *status,
                               struct error *error);
void topology_stop(struct topology *t);

/* The signal that came last; 0 if none did. */
int topology_signal(const struct topology *t);

/* Packets that the kernel dropped because this process did not read them in time. */
uint64_t topology_kernel_drops(struct topology *t);

#endif
